"""List files of pictures."""

from __future__ import annotations

import os
import random

from fuzz_targets._bytes import Plain, damage
from sklift.datasets import load_image_list

_WORDS = ["..", "/", "../x", "a/../../b", "/etc/passwd", "\\", "~", "\0", "\ufeff", '"', " 0", "\r"]
_WORDS += [" 99999999999999999999", " -1", " \u0663", " \u00b2", "\n", "\t", "\u2028", "a b", "."]


class Target(Plain):
    def seeds(self) -> list[bytes]:
        (self.folder / "root").mkdir(exist_ok=True)
        for name in ("a.png", "b c.png"):
            (self.folder / "root" / name).touch()
        text = "a.png 0\nb c.png 1\nsub/d.png 2\n'a.png' 0\n\"b c.png\" 1\n./sub/../a.png 2\n"
        codes = ("utf-8", "utf-8-sig", "utf-16")
        return [text.encode(code) for code in codes] + [text.replace("\n", "\r\n").encode()]

    def mutate(self, data: bytes, draw: random.Random) -> bytes:
        if draw.random() < 0.5:
            return damage(data, draw)
        i = draw.randrange(len(data) + 1)
        return data[:i] + draw.choice(_WORDS).encode() + data[i + draw.choice([0, 0, 1, 4]) :]

    def attempt(self, data: bytes) -> str:
        root, path = self.folder / "root", self.folder / "list.txt"
        path.write_bytes(data)
        try:
            found = load_image_list(path, root)
        except (ValueError, FileNotFoundError) as error:
            return "refused" if str(path) in str(error) else f"UNNAMED: {error}"
        top = str(root) + os.sep
        outside = [p for p in found.data if not os.path.abspath(p).startswith(top)]
        if outside:
            return f"OUTSIDE: {outside[0]!r}"
        return "works" if len(found.data) == len(found.target) else "WRONG: lengths differ"
