"""Pictures whose files are in memory, in archives or at addresses."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from .._compute._threads import map_items
from .._core._text import visible
from ._archives import lasting
from ._decode import Header, check_encoded, factor_for, to_rgb
from ._items import content_of, is_content
from ._look import Look, look_at
from ._reading import PLAIN, Reading
from ._sources import ImageSource, marked


@dataclass(frozen=True)
class Address:
    """A file that fsspec reads, such as "s3://bucket/cat.jpg".

    Parameters
    ----------
    name : str
        The address.
    """

    name: str

    def read_bytes(self) -> bytes:
        """Return the content of the file."""
        try:
            import fsspec
        except ImportError as error:
            raise ImportError(
                f"{visible(self.name)} is read with fsspec: "
                'pip install "scikit-lift[remote]", and what it needs for this kind of address'
            ) from error
        try:
            with fsspec.open(self.name, "rb") as file:
                return file.read()
        except MemoryError:
            raise
        except FileNotFoundError as error:  # its text is a part of the address
            raise FileNotFoundError(f"{visible(self.name)} doesn't exist") from error
        except ImportError as error:
            raise ImportError(f"{visible(self.name)} can't be read: {error}") from error
        except Exception as error:  # each kind of address has errors of its own
            raise OSError(f"{visible(self.name)} can't be read ({error})") from error

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class _Held:
    """The content of a file that has been read, under its name."""

    content: bytes
    name: str

    def read_bytes(self) -> bytes:
        return self.content


class EncodedSource(ImageSource):
    """Contents of files, file objects, members of archives, and addresses.

    What is behind an item must stay the same as long as the source is used: it is read for its
    fingerprint once.
    """

    reads_files = True

    def __init__(self, items: list, reading: Reading = PLAIN):
        self.items = [lasting(item) for item in items]
        self.reading = reading
        self._fingerprints: dict[int, bytes] = {}
        self._headers: dict[tuple[int, Reading], Header] = {}
        # several file objects may stand for one file, at one place in it
        self._at_once = all(is_content(item) or hasattr(item, "read_bytes") for item in self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> np.ndarray:
        return to_rgb(self.items[i], self._name(i), self.reading, self.least)

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Return several pictures, decoded by several threads where that is safe."""
        return map_items(self.__getitem__, indices) if self._at_once else super().fetch(indices)

    def factor(self, i: int) -> int:
        """Divisor of the sides of a picture in decoding: 1, 2, 4 or 8."""
        return 1 if self.least is None else factor_for(self._header(i).size, self.least)

    def n_pixels(self, i: int) -> int:
        """As many as a header that was read says, of the reduced image."""
        header = self._headers.get((i, self.reading))
        if header is None:
            return 0
        return header.size[0] * header.size[1] // self.factor(i) ** 2

    def n_frames(self, i: int) -> int:
        """Number of frames that the file has."""
        return self._header(i).n_frames

    def decoder(self, i: int) -> str:
        """The format that reads the file, with its versions."""
        return self._header(i).decoder

    def look(self, i: int) -> Look:
        """Look at the file."""
        return look_at(self.items[i], self._name(i), self.reading)

    def check_header(self, i: int) -> None:
        """Look at the first bytes of the file."""
        self._header(i)

    def key(self, i: int) -> tuple:
        """The fingerprint."""
        return ("content", self.fingerprint(i))

    def fingerprint(self, i: int) -> bytes:
        """That of the content, as of files elsewhere."""
        return marked(self.original_fingerprint(i), self.reading)

    def original_fingerprint(self, i: int) -> bytes:
        """That of the content."""
        if i not in self._fingerprints:
            self._read(i)  # a damaged file has one too
        return self._fingerprints[i]

    def _header(self, i: int) -> Header:
        if (i, self.reading) not in self._headers:
            self._headers[i, self.reading] = check_encoded(
                self._read(i), self._name(i), self.reading
            )
        return self._headers[i, self.reading]

    def _read(self, i: int) -> _Held:
        """The content of an item, whose fingerprint is kept."""
        item = self.items[i]
        held = _Held(content_of(item, self._name(i)), str(getattr(item, "name", "")))
        self._fingerprints[i] = blake2b(held.content, digest_size=16).digest()
        return held

    def _name(self, i: int) -> str:
        item = self.items[i]
        in_memory = is_content(item) or not hasattr(item, "read_bytes")
        # that of an archive in memory has no name of its own
        return f"X[{i}]" if in_memory or isinstance(item, zipfile.Path) else visible(item)
