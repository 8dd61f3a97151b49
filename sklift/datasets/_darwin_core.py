"""Pictures of occurrences in the format Darwin Core, as GBIF gives them."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ._rows import Folder, Row, collect_rows
from ._text_files import check_column, read_table

_OCCURRENCES = ("occurrence", "occurrences", "observation", "observations")
_MEDIA = ("multimedia", "media", "image", "images")
# the column of an occurrence, and that of its media
_LINKS = (
    ("gbifID", "gbifID"),
    ("id", "coreid"),
    ("id", "id"),
    ("occurrenceID", "occurrenceID"),
    ("occurrenceID", "coreid"),
)


def load_darwin_core(
    folder: str | os.PathLike,
    root: str | os.PathLike | None = None,
    *,
    label: str | None = None,
    group: str | None = None,
    path: str = "identifier",
    return_X_y: bool = False,
) -> Any:
    r"""Read an unpacked Darwin Core archive, whose pictures were downloaded.

    Reads ``occurrence.txt`` and ``multimedia.txt`` (or the column "associatedMedia" of the first,
    where there is no second). Nothing is downloaded, and no picture is read.

    Parameters
    ----------
    folder : path-like
        The folder of the archive.
    root : path-like or None, default=None
        The folder that holds the downloaded pictures. Of an address such as
        "https://host/photos/12/large.jpg", the file is "host/photos/12/large.jpg",
        "photos/12/large.jpg", or "large.jpg" where no other address ends in it. None: ``folder``.
    label : str or None, default=None
        The column of classes. None: "species", or where the table has no such column,
        "scientificName", which has the author's name in it.
    group : str or None, default=None
        The column of what must stay together, such as "recordedBy" or "locality". None: the
        pictures of one occurrence, which show the same animal or plant.
    path : str, default="identifier"
        The column that names the file, of either table, such as "gbifID" where the pictures were
        saved by that.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch` or tuple of ndarray
        As from :func:`load_image_csv`. Reasons in ``left_out`` are also "a type that is no
        picture", and "no label" for what was identified to the genus only.

    Raises
    ------
    FileNotFoundError
        If the tables, or all of the pictures, are missing.
    ValueError
        If they are not of this format, lack a column, or a path is not below ``root``.

    Warns
    -----
    UserWarning
        If pictures are left out.

    References
    ----------
    Wieczorek et al., "Darwin Core: An Evolving Community-Developed Biodiversity Data Standard",
    PLoS ONE 7(1), 2012.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sklift.datasets import load_darwin_core
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("RGB", (8, 8)).save(folder / "1.jpg")
    >>> _ = (folder / "occurrence.txt").write_text("gbifID\tspecies\n77\tVulpes vulpes\n")
    >>> address = "https://example.org/photos/1.jpg"
    >>> _ = (folder / "multimedia.txt").write_text(f"gbifID\tidentifier\n77\t{address}\n")
    >>> photos = load_darwin_core(folder)
    >>> photos.target.tolist(), photos.groups.tolist()
    (['Vulpes vulpes'], ['77'])
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"folder must be the folder of an unpacked Darwin Core archive; got {folder}"
        )
    root = folder if root is None else Path(root)
    core = _table(folder, _OCCURRENCES)
    if core is None:
        raise FileNotFoundError(f"there is no occurrence.txt in {folder}")
    columns, occurrences = _read(core)
    label = ("species" if "species" in columns else "scientificName") if label is None else label
    check_column(columns, label, "label", core)
    if group is not None:
        check_column(columns, group, "group", core)
    own, media = _media(folder, core, columns, occurrences, path)
    by_id = {row[own]: row for row in occurrences}
    if len(by_id) < len(occurrences):
        raise ValueError(f"{core} has several rows of one {own}")
    place = Folder(root)
    names = [one for one, _, _ in media]
    ends = Counter(name.rpartition("/")[2] for name in set(names))
    rows = (
        Row(
            _local(name, ends, place, where := f"{core}, {own} {key}"),
            by_id[key][label] if key in by_id else "",
            None,
            by_id.get(key, {}).get(own if group is None else group, ""),
            where,
            reason,
        )
        for name, key, reason in media
    )
    return collect_rows(rows, root, core, return_X_y=return_X_y)


def _media(
    folder: Path, core: Path, columns: list[str], occurrences: list[dict[str, str]], path: str
) -> tuple[str, list[tuple[str, str, str | None]]]:
    """The column of ids, and the name, the id and the reason to leave it out of each medium."""
    file = _table(folder, _MEDIA)
    if file is None:
        column = "associatedMedia" if path == "identifier" else path
        check_column(columns, column, "path", core)
        own = next((own for own, _ in _LINKS if own in columns), None)
        if own is None:
            raise ValueError(f"{core} has no ids: none of the columns gbifID, id, occurrenceID")
        names = ((name.strip(), row[own]) for row in occurrences for name in row[column].split("|"))
        return own, [(name, key, None) for name, key in names if name]
    others, media = _read(file)
    link = next((link for link in _LINKS if link[0] in columns and link[1] in others), None)
    if link is None:
        raise ValueError(
            f"{file} and {core} have no column of ids in common: gbifID, id and coreid, or "
            "occurrenceID"
        )
    own, theirs = link
    if path not in others:
        check_column(columns, path, "path", core)
        of_core = {row[own]: row[path] for row in occurrences}
    found = []
    for row in media:
        name = row[path] if path in others else of_core.get(row[theirs], "")
        reason = None if name else "no address"
        kind = row.get("type") or row.get("format") or ""
        if kind and not kind.lower().startswith(("stillimage", "still image", "image")):
            reason = f"a type that is no picture: {kind}"
        found.append((name, row[theirs], reason))
    return own, found


def _local(name: str, ends: Counter, place: Folder, where: str) -> str:
    """What a file is called below the root, of its address."""
    try:
        parts = urlsplit(name)
    except ValueError as error:  # "http://[host"
        raise ValueError(f"{where}: {name!r} is no address ({error})") from error
    if not parts.scheme or not parts.netloc:
        return name
    path = unquote(parts.path).lstrip("/")
    candidates = [f"{parts.netloc}/{path}", path]
    last = path.rpartition("/")[2]
    if ends[name.rpartition("/")[2]] == 1:
        candidates.append(last)
    return next((one for one in candidates if place.find(one, where)[1] is None), path)


def _table(folder: Path, names: tuple[str, ...]) -> Path | None:
    files = {file.name.lower(): file for file in sorted(folder.iterdir()) if file.is_file()}
    wanted = (f"{name}.{ending}" for name in names for ending in ("txt", "tsv", "csv"))
    return next((files[name] for name in wanted if name in files), None)


def _read(file: Path) -> tuple[list[str], list[dict[str, str]]]:
    # GBIF writes tabs between values and no quotes around them: those that are there are text
    with file.open("rb") as opened:
        quoted = b"\t" not in opened.readline()
    return read_table(file, quoted=quoted)
