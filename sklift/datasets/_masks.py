"""Masks that lie beside the pictures that they belong to."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence

from PIL import Image

_WORDS = r"(masks?|seg|segm|segmentations?|gt|ground[ _-]?truth|superpixels|trimaps?|annotations?)"
_NAMED = re.compile(rf"(?P<of>.+?)[ _.-]{_WORDS}([ _.-]?\d+)?", re.IGNORECASE)
_FOLDER = re.compile(rf"({_WORDS}|segmentationclass|segmentationobject)", re.IGNORECASE)
_PICTURES = re.compile(r"(imgs?|images?|inputs?|jpegimages|photos?|pictures?)", re.IGNORECASE)
_LOSSLESS = (".bmp", ".gif", ".png", ".tif", ".tiff")
_FEW = 16  # values in a mask; a picture beside it has more


def masks_among(paths: Sequence[str]) -> dict[str, str]:
    """Paths of masks, with the reason: the picture that each is named like.

    A mask is "1_mask.png" beside "1.png", "masks/1.png" where another folder beside "masks" has a
    file "1", or "1.png" beside "1.jpg" if it has few values.

    Examples
    --------
    >>> from sklift.datasets._masks import masks_among
    >>> masks_among(["a/fox.jpg", "a/fox_mask.png", "a/lynx_mask.png"])
    {'a/fox_mask.png': 'the name of a mask: of fox.jpg'}
    """
    by_name: dict[tuple[str, str], list[str]] = defaultdict(list)  # folder and stem
    by_parent: dict[tuple[str, str], list[str]] = defaultdict(list)  # the folder above, and stem
    for path in paths:
        folder, name = os.path.split(path)
        stem = os.path.splitext(name)[0]
        by_name[folder, stem].append(path)
        if not _FOLDER.fullmatch(os.path.basename(folder)):
            by_parent[os.path.dirname(folder), stem].append(path)
    masks = {}
    for path in paths:
        folder, name = os.path.split(path)
        stem, ending = os.path.splitext(name)
        named = _NAMED.fullmatch(stem)
        whole: list[str] = by_name.get((folder, named["of"]), []) if named else []
        if not whole and _FOLDER.fullmatch(os.path.basename(folder)):
            above = os.path.dirname(folder)
            stems = (stem, named["of"]) if named else (stem,)
            whole = [one for s in stems for one in by_parent.get((above, s), [])]
        if not whole and ending.lower() in _LOSSLESS and len(by_name[folder, stem]) > 1:
            others = (other for other in by_name[folder, stem] if other != path)
            whole = [other for other in others if _is_mask_of(path, other)]
        if whole:
            masks[path] = f"the name of a mask: of {os.path.basename(whole[0])}"
    return masks


def pictures_beside_masks(folders: Sequence[str]) -> str | None:
    """The folder of pictures, where folders are those of pictures and of their masks alone."""
    pictures = [name for name in folders if _PICTURES.fullmatch(name)]
    n_masks = sum(_FOLDER.fullmatch(name) is not None for name in folders)
    both = pictures and n_masks and len(pictures) + n_masks == len(folders)
    return pictures[0] if both else None


def _is_mask_of(path: str, other: str) -> bool:
    """Whether the one has few values and the other more, at the same size."""
    try:
        with Image.open(path) as mask, Image.open(other) as picture:
            if mask.size != picture.size:
                return False
            return _has_few_values(mask) and not _has_few_values(picture)
    except Exception:  # what can't be read is told where it is used
        return False


def _has_few_values(image: Image.Image) -> bool:
    return image.convert("RGB").getcolors(_FEW) is not None
