"""Zip and tar archives of pictures."""

from __future__ import annotations

import io
import random
import tarfile
import zipfile

import numpy as np
from PIL import Image

from fuzz_targets._bytes import Plain, change_member, damage
from sklift.datasets import list_images
from sklift.images import Reader

READERS = ["zipfile", "tarfile"]
_MOST_READ = 8  # pictures of an archive


class Target(Plain):
    blind = 0.3

    def seeds(self) -> list[bytes]:
        rng = np.random.default_rng(0)
        files = {}
        for i, format in enumerate(("PNG", "JPEG", "GIF")):
            content = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8)).save(content, format)
            files[f"sub/{i}.{format.lower()}"] = content.getvalue()
        zips = [_zip(files, method) for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)]
        zips.append(_zip(files, zipfile.ZIP_LZMA))
        tars = [_tar(files, form) for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT)]
        return [*zips, *tars, _tar({"é" * 120 + ".png": b"?", **files}, tarfile.PAX_FORMAT)]

    def mutate(self, data: bytes, draw: random.Random) -> bytes:
        """Change a picture, the list at the end of a zip archive, or a header of a tar."""
        if data[:2] != b"PK":
            return _summed(damage(data, draw, 1536), draw)
        if draw.random() < 0.3:
            return change_member(data, draw, lambda name, content: damage(content, draw))
        start = max(0, data.find(b"PK\1\2"))
        return data[:start] + damage(data[start:], draw, 400)

    def attempt(self, data: bytes) -> str:
        path = self.folder / "all.archive"
        path.write_bytes(data)
        try:
            found = list(list_images(path))
        except (ValueError, NotADirectoryError) as error:
            return "refused" if str(path) in str(error) else f"UNNAMED: {error!r}"
        source, refused = Reader().build(found), False
        for i, member in enumerate(found[:_MOST_READ]):
            try:
                pixels = source[i]
            except ValueError as error:
                refused = True
                if str(path) not in str(error):
                    return f"UNNAMED: {error!r}"
            else:
                if pixels.dtype != np.uint8 or pixels.shape[2:] != (3,):
                    return f"WRONG: {member} {pixels.dtype} {pixels.shape}"
        return "refused" if refused else "works"


def _zip(files: dict[str, bytes], method: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def _tar(files: dict[str, bytes], form: int) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def _summed(data: bytes, draw: random.Random) -> bytes:
    """A tar archive whose headers, most of the time, have the checksums that belong to them."""
    changed = bytearray(data)
    for start in range(0, len(data) - 511, 512):
        if data[start + 257 : start + 262] == b"ustar" and draw.random() < 0.9:
            changed[start + 148 : start + 156] = b" " * 8
            total = sum(changed[start : start + 512])
            changed[start + 148 : start + 156] = b"%06o\0 " % total
    return bytes(changed)
