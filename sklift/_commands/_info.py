"""``sklift info``: facts for a bug report."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from .._core._text import counted, visible, visible_lines
from .._core._version import __version__
from .._store._cache_files import cache_files
from .._store._speeds import StoredSpeeds
from ._cache_folders import add_cache_folders, cache_folders, total

DESCRIPTION = """\
Print the versions of what matters, the devices, the precision that
compute__precision="auto" takes on the CPU, with measured speeds of products,
and where caches are and how large; of a --backbone also its blocks, the
adapters that fit, what each would train, and its speed here. The exit code is
1 if the unrelated package scikit-uplift, whose import name is sklift too,
shares this environment."""

EXAMPLES = """\
  sklift info
  sklift info --backbone timm/convnext_tiny --pretrained weights.safetensors
  sklift info --cache features --json"""

DEPENDENCIES = (
    "torch",
    "torchvision",
    "open_clip_torch",
    "timm",
    "scikit-learn",
    "skorch",
    "numpy",
    "pillow",
)

WIDTHS = (384, 768, 1024)  # of the blocks of ViT-S, ViT-B and ViT-L

CLASH = """\
scikit-uplift {version} is installed too. It also ships an import package named `sklift`, so the
files of the two overwrite each other: only one of them can live in an environment. Remove both
(`python -m pip uninstall scikit-uplift scikit-lift`), then install the one you want here again,
and the other in an environment of its own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_cache_folders(parser)
    parser.add_argument("--backbone", help="a tower to describe, by the name that sklift fit takes")
    parser.add_argument("--pretrained", default="auto", help="a tag or file of its weights")
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def run(options: argparse.Namespace) -> int:
    """Print versions, devices and caches; return 1 when scikit-uplift shares the environment."""
    rows = [("python", platform.python_version()), ("platform", platform.platform())]
    rows += [("scikit-lift", __version__)]
    rows += [(name, _version(name) or "not installed") for name in DEPENDENCIES]
    if _version("torch"):
        rows += [("device", device) for device in _devices()]
        rows += [("precision", row) for row in _precisions(cache_folders(options))]
    rows += [("cache", row) for folder in cache_folders(options) for row in _cache_rows(folder)]
    if _version("huggingface_hub"):
        rows += [("weights", _weights())]
    tower = None if options.backbone is None else _tower(options)
    if options.json:
        several = {
            name: [v for n, v in rows if n == name] for name in ("device", "precision", "cache")
        }
        described = {} if tower is None else {"backbone": asdict(tower)}
        print(json.dumps(dict(rows) | several | described, indent=1))
    else:
        for name, value in rows:
            print(f"{name:<16}{visible(value)}")
        if tower is not None:
            print("\n" + visible_lines(tower))
    uplift = _version("scikit-uplift")
    if uplift is not None:
        print("\n" + CLASH.format(version=uplift), file=sys.stderr)
        return 1
    return 0


def _tower(options: argparse.Namespace):
    from ..adapters import describe

    return describe(options.backbone, options.pretrained)


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _devices() -> list[str]:
    import torch

    devices = [f"cpu ({counted(torch.get_num_threads(), 'thread')})"]
    for i in range(torch.cuda.device_count()):
        devices.append(f"cuda:{i} ({torch.cuda.get_device_name(i)})")
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices


def _precisions(folders: list[Path]) -> list[str]:
    """What ``compute__precision="auto"`` takes on the CPU, and the speeds behind it."""
    from .._compute._processor import bfloat16_of_processor, processor_name

    way = bfloat16_of_processor()
    rows = [f"{processor_name()}, for bfloat16: {way}"]
    for width in WIDTHS if way != "none" else ():
        speeds = _speeds(width, folders)
        taken = "bfloat16" if way == "matrix unit" or speeds.prefers_bfloat16 else "float32"
        rows.append(f"{taken} for blocks of width {width} ({speeds})")
    return rows if len(rows) > 1 else [*rows, "float32"]


def _speeds(width: int, folders: list[Path]):
    """Speeds of products: those that a folder remembers, else measured, and not stored."""
    from .._compute._product_speed import known_speeds, product_speeds

    stores = [StoredSpeeds(folder) for folder in folders]
    known = (known_speeds(width, store) for store in stores)
    return next(filter(None, known), None) or product_speeds(width)


def _weights() -> str:
    """The folder of weights that other libraries have downloaded, as a line of the report."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return f"{HF_HUB_CACHE} (downloaded weights; other programs use it too, never cleared here)"


def _cache_rows(folder: Path) -> list[str]:
    """Lines about a cache folder: one for each kind of files in it."""
    held = {kind: files for kind, files in cache_files(folder).items() if files}
    rows = [f"{folder}: {kind}, {total(files)}" for kind, files in held.items()]
    return rows or [f"{folder}: empty"]
