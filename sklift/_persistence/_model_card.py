"""Card of a model: what it is, how it is loaded, and how well it does."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from .._core._text import counted, visible
from ..displays import Report
from ..displays._report_model import described
from ..metrics._report import SCORES
from ..metrics._scorers import GROUPS

_TASKS = {
    "LiftClassifier": "image-classification",
    "MultilabelClassifier": "image-classification",
    "ZeroShotClassifier": "zero-shot-image-classification",
    "ImageEmbedder": "image-feature-extraction",
}
_OF_THIS_MACHINE = ("checkpoint", "compute", "device", "net_params", "verbose")
# Folders of an absolute path, but not of "timm/name" or "hf-hub:user/name".
_FOLDERS = re.compile(r"""(?<![\w/])(?:~?/|~\w+/|[A-Za-z]:[\\/])(?=\S)(?:[^'"]*[\\/])?""")
_MOST = 200  # classes in a table
_LETTERS = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {c: f"\\{c}" for c in "\\`*_[]~|$"}
)


def model_card(estimator, repo_id: str, report: Report | None) -> str:
    """Markdown of the card of a fitted estimator.

    Neither pictures nor paths of a report are in it, and of files of weights only the names.

    Parameters
    ----------
    estimator : fitted estimator
        The model.
    repo_id : str
        The repository that it is for.
    report : Report or None
        Its scores.
    """
    from huggingface_hub import ModelCardData

    name = type(estimator).__name__
    data = ModelCardData(
        library_name="scikit-lift",
        pipeline_tag=_TASKS.get(name),
        tags=["scikit-learn", "long-tail"],
        metrics=None if report is None else ["accuracy", "balanced_accuracy"],
        base_model=_base_of(estimator.backbone),
    )
    facts = {} if not hasattr(estimator, "class_counts_") else described(estimator)
    facts = {k: _FOLDERS.sub("", v) for k, v in facts.items() if k not in _OF_THIS_MACHINE}
    rows = [(key, _shown(value)) for key, value in facts.items()]
    parts = [
        f"---\n{data.to_yaml()}\n---",
        f"# {_shown(repo_id)}",
        f"A `{name}` of scikit-lift, which is a scikit-learn estimator:",
        f"```python\nfrom sklift import {name}\n\nmodel = {name}.from_hub({repo_id!r})\n```",
        "The file holds numbers and settings, and no code. The commit's hash as `revision=` loads "
        "this very model later.",
        *(["## The model", _table(("", ""), rows)] if rows else []),
        *([] if report is None else _scores(report)),
    ]
    return "\n\n".join(parts) + "\n"


def _base_of(backbone) -> str | None:
    """The repository of a backbone that is named by it."""
    is_named = isinstance(backbone, str) and backbone.startswith("hf-hub:")
    return backbone.removeprefix("hf-hub:") if is_named else None


def _scores(report: Report) -> list[str]:
    table = {name: column.tolist() for name, column in report.classes.items()}
    n = sum(table["n_true"])
    rows = [(title, _percent(report.scores[key])) for key, title in SCORES.items()]
    for name in GROUPS:
        group = report.scores[name]
        title = f"{name}-shot, {counted(group['n_classes'], 'class')}"
        rows.append((title, _percent(group["accuracy"])))
    rows.append(("calibration error", _percent(report.calibration["error"])))
    order = list(range(len(table["name"])))
    left_out = len(order) - _MOST
    if left_out > 0:
        order = order[: _MOST // 2] + order[-(_MOST // 2) :]
    classes = [
        (
            _shown(table["name"][i]),
            f"{table['n_train'][i]:,}",
            f"{table['n_true'][i]:,}",
            *(
                _interval(*(table[score + end][i] for end in ("", "_low", "_high")))
                for score in _OF
            ),
        )
        for i in order
    ]
    note = "The most frequent classes in training come first; 95 % intervals in brackets."
    if left_out > 0:
        note += f" {counted(left_out, 'class')} between them, of a middling number, not shown."
    heads = ("Class", "Training", "Scored", "Recall", "Precision", "F1")
    return [
        "## Scores",
        f"On {counted(n, 'picture')}.",
        _table(("Score", ""), rows),
        "## Classes",
        note,
        _table(heads, classes),
    ]


_OF = ("recall", "precision", "f1")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _interval(score: float, low: float, high: float) -> str:
    if math.isnan(score):
        return "-"
    return f"{100 * score:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def _percent(score: float) -> str:
    return "-" if math.isnan(score) else f"{100 * score:.1f} %"


def _shown(text: str) -> str:
    """Text of others, of which Markdown and HTML make nothing else."""
    return visible(text).translate(_LETTERS)
