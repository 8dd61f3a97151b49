"""Write docs/towers.rst: what the families of timm allow, by trying one member of each.

    python tools/build_towers_table.py            # the smallest member of each family, an hour
    python tools/build_towers_table.py --same     # the members that the page has, ten minutes less
    python tools/build_towers_table.py NAME ...   # these models, printed only

A family is a module of ``timm.models``. A member gets random weights, which go through a checkpoint
file as anybody's would; it is fitted to two pictures, and asked which adapters it takes. A step
with LoRA, and one of full tuning, show that gradients reach all weights that these train.
"""

from __future__ import annotations

import logging
import re
import sys
import tempfile
import warnings
from collections import defaultdict
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import timm
import torch

from sklift import LiftClassifier
from sklift._model import TunedModel
from sklift.adapters import ADAPTERS, suitable
from sklift.backbones import Backbone, load_backbone
from sklift.heads import Cosine

PAGE = Path(__file__).resolve().parents[1] / "docs" / "towers.rst"
MOST_WEIGHTS = 150e6  # of a member that is tried: what fits into the memory of any machine
STEPS = {"lora", "full"}
HEAD = """Towers of timm
==============

What each family of timm {version} allows. One small member of each was loaded from a checkpoint
file with random weights, fitted to two pictures, and asked for its adapters; a step with LoRA and
one of full tuning started from the frozen features and reached all weights that these train. The
table is written by ``tools/build_towers_table.py``. A family is a module of ``timm.models``; the
other members have the same parts.

Every tower that loads can be frozen: as the backbone of ``LiftClassifier`` with ``adapter=None`` or
``"feature"``, and of ``ImageEmbedder``. The rows say what can be trained inside as well;
:func:`sklift.adapters.describe` says so of any other model, and of a tower of your own.

.. list-table::
   :header-rows: 1
   :widths: 34 66

   * - Adapters
     - Families: the member that was tried, and the number of its features
"""


@dataclass(frozen=True)
class Row:
    """What one model allows; ``error`` is None where all went well."""

    family: str
    name: str
    n_features: int = 0
    adapters: tuple[str, ...] = ()
    error: str | None = None
    unreached: str = ""


def smallest_member(family: str) -> tuple[float, str]:
    """The number of weights of the smallest model of a module, and its name."""
    counts = []
    names = timm.list_models(module=family)
    for name in [n for n in names if not n.startswith("test_")] or names:
        try:
            with torch.device("meta"):
                model = timm.create_model(name, num_classes=0)
        except Exception:  # of towers that compute with weights while they are built
            model = timm.create_model(name, num_classes=0)
        counts.append((sum(p.numel() for p in model.parameters()), name))
    return min(counts)


def try_model(member: tuple[str, str]) -> Row:
    """Load, fit and ask one model of a family."""
    family, name = member
    warnings.simplefilter("ignore")
    logging.disable()
    torch.manual_seed(0)
    X = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "weights.pt"
            torch.save(timm.create_model(name).state_dict(), file)
            backbone = load_backbone(f"timm/{name}", file)
            settings = {"adapter": None, "max_epochs": 1, "random_state": 0}
            LiftClassifier(f"timm/{name}", pretrained=file, **settings).fit(X, ["a", "b"]).predict(
                X
            )
            fits = tuple(suitable(backbone.open()))
            steps = sorted(STEPS & {*fits})
            unreached = ", ".join(filter(None, (_unreached(backbone, a) for a in steps)))
            return Row(family, name, backbone.n_features, fits, None, unreached)
    except Exception as error:
        return Row(family, name, error=f"{type(error).__name__}: {error}")


def _unreached(backbone: Backbone, adapter: str) -> str:
    """The trained weights that get no gradient, or the adapter where it starts elsewhere."""
    side = backbone.preprocess.size
    x = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    model = TunedModel(backbone, ADAPTERS[adapter](), Cosine(), 2)
    start = backbone.tower(x)
    if not torch.allclose(model.features(x), start, rtol=1e-3, atol=1e-3 * float(start.std())):
        return f"{adapter} starts elsewhere"
    torch.nn.functional.cross_entropy(model.train()(x), torch.tensor([1])).backward()
    lost = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
    return f"{adapter}: {len(lost)} weights such as {lost[0]}" if lost else ""


def members_of_page() -> dict[str, str]:
    """Family -> member, as the page has them."""
    return dict(re.findall(r"(\w+) \(``(\w+)``, \d+\)", PAGE.read_text()))


def try_all(members: dict[str, str]) -> list[Row]:
    """The rows of family -> member; each few in a process of their own, which gives memory back."""
    rows = []
    with get_context("spawn").Pool(2, maxtasksperchild=8) as pool:
        for row in pool.imap(try_model, members.items()):
            values = row.family, row.name, row.n_features, ",".join(row.adapters), row.error or ""
            values += (row.unreached,)
            print(*values, sep="; ", flush=True)
            rows.append(row)
    return rows


def page(rows: list[Row], too_large: list[str]) -> str:
    """The page, with families by what they allow."""
    groups = defaultdict(list)
    for row in rows:
        if row.error is None:
            groups[row.adapters].append(f"{row.family} (``{row.name}``, {row.n_features})")
    lines = [HEAD.format(version=timm.__version__).rstrip()]
    for adapters, families in sorted(groups.items(), key=lambda g: (-len(g[0]), g[0])):
        # `None` is an adapter of every tower, and has no name of a recipe
        names = ", ".join(f"``{a}``" for a in adapters if a not in ("none", "feature"))
        lines += [f"   * - {names or 'no others'}", f"     - {'; '.join(families)}"]
    if unreached := [row for row in rows if row.unreached]:
        lines += ["", "No gradient reaches some weights of these:", ""]
        lines += [f"- {row.family} (``{row.name}``): {row.unreached}" for row in unreached]
    if failed := [row for row in rows if row.error is not None]:
        lines += ["", "These can't be loaded or give no feature vectors:", ""]
        lines += [f"- {row.family} (``{row.name}``): {_short(row.error)}" for row in failed]
    if too_large:
        lines += ["", f"Not tried: {', '.join(too_large)}."]
    return "\n".join(lines) + "\n"


def _short(error: str) -> str:
    text = " ".join(error.split())
    return f"``{text[:160]}{'...' if len(text) > 160 else ''}``"


def main() -> None:
    """Try what the command line names, or all."""
    if sys.argv[1:] == ["--same"]:
        left_out = sorted(set(timm.list_modules()) - set(members_of_page()))
        PAGE.write_text(page(try_all(members_of_page()), left_out))
        return
    if names := sys.argv[1:]:
        try_all(dict(zip(names, names, strict=True)))
        return
    counted = {family: smallest_member(family) for family in timm.list_modules()}
    members = {f: name for f, (n, name) in counted.items() if n <= MOST_WEIGHTS}
    too_large = [f for f in counted if f not in members]
    PAGE.write_text(page(try_all(members), too_large))


if __name__ == "__main__":
    main()
