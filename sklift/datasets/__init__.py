"""Long-tailed data: rendered, cut from other data, or read from files of known benchmarks."""

from __future__ import annotations

from ._benchmarks import load_imagenet_lt, load_inaturalist2018, load_places_lt
from ._cifar import load_cifar_lt
from ._emoji import load_emoji
from ._files import list_images
from ._folder import load_image_folder
from ._home import get_data_home
from ._huggingface import from_huggingface
from ._list import load_image_list
from ._long_tailed import make_long_tailed

__all__ = [
    "from_huggingface",
    "get_data_home",
    "list_images",
    "load_cifar_lt",
    "load_emoji",
    "load_image_folder",
    "load_image_list",
    "load_imagenet_lt",
    "load_inaturalist2018",
    "load_places_lt",
    "make_long_tailed",
]
