"""Pictures of camera traps with labels in the format COCO Camera Traps."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

from ._rows import Row, collect_rows
from ._text_files import open_list, read_json


def load_camera_traps(
    json_file: str | os.PathLike,
    root: str | os.PathLike | None = None,
    *,
    splits: str | os.PathLike | None = None,
    group: str | None = None,
    return_X_y: bool = False,
) -> Any:
    """Read labels of pictures in the format COCO Camera Traps, as LILA BC publishes them.

    No picture is read. The class of a picture is the category of its annotations; "empty" is a
    class as well. Pictures of several species, those marked as corrupt and those without a label
    are left out.

    Parameters
    ----------
    json_file : path-like
        The file of labels, with "images", "annotations" and "categories".
    root : path-like or None, default=None
        The folder that the listed paths start from, and that holds all of them. None: the folder of
        ``json_file``.
    splits : path-like or None, default=None
        A JSON file with the locations of each part, ``{"splits": {"train": [...], "val": [...]}}``,
        as LILA BC publishes them for some data sets.
    group : str or None, default=None
        What must stay together: "location", "seq_id" (the pictures of one burst), or another field
        of the images. None: "location", if there is one.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch` or tuple of ndarray
        As from :func:`load_image_csv`. A reason in ``left_out`` is also "a mark as corrupt".

    Raises
    ------
    FileNotFoundError
        If there is no such file, or none of its pictures.
    ValueError
        If it is not of this format, a path is not below ``root``, or no image has the ``group``.

    Warns
    -----
    UserWarning
        If pictures are left out; if a group has pictures in several parts of the split.

    See Also
    --------
    load_megadetector : the animals in such pictures.

    References
    ----------
    Beery, Van Horn, Perona, "Recognition in Terra Incognita", ECCV 2018, arXiv 1807.04975: scores
    fall at new locations, so that these belong to one side of a split.

    Examples
    --------
    >>> import json, tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sklift.datasets import load_camera_traps
    >>> root = Path(tempfile.mkdtemp())
    >>> Image.new("RGB", (8, 8)).save(root / "1.png")
    >>> content = {
    ...     "images": [{"id": "1", "file_name": "1.png", "location": 7}],
    ...     "annotations": [{"id": "a", "image_id": "1", "category_id": 3}],
    ...     "categories": [{"id": 0, "name": "empty"}, {"id": 3, "name": "bobcat"}],
    ... }
    >>> _ = (root / "labels.json").write_text(json.dumps(content))
    >>> photos = load_camera_traps(root / "labels.json")
    >>> photos.target.tolist(), photos.groups.tolist()
    (['bobcat'], ['7'])
    """
    json_file, root = open_list(json_file, root)
    content = read_json(json_file, "images", "labels in the format COCO Camera Traps")
    images = content["images"]
    if not all(
        isinstance(image, dict) and isinstance(image.get("file_name"), str) for image in images
    ):
        raise ValueError(f"{json_file}: each of its images must have a text file_name")
    group = _field(images, group, json_file)
    parts = None if splits is None else _parts(splits)
    try:
        names = _by_id(content["categories"], "name", f"{json_file}: categories")
        _by_id(images, "file_name", f"{json_file}: images")
        labels = defaultdict(set)
        for annotation in content["annotations"]:
            labels[str(annotation["image_id"])].add(names[str(annotation["category_id"])])
        rows = [
            _row(
                image,
                labels.get(str(image["id"]), set()),
                group,
                parts,
                f"{json_file}, images[{i}]",
            )
            for i, image in enumerate(images)
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{json_file} is not of the format COCO Camera Traps: {error} is missing or wrong"
        ) from error
    return collect_rows(rows, root, json_file, return_X_y=return_X_y)


def _by_id(entries: list[dict], key: str, where: str) -> dict[str, str]:
    """A text of each entry, by its id: a number in some files and a text in others."""
    found: dict[str, str] = {}
    for entry in entries:
        text = str(entry[key])
        if found.setdefault(str(entry["id"]), text) != text:
            raise ValueError(
                f"{where} {found[str(entry['id'])]!r} and {text!r} have the same id {entry['id']!r}"
            )
    return found


def _field(images: list[dict], group: str | None, json_file: Path) -> str | None:
    """The field of groups."""
    fields = {field for image in images for field in image}
    if group is not None and group not in fields:
        raise ValueError(
            f"group={group!r} is no field of the images in {json_file}; they have "
            f"{', '.join(sorted(fields))}"
        )
    return "location" if group is None and "location" in fields else group


def _row(image: dict, labels: set[str], group: str | None, parts: dict | None, where: str) -> Row:
    part = None if parts is None else parts.get(str(image.get("location")), "")
    reason = None
    if image.get("corrupt"):
        reason = "a mark as corrupt"
    elif not labels:
        reason = "no label"
    elif len(labels) > 1:
        reason = f"several labels: {', '.join(sorted(labels))}"
    value = image.get(group) if group is not None else None
    if isinstance(value, float) and value.is_integer():  # 3.0 beside 3, as tables write them
        value = int(value)
    named = None if group is None else "" if value is None else str(value)
    return Row(image["file_name"], next(iter(labels), ""), part, named, where, reason)


def _parts(splits: str | os.PathLike) -> dict[str, str]:
    """The part of each location."""
    file, _ = open_list(splits, None)
    kind = '{"splits": {"train": [locations], ...}}'
    content = read_json(file, "splits", kind, of=dict)
    parts: dict[str, str] = {}
    for part, locations in content["splits"].items():
        if not isinstance(locations, list):
            raise ValueError(f"{file} must be {kind}; {part!r} has no list")
        for location in map(str, locations):
            if parts.setdefault(location, part) != part:
                raise ValueError(
                    f"{file}: location {location!r} is in {parts[location]} and {part}"
                )
    return parts
