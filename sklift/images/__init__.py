"""Pictures: the kinds of X that are taken, and the views of them that a model sees."""

from __future__ import annotations

from ._augmentations import (
    AUGMENTATIONS,
    CutMix,
    MinimalistCrop,
    MixUp,
    ResizedCrop,
    StoredViews,
    resolve_augmentation,
)
from ._crops import ImageCrops
from ._formats import FileFormat, Raster
from ._reader import Reader, resolve_reader
from ._sequence import ImageSequence
from ._tta import TTA, FiveCrop, RandomCrops, TenCrop, resolve_tta

__all__ = [
    "AUGMENTATIONS",
    "TTA",
    "CutMix",
    "FileFormat",
    "FiveCrop",
    "ImageCrops",
    "ImageSequence",
    "MinimalistCrop",
    "MixUp",
    "RandomCrops",
    "Raster",
    "Reader",
    "ResizedCrop",
    "StoredViews",
    "TenCrop",
    "resolve_augmentation",
    "resolve_reader",
    "resolve_tta",
]
