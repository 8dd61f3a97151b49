"""Changes of bytes, several contents in one input, and archives with a changed member."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path


class Plain:
    """What targets share that know no more than bytes.

    Parameters
    ----------
    folder : Path
        A folder of the target's own.
    """

    blind = 0.5
    watched: list[tuple[type, str]] = []

    def __init__(self, folder: Path):
        self.folder = folder / "target"
        self.folder.mkdir(exist_ok=True)

    def mutate(self, data: bytes, draw: random.Random) -> bytes:
        return damage(data, draw)

    def change(self) -> str:
        return ""


def damage(data: bytes, draw: random.Random, n_header: int = 64) -> bytes:
    """A few random changes of bytes; the header gets as many as the rest."""
    changed = bytearray(data)
    for _ in range(draw.choice([1, 1, 1, 2, 3, 8])):
        if not changed:
            break
        end = draw.choice([min(n_header, len(changed)), len(changed)])
        i, length = draw.randrange(end), draw.choice([1, 1, 2, 4, 8, 50])
        kind = draw.randrange(9)
        if kind == 0:
            changed[i] ^= 1 << draw.randrange(8)
        elif kind == 1:
            changed[i : i + length] = draw.randbytes(length)
        elif kind == 2:
            changed[i : i + length] = draw.choice([b"\0", b"\xff", b"\x7f"]) * length
        elif kind == 3:
            changed[i:i] = draw.randbytes(length)
        elif kind == 4:
            del changed[i : i + length]
        elif kind == 5:
            changed[i:i] = changed[i : i + length]
        elif kind == 6:
            changed[i : i + 1] = draw.choice([b" ", b'"', b"\\", b"9", b"{", b"]", b"\xff", b"\0"])
        elif kind == 7:
            number = draw.choice([0, 1, len(changed), 2**31 - 1, 2**32 - 1, 2**40, 2**64 - 1])
            size = draw.choice([2, 4, 8])
            number %= 1 << 8 * size
            changed[i : i + size] = number.to_bytes(size, draw.choice(["little", "big"]))
        else:
            del changed[i:]
    return bytes(changed)


def pack(parts: list[bytes]) -> bytes:
    """One input of several contents, each behind its length."""
    return b"".join(len(part).to_bytes(4, "little") + part for part in parts)


def unpack(data: bytes, n: int) -> list[bytes]:
    """The n contents of an input; what is missing is empty."""
    parts = []
    for _ in range(n):
        length = int.from_bytes(data[:4], "little")
        parts.append(data[4 : 4 + length])
        data = data[4 + length :]
    return parts


def change_member(data: bytes, draw: random.Random, change: Callable) -> bytes:
    """A ZIP archive, with right checksums, of which ``change(name, content)`` changed a member.

    Another input is returned as it is.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:  # damaged before
        return data
    if not members:
        return data
    # the first members say how the others are read
    chosen = draw.choice([0, draw.randrange(len(members))])
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for i, (name, content) in enumerate(members):
            if i == chosen:
                if draw.random() < 0.1:
                    continue
                content = change(name, content)
            archive.writestr(name, content)
    return made.getvalue()
