"""Bounds of uploads, before anything is made of them."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import HTTPException

from sklift._commands._service._gate import Gate
from sklift._commands._service._limits import MEGABYTE, Limits

LIMITS = Limits(max_upload=1, time_limit=0.05)


class Door:
    """A gate around an application that reads a body, and what has come out of it."""

    def __init__(self, limits=LIMITS):
        self.gate = Gate(self.app, "/predict", limits, lambda *told: self.told.append(told))
        self.told, self.sent, self.read = [], [], []

    async def app(self, scope, receive, send):
        while (message := await receive()).get("more_body"):
            self.read.append(len(message["body"]))
        self.read.append(len(message.get("body", b"")))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        self.left = await receive()

    async def ask(self, *parts, length=None, path="/predict", wait=0.0):
        last = len(parts) - 1
        messages = [
            {"type": "http.request", "body": part, "more_body": i < last}
            for i, part in enumerate(parts)
        ]
        messages.append({"type": "http.disconnect"})

        async def receive():
            await asyncio.sleep(wait)
            return messages.pop(0)

        async def send(message):
            self.sent.append(message)

        headers = [] if length is None else [(b"content-length", length)]
        scope = {"type": "http", "path": path, "headers": headers}
        await self.gate(scope, receive, send)


def test_an_upload_within_bounds_passes():
    door = Door()
    asyncio.run(door.ask(b"a" * 10, b"b" * 20, length=b"30"))
    assert door.read == [10, 20] and door.left == {"type": "http.disconnect"}
    ((status, seconds),) = door.told
    assert status == 200 and 0 <= seconds < 5


def test_a_length_that_is_too_large_is_refused_unread():
    door = Door()
    asyncio.run(door.ask(b"a", length=str(MEGABYTE + 1).encode()))
    assert door.read == [] and door.told[0][0] == door.sent[0]["status"] == 413
    assert b"at most 1 megabyte" in door.sent[1]["body"]


@pytest.mark.parametrize("length", [None, b"5", b"-5", b"x"])
def test_a_body_that_is_longer_than_said(length):
    door = Door()
    with pytest.raises(HTTPException) as caught:
        asyncio.run(door.ask(b"a" * MEGABYTE, b"a", length=length))
    assert caught.value.status_code == 413 and door.read == [MEGABYTE]


def test_a_slow_upload_ends_and_what_follows_it_does_not():
    door = Door()
    with pytest.raises(HTTPException) as caught:
        asyncio.run(door.ask(b"a", b"b", b"c", wait=0.03))
    assert caught.value.status_code == 408 and len(door.read) < 3
    asyncio.run(door.ask(b"a", wait=0.03))  # the wait for the client's end is no upload
    assert door.left == {"type": "http.disconnect"}


def test_an_upload_that_breaks_off():
    door = Door()

    async def receive():
        return {"type": "http.disconnect"}

    with pytest.raises(HTTPException, match="broken off"):
        asyncio.run(door.gate({"type": "http", "path": "/predict", "headers": []}, receive, None))
    assert door.read == []


def test_all_together_are_bounded_and_what_has_ended_counts_no_more():
    door = Door(Limits(max_upload=1))

    async def main():
        block, parts = asyncio.Event(), [b"a" * MEGABYTE, b""]

        async def app(scope, receive, send):
            while (await receive()).get("more_body"):
                pass
            await block.wait()

        door.gate.app, inner = app, door.gate.app
        tasks = [asyncio.create_task(door.ask(*parts)) for _ in range(8)]
        while door.gate._n_held < 8 * MEGABYTE:
            await asyncio.sleep(0.001)
        await door.ask(b"a", length=b"1")
        refusal = door.sent[0]
        assert refusal["status"] == 503 and (b"retry-after", b"1") in refusal["headers"]
        with pytest.raises(HTTPException, match="try again"):
            await door.ask(b"a")
        block.set()
        await asyncio.gather(*tasks)
        door.gate.app = inner
        await door.ask(b"a", length=b"1")
        assert door.read == [1] and door.gate._n_held == 0

    asyncio.run(main())


def test_other_addresses_pass():
    door = Door()
    asyncio.run(door.ask(b"a", length=b"9" * 12, path="/health"))
    assert door.read == [1] and door.told == []
