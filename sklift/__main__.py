"""``python -m sklift``: what to paste into a bug report, and a check of the installation."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

from sklift._version import __version__

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

CLASH = """\
scikit-uplift {version} is installed too. It also ships an import package named `sklift`, so the
files of the two overwrite each other: only one of them can live in an environment. Remove both
(`python -m pip uninstall scikit-uplift scikit-lift`), then install the one you want here again,
and the other in an environment of its own."""


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _devices() -> list[str]:
    import torch

    devices = [f"cpu ({torch.get_num_threads()} threads)"]
    for i in range(torch.cuda.device_count()):
        devices.append(f"cuda:{i} ({torch.cuda.get_device_name(i)})")
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices


def main() -> int:
    """Print versions and devices; return 1 when scikit-uplift shares the environment, else 0."""
    rows = [("python", platform.python_version()), ("platform", platform.platform())]
    rows += [("scikit-lift", __version__)]
    rows += [(name, _version(name) or "not installed") for name in DEPENDENCIES]
    if _version("torch"):
        rows += [("device", device) for device in _devices()]
    for name, value in rows:
        print(f"{name:<16}{value}")

    uplift = _version("scikit-uplift")
    if uplift is not None:
        print("\n" + CLASH.format(version=uplift), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
