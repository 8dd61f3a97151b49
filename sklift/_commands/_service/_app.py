"""The web application: its addresses, and what they answer."""

import asyncio
from typing import Any

import numpy as np

from ..._classes._mixes import assumed_mix, trained_mix
from ..._core._version import __version__
from .._predictions import rows_of
from .._reading import Part
from ._batches import Batcher, Busy
from ._drift import Window
from ._gate import RETRY, Gate
from ._limits import Limits
from ._metrics import Metrics
from ._served import Picture, Served

# No `from __future__ import annotations` here: FastAPI reads the annotations of functions, whose
# names it would look for outside of `application`.

NOTHING = np.empty((0, 0))
_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["pictures"],
                "properties": {
                    "pictures": {"type": "array", "items": {"type": "string", "format": "binary"}}
                },
            }
        }
    },
}


def application(served: Served, limits: Limits, top: int):
    """Build the application of a classifier.

    Raises
    ------
    ImportError
        If the packages of the extra "serve" are missing.
    ValueError
        If the window is too large for the number of classes.
    """
    try:
        from fastapi import FastAPI, HTTPException, Request, Response
        from fastapi.responses import JSONResponse
        from prometheus_client import CONTENT_TYPE_LATEST
        from python_multipart.exceptions import FormParserError
    except ImportError as error:
        raise ImportError(
            f'a service needs {error.name}: pip install "scikit-lift[serve]"'
        ) from error

    limits.check_window(len(served.clf.classes_))
    window = Window(
        limits.window, assumed_mix(served.clf), trained_mix(served.clf), served.reference
    )

    def rows(part: Part) -> list[dict]:
        return list(rows_of(part, served.clf.classes_, top, served.name or "", served.sets))

    def compute(pictures: list[Picture]) -> list[dict]:
        part = served.predict([picture.content for picture in pictures])
        metrics.batch(part.values, len(pictures))
        return rows(part)

    batcher = Batcher(
        compute,
        limits.batch_size,
        limits.max_waiting,
        lambda picture: picture.n_pixels,
        limits.max_megapixels * 1e6,
    )
    metrics = Metrics(served.clf.classes_.tolist(), window, lambda: batcher.n_waiting)
    app = FastAPI(title="sklift", version=__version__, docs_url=None, redoc_url=None)
    app.add_middleware(Gate, path="/predict", limits=limits, told=metrics.request)

    @app.post("/predict", openapi_extra={"requestBody": _FORM})
    async def predict(request: Request) -> Any:
        """Labels of pictures, which are the files of a form; 422 if none of them can be read."""
        try:
            names, contents = await uploaded(request, limits)
        except (FormParserError, UnicodeError) as error:  # the form names its own encoding
            raise HTTPException(400, "the form can't be read") from error
        try:
            async with asyncio.timeout(limits.time_limit):
                pictures = [
                    await asyncio.to_thread(served.look, content, limits.max_megapixels)
                    for content in contents
                ]
                good = [picture for picture in pictures if picture.refusal is None]
                predicted = iter(await batcher(good))
        except Busy:
            raise HTTPException(503, "too many pictures wait: try again", RETRY) from None
        except TimeoutError:
            text = f"no answer within {limits.time_limit:g} seconds: try again"
            raise HTTPException(503, text, RETRY) from None
        answers = []
        for name, picture in zip(names, pictures, strict=True):
            if picture.refusal is None:
                row = next(predicted)
            else:
                (row,) = rows(Part([name], NOTHING, {name: picture.refusal}))
            answers.append(answer(name, row))
        metrics.answers(answers)
        none = all(row["error"] is not None for row in answers)
        content = {"model": served.name, "predictions": answers}
        return JSONResponse(content, 422 if none else 200)

    @app.get("/health")
    @app.head("/health", include_in_schema=False)
    async def health() -> Any:
        """Whether pictures are predicted: 503 where a batch takes longer than the time limit."""
        stuck = batcher.seconds > limits.time_limit
        content = {
            "status": "stuck" if stuck else "ok",
            "model": served.name,
            "classes": len(served.clf.classes_),
            "waiting": batcher.n_waiting,
        }
        return JSONResponse(content, 503 if stuck else 200)

    @app.get("/metrics", response_class=Response)
    @app.head("/metrics", include_in_schema=False)
    def tell_metrics() -> Any:
        """Figures for Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return app


async def uploaded(request, limits: Limits) -> tuple[list[str], list[bytes]]:
    """Names and contents of the files of a form."""
    from fastapi import HTTPException

    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise HTTPException(415, "send pictures as files of a form (multipart/form-data)")
    async with request.form(max_files=limits.max_pictures, max_fields=16) as form:
        files = [value for _, value in form.multi_items() if not isinstance(value, str)]
        names = [shown(file.filename or "") for file in files]
        contents = [await file.read() for file in files]
    if not files:
        raise HTTPException(422, "the form has no file: curl -F pictures=@picture.jpg")
    return names, contents


def shown(name: str) -> str:
    """A name of a file as JSON may hold it, however long it was, and in whatever encoding."""
    return name[:255].encode(errors="replace").decode()


def answer(name: str, row: dict) -> dict:
    """What is said of a picture: its row in a table of ``sklift predict``, and flags."""
    said = {key: value for key, value in row.items() if key not in ("path", "model")}
    return {"picture": name} | said | {"flags": flags_of(row["set"])}


def flags_of(inside: list | None) -> list[str]:
    """Flags of a set of labels: "several" are likely, or "none" is.

    Examples
    --------
    >>> from sklift._commands._service._app import flags_of
    >>> flags_of(["fox", "wolf"]), flags_of([]), flags_of(["fox"]), flags_of(None)
    (['several'], ['none'], [], [])
    """
    if inside is None or len(inside) == 1:
        return []
    return ["several"] if inside else ["none"]
