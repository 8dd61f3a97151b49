"""Tables and JSON that list pictures: CSV, camera traps, MegaDetector and Darwin Core."""

from __future__ import annotations

import json
import os
import random

from fuzz_targets._bytes import Plain, damage, pack, unpack
from sklift.datasets import (
    load_camera_traps,
    load_darwin_core,
    load_image_csv,
    load_megadetector,
)

_WORDS = ["..", "/", "../x", "a/../../b", "/etc/passwd", "\\", "~", "\0", "\ufeff", '"', ",", ";"]
_WORDS += ["\t", "|", "\r", "\n", "sep=;", "http://h/a.png", "file:///a.png", "-1", "1e999", "NaN"]
_WORDS += ["null", "{}", "[]", "true", "9" * 400, "\u2028", '{"a":' * 2000, "[" * 2000]
_CAMERA_TRAPS = {
    "images": [
        {"id": 1, "file_name": "a.png", "location": 7, "seq_id": "s"},
        {"id": 2, "file_name": "b c.png", "location": "8"},
        {"id": 3, "file_name": "sub/none.png", "corrupt": True},
    ],
    "annotations": [
        {"id": "x", "image_id": 1, "category_id": 3},
        {"id": "y", "image_id": 2, "category_id": 0},
    ],
    "categories": [{"id": 0, "name": "empty"}, {"id": 3, "name": "bobcat"}],
}
_MEGADETECTOR = {
    "images": [
        {
            "file": "a.png",
            "detections": [{"category": "1", "conf": 0.9, "bbox": [0, 0.1, 0.5, 0.5]}],
        },
        {"file": "b c.png", "detections": [], "failure": None},
    ],
    "detection_categories": {"1": "animal", "2": "person"},
    "info": {"detector_metadata": {"typical_detection_threshold": 0.2}},
}
_CSV = "path,label,split,group\na.png,fox,train,1\n'b c.png',lynx,val,2\n\"b c.png\",,test,\n"
_OCCURRENCES = "gbifID\tspecies\tlocality\n1\tVulpes vulpes\tx\n2\t\ty\n"
_MEDIA = "gbifID\ttype\tidentifier\n1\tStillImage\ta.png\n2\t\thttps://h/d/b%20c.png\n"


class Target(Plain):
    def seeds(self) -> list[bytes]:
        (self.folder / "root").mkdir(exist_ok=True)
        for name in ("a.png", "b c.png"):
            (self.folder / "root" / name).write_bytes(b"picture")
        texts = [
            ("csv", _CSV, ""),
            ("csv", _CSV.replace(",", ";").replace("\n", "\r\n"), ""),
            ("camera traps", json.dumps(_CAMERA_TRAPS), ""),
            ("megadetector", json.dumps(_MEGADETECTOR), ""),
            ("darwin core", _OCCURRENCES, _MEDIA),
            ("darwin core", "id,scientificName,associatedMedia\n1,Lynx lynx,a.png | b c.png\n", ""),
        ]
        return [pack([part.encode() for part in parts]) for parts in texts]

    def mutate(self, data: bytes, draw: random.Random) -> bytes:
        kind, *texts = unpack(data, 3)
        i = draw.randrange(2) if texts[1] else 0
        if draw.random() < 0.5:
            texts[i] = damage(texts[i], draw)
        else:
            j = draw.randrange(len(texts[i]) + 1)
            word = draw.choice(_WORDS).encode()
            texts[i] = texts[i][:j] + word + texts[i][j + draw.choice([0, 0, 1, 4]) :]
        return pack([kind, *texts])

    def attempt(self, data: bytes) -> str:
        kind, text, other = unpack(data, 3)
        try:
            found = self._load(kind, text, other)
        except (ValueError, FileNotFoundError) as error:
            return "refused" if str(self.folder) in str(error) else f"UNNAMED: {error!r}"
        top = str(self.folder / "root") + os.sep
        outside = [name for name in found.filenames if not os.path.abspath(name).startswith(top)]
        if outside:
            return f"OUTSIDE: {outside[0]!r}"
        n = {len(found.data), len(found.filenames)} | {
            len(found[key]) for key in ("target", "groups", "split") if found.get(key) is not None
        }
        return "works" if len(n) == 1 else f"WRONG: lengths {n}"

    def _load(self, kind: bytes, text: bytes, other: bytes):
        file, root = self.folder / "list.json", self.folder / "root"
        if kind != b"darwin core":
            file.write_bytes(text)
            loaders = {b"csv": load_image_csv, b"camera traps": load_camera_traps}
            return loaders.get(kind, load_megadetector)(file, root)
        folder = self.folder / "archive"
        folder.mkdir(exist_ok=True)
        (folder / "occurrence.txt").write_bytes(text)
        (folder / "multimedia.txt").unlink(missing_ok=True)
        if other:
            (folder / "multimedia.txt").write_bytes(other)
        return load_darwin_core(folder, root)
