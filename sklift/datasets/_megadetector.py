"""Animals that MegaDetector has found in pictures of camera traps."""

from __future__ import annotations

import os
import reprlib
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from ..images._crops import ImageCrops
from ._collection import collection
from ._files import warn_of_left_out
from ._text_files import below, open_list, read_json

_CATEGORIES = {"1": "animal", "2": "person", "3": "vehicle"}
_THRESHOLD = 0.2  # what the authors advise for version 5, where the file has nothing


def load_megadetector(
    json_file: str | os.PathLike,
    root: str | os.PathLike | None = None,
    *,
    threshold: float | None = None,
    category: str = "animal",
    photos: Bunch | None = None,
    return_X_y: bool = False,
) -> Any:
    """Read where MegaDetector has found animals: each of them becomes a picture.

    No picture is read: an estimator cuts the animals out as it needs them, and keeps what it cut in
    its cache by the content of the file. Since animals are seldom square, the estimator's
    ``reader__framing="pad"`` or ``"squash"`` is worth a try.

    Parameters
    ----------
    json_file : path-like
        The results that MegaDetector has written for many pictures.
    root : path-like or None, default=None
        The folder that the listed paths start from, and that holds all of them. None: the folder of
        ``json_file``.
    threshold : float or None, default=None
        The least confidence, in [0, 1]. None: the typical one that the file gives for its detector,
        or else 0.2.
    category : str, default="animal"
        What is cut out: "animal", "person" or "vehicle".
    photos : Bunch or None, default=None
        What another loader has returned for the same pictures, such as :func:`load_camera_traps` or
        :func:`load_image_csv`: each animal has the class, part of the split and group of its
        picture, and pictures that aren't there are left out. None: no classes; the animals are to
        be predicted.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch` or tuple
        As from :func:`load_image_csv`, of n animals, but for

        data : :class:`~sklift.images.ImageCrops`
            The animals, picture by picture: X of an estimator.
        filenames : ndarray of shape (n,), str
            The picture that each is in.
        groups : ndarray of shape (n,), str
            The groups of ``photos``, if it has some, or else the pictures: animals of one picture
            belong together.
        scores : ndarray of shape (n,), float
            The confidence of each.
        left_out : dict of str to str
            Paths of pictures that are left out: "no animal above 0.2", "a failure of the detector",
            "no entry in photos", "no file", "frames of a video"; or the path and which of its
            animals, with "a box without area".

    Raises
    ------
    FileNotFoundError
        If there is no such file, or none of its pictures.
    ValueError
        If it is not of this format, a path is not below ``root``, or nothing is found.

    Warns
    -----
    UserWarning
        If pictures are left out, other than without an animal; if a group has pictures in several
        parts of the split.

    References
    ----------
    Beery, Morris, Yang, "Efficient Pipeline for Camera Trap Image Review", 2019, arXiv 1907.06772.

    Examples
    --------
    >>> import json, tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sklift.datasets import load_megadetector
    >>> root = Path(tempfile.mkdtemp())
    >>> Image.new("RGB", (40, 20)).save(root / "1.png")
    >>> found = {"category": "1", "conf": 0.9, "bbox": [0.5, 0, 0.25, 0.5]}
    >>> content = {"images": [{"file": "1.png", "detections": [found]}]}
    >>> _ = (root / "found.json").write_text(json.dumps(content))
    >>> animals = load_megadetector(root / "found.json")
    >>> animals.data[0].size
    (10, 10)
    """
    json_file, root = open_list(json_file, root)
    content = read_json(json_file, "images", "results of MegaDetector")
    codes = content.get("detection_categories") or _CATEGORIES
    if not isinstance(codes, dict) or not all(isinstance(name, str) for name in codes.values()):
        raise ValueError(f"{json_file}: detection_categories must be names by number")
    if category not in codes.values():
        raise ValueError(
            f"category={category!r} is none of {json_file}; it has {', '.join(codes.values())}"
        )
    threshold = _threshold(content, threshold, json_file)
    known = None if photos is None else _by_file(photos)
    paths, boxes, scores, rows = [], [], [], []
    left_out: dict[str, str] = {}
    try:
        for i, image in enumerate(content["images"]):
            path = os.path.normpath(below(root, image["file"], f"{json_file}, images[{i}]"))
            found = [
                one
                for one in image.get("detections") or ()
                if codes.get(str(one["category"])) == category and one["conf"] >= threshold
            ]
            reason = _reason(image, path, found, known, f"no {category} above {threshold:g}")
            if reason is not None:
                left_out[path] = reason
                continue
            for k, one in enumerate(found):
                if not _has_area(one, f"{json_file}, images[{i}]"):
                    left_out[f"{path}, {category} {k}"] = "a box without area"
                    continue
                paths.append(path)
                boxes.append(one["bbox"])
                scores.append(float(one["conf"]))
                rows.append(0 if known is None else known[os.path.abspath(path)])
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(
            f"{json_file}: images[{i}] is no result of MegaDetector: {error}"
        ) from error
    if not paths:
        _refuse(left_out, json_file)
    nothing = f"no {category} above"
    told = {path: why for path, why in left_out.items() if not why.startswith(nothing)}
    warn_of_left_out(told, root, chosen=False)
    of_photos = {} if photos is None else photos

    def taken(key: str):
        values = of_photos.get(key)
        return None if values is None else np.asarray(values)[rows]

    filenames = np.array(paths)
    groups = taken("groups")
    try:
        crops = ImageCrops(paths, boxes)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{json_file}: {error}") from error
    return collection(
        crops,
        taken("target"),
        filenames=filenames,
        target_names=of_photos.get("target_names"),
        split=taken("split"),
        groups=filenames if groups is None else groups,
        left_out=left_out,
        where=f"cut out as {json_file} says",
        return_X_y=return_X_y,
        scores=np.array(scores),
    )


def _threshold(content: dict, threshold: float | None, json_file: Path) -> float:
    whose = ""
    if threshold is None:
        info = content.get("info")
        about = info.get("detector_metadata") if isinstance(info, dict) else None
        typical = about.get("typical_detection_threshold") if isinstance(about, dict) else None
        threshold = _THRESHOLD if typical is None else typical
        whose = f"{json_file}: its typical_detection_"
    if not isinstance(threshold, (int, float)) or not 0 <= threshold <= 1:
        raise ValueError(f"{whose}threshold must be a confidence in [0, 1], got {threshold!r}")
    return float(threshold)


def _by_file(photos: Bunch) -> dict[str, int]:
    """The row of each picture that another loader has returned."""
    if not hasattr(photos, "get") or photos.get("filenames") is None:
        raise TypeError(
            "photos must be what a loader of sklift.datasets returns, a Bunch with filenames; got "
            f"{type(photos).__name__}"
        )
    return {os.path.abspath(path): row for row, path in enumerate(photos["filenames"])}


def _has_area(one: dict, where: str) -> bool:
    """Whether a box has an area; rounded numbers may leave none."""
    box, conf = one["bbox"], one["conf"]
    if not 0 <= conf <= 1:
        raise ValueError(f"{where}: a confidence is in [0, 1], got {reprlib.repr(conf)}")
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise ValueError(f"{where}: a bbox has four numbers, got {reprlib.repr(box)}")
    if min(box[2:]) < 0:
        raise ValueError(f"{where}: a bbox has no negative width or height, got {box}")
    return min(box[2:]) > 0


def _is_number(value) -> bool:
    return isinstance(value, (int, float))


def _reason(
    image: dict, path: str, found: list, known: dict[str, int] | None, nothing: str
) -> str | None:
    """Why a picture has nothing to cut out; None where it has."""
    if image.get("failure"):
        return f"a failure of the detector: {image['failure']}"
    if not found:
        return nothing
    if any("frame_number" in one for one in found):
        return "frames of a video"
    if known is not None and os.path.abspath(path) not in known:
        return "no entry in photos"
    return None if os.path.isfile(path) else "no file"


def _refuse(left_out: dict[str, str], json_file: Path) -> None:
    path, reason = next(iter(left_out.items()), ("", "no picture"))
    kind = FileNotFoundError if "no file" in left_out.values() else ValueError
    raise kind(
        f"nothing of {json_file} is left to cut out: {path} is left out with {reason}"
        + (
            "; root must be the folder that the listed paths start from"
            if kind is FileNotFoundError
            else ""
        )
    )
