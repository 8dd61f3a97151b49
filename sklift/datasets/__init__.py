"""Pictures and labels: of folders and lists, of known benchmarks, rendered, or cut from others."""

from __future__ import annotations

from ._benchmarks import load_imagenet_lt, load_inaturalist2018, load_places_lt
from ._camera_traps import load_camera_traps
from ._checks._check_images import check_images
from ._cifar import load_cifar_lt
from ._csv import load_image_csv
from ._darwin_core import load_darwin_core
from ._emoji import load_emoji
from ._files import list_images
from ._folder import load_image_folder
from ._home import get_data_home
from ._huggingface import from_huggingface
from ._list import load_image_list
from ._long_tailed import make_long_tailed
from ._megadetector import load_megadetector
from ._multilabel_split import MultilabelStratifiedKFold, MultilabelStratifiedShuffleSplit
from ._wilds import from_wilds

__all__ = [
    "MultilabelStratifiedKFold",
    "MultilabelStratifiedShuffleSplit",
    "check_images",
    "from_huggingface",
    "from_wilds",
    "get_data_home",
    "list_images",
    "load_camera_traps",
    "load_cifar_lt",
    "load_darwin_core",
    "load_emoji",
    "load_image_csv",
    "load_image_folder",
    "load_image_list",
    "load_imagenet_lt",
    "load_inaturalist2018",
    "load_megadetector",
    "load_places_lt",
    "make_long_tailed",
]
