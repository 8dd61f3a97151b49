"""A web service around a trained classifier."""

from __future__ import annotations

from os import PathLike

__all__ = ["prediction_service"]


def prediction_service(
    model,
    *,
    top=5,
    batch_size=32,
    max_waiting=256,
    max_pictures=32,
    max_upload=32,
    max_megapixels=64,
    time_limit=30.0,
    window=1000,
):
    """Web application that predicts the pictures of its requests (ASGI, by FastAPI).

    Concurrent requests are put together into batches, which one thread computes. What waits is
    bounded, in pictures and in bytes: when that is full, the answer is 503 with ``Retry-After``.
    It needs the extra ``serve``: ``pip install "scikit-lift[serve]"``. There are no accounts and
    no encryption: put it behind a proxy that has them.

    Parameters
    ----------
    model : path, LiftClassifier or ZeroShotClassifier
        A file of ``save`` or of ``sklift fit``, or a fitted classifier. The sets of labels, and
        what drift is compared with, are read from files beside it, as ``sklift fit`` writes them.
    top : int, default=5
        Labels that are told of each picture.
    batch_size : int, default=32
        Pictures that are computed together, at most.
    max_waiting : int, default=256
        Pictures that may wait.
    max_pictures : int, default=32
        Pictures of a request, at most ``max_waiting``.
    max_upload : int, default=32
        Megabytes (2**20 bytes) of a request. All requests together may hold eight times as much.
    max_megapixels : int, default=64
        Million pixels of a picture, and of a batch of several.
    time_limit : float, default=30.0
        Seconds that an upload may take, and that its pictures may wait for their answer.
    window : int, default=1000
        Number of the latest predictions that are compared with those of held-out pictures, at least
        100.

    Returns
    -------
    app : fastapi.FastAPI
        With ``POST /predict``, ``GET /health`` and ``GET /metrics``. Run it by ``uvicorn``, or
        mount it in an application of your own.

    Raises
    ------
    ImportError
        If the packages of the extra are missing.
    TypeError, ValueError
        If the model or a bound is not usable.

    Examples
    --------
    >>> from sklift import prediction_service
    >>> prediction_service("model.safetensors", max_waiting=8)
    Traceback (most recent call last):
    ...
    ValueError: max_pictures=32 must be at most max_waiting=8
    """
    from ._app import application
    from ._limits import Limits
    from ._served import Served, load_served

    limits = Limits(
        batch_size, max_waiting, max_pictures, max_upload, max_megapixels, time_limit, window
    )
    limits.check(top=top)
    served = load_served(model) if isinstance(model, (str, PathLike)) else Served(model)
    return application(served, limits, top)
