"""The gate of a service: bytes and seconds of uploads, before anything is made of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter

from ..._core._text import counted
from ._limits import Limits

RETRY = {"Retry-After": "1"}  # seconds; a batch takes less


class Gate:
    """ASGI application around another one, whose uploads it bounds and whose answers it counts.

    Parameters
    ----------
    app : ASGI application
        The one inside.
    path : str
        The path of uploads; requests of others pass.
    limits : Limits
        Bounds of a request, and of all together.
    told : callable
        A function of the status and the seconds of each answer.
    """

    def __init__(self, app, path: str, limits: Limits, told: Callable[[int, float], None]):
        self.app = app
        self.path = path
        self.limits = limits
        self.told = told
        self._n_held = 0  # bytes of all uploads

    async def __call__(self, scope, receive, send) -> None:
        """Pass a request on, within bounds."""
        if scope["type"] != "http" or not scope["path"].endswith(self.path):
            await self.app(scope, receive, send)
            return
        upload = _Upload(self, receive)
        start = perf_counter()

        async def answer(message) -> None:
            if message["type"] == "http.response.start":
                upload.answered = True
                self.told(message["status"], perf_counter() - start)
            await send(message)

        try:
            declared = dict(scope["headers"]).get(b"content-length", b"")
            refusal = upload.refusal(int(declared)) if declared.isdigit() else None
            if refusal is not None:
                await _answer(refusal, scope, receive, answer)
            else:
                await self.app(scope, upload.receive, answer)
        except Exception:
            if not upload.answered:  # it will be, outside of here, as an error of the server
                self.told(500, perf_counter() - start)
            raise
        finally:
            self._n_held -= upload.n_bytes


class _Upload:
    """The body of a request, as far as it has come."""

    def __init__(self, gate: Gate, receive: Callable):
        self.gate = gate
        self.n_bytes = 0
        self.answered = False
        self._receive = receive
        self._ended = False
        self._deadline = asyncio.get_running_loop().time() + gate.limits.time_limit

    def refusal(self, n_more: int):
        """The error of so many more bytes; None if they may come."""
        from fastapi import HTTPException

        limits = self.gate.limits
        if self.n_bytes + n_more > limits.request_bytes:
            return HTTPException(
                413, f"a request has at most {counted(limits.max_upload, 'megabyte')}"
            )
        if self.gate._n_held + n_more > limits.held_bytes:
            return HTTPException(503, "too many uploads at a time: try again", RETRY)
        return None

    async def receive(self) -> dict:
        """The next part of the body; later, what tells that the client has left."""
        if self._ended:
            return await self._receive()
        from fastapi import HTTPException

        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            seconds = self.gate.limits.time_limit
            raise HTTPException(408, f"an upload has {seconds:g} seconds") from None
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "the upload has broken off")
        n_more = len(message.get("body", b""))
        refusal = self.refusal(n_more)
        if refusal is not None:
            raise refusal
        self.n_bytes += n_more
        self.gate._n_held += n_more
        self._ended = not message.get("more_body", False)
        return message


async def _answer(error, scope, receive, send) -> None:
    from fastapi.responses import JSONResponse

    response = JSONResponse({"detail": error.detail}, error.status_code, error.headers)
    await response(scope, receive, send)
