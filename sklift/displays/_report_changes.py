"""Comparison of a report with an earlier one, on the pictures that are in both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from scipy.stats import binomtest, fisher_exact

from .._compute._threads import map_items
from .._core._text import counted
from ..images._sources import ImageSource
from ._columns import rows_of

PREDICTED = ("picture", "true", "predicted")
CLEAR = 0.05  # probability of a change by chance, below which it is called clear
RESAMPLES = 2000


def predictions_of(
    source: ImageSource, y_true: np.ndarray, y_pred: np.ndarray, called: Callable[[Any], str]
) -> dict[str, np.ndarray]:
    """Table of what was predicted of each picture, by which a later report is compared.

    Pictures are told by a digest of their content: folders may move, and names return in others.
    """
    prints = map_items(source.original_fingerprint, range(len(source)))
    keys = [blake2b(content, digest_size=8).hexdigest() for content in prints]
    return {
        "picture": np.array(keys, dtype=str),
        "true": np.array([called(label) for label in y_true.tolist()], dtype=str),
        "predicted": np.array([called(label) for label in y_pred.tolist()], dtype=str),
    }


def changes(now, then) -> dict[str, Any]:
    """What differs between two reports.

    Parameters
    ----------
    now, then : Report
        The later one and the earlier one.

    Returns
    -------
    changes : dict
        As of the attribute ``changes`` of :class:`Report`.
    """
    paired = _paired(now.predictions, then.predictions)
    rows = [_of_pairs(name, *hits) for name, hits in paired.items()]
    if not paired:
        rows = _of_counts(now.classes, then.classes)
    p_values = np.array([row["p_value"] for row in rows])
    for row, adjusted in zip(rows, _holm(p_values), strict=True):
        row["clear"] = bool(adjusted < CLEAR)
    rows.sort(key=lambda row: (row["p_value"], -abs(row["recall_now"] - row["recall_then"])))
    before = np.concatenate([hits[0] for hits in paired.values()]) if paired else np.array([])
    after = np.concatenate([hits[1] for hits in paired.values()]) if paired else np.array([])
    return {
        "n_common": len(before),
        "n_better": int((after & ~before).sum()) if paired else 0,
        "n_worse": int((before & ~after).sum()) if paired else 0,
        "scores": _scores(now, then, paired, before, after),
        "classes": {k: np.array([row[k] for row in rows]) for k in _COLUMNS},
        "model": _settings(now.model, then.model),
    }


def changes_in_words(changes: dict[str, Any]) -> str:
    """Lines for a terminal: the scores then and now, and the classes that changed clearly."""
    n = changes["n_common"]
    on = f"on {counted(n, 'picture')}" if n else "other pictures"
    lines = [f"against the earlier report, {on}:"]
    for name, score in changes["scores"].items():
        line = f"  {name.replace('_', ' '):<20} {score['then']:.3f} -> {score['now']:.3f}"
        if "low" in score:
            line += f"  difference from {score['low']:+.3f} to {score['high']:+.3f} (95 %)"
        lines.append(line)
    for row in rows_of(changes["classes"]):
        if row["clear"]:
            recalls = f"{row['recall_then']:.2f} -> {row['recall_now']:.2f}"
            lines.append(f"  recall of {row['name']}: {recalls}")
    return "\n".join(lines)


_COLUMNS = ("name", "n", "recall_then", "recall_now", "n_better", "n_worse", "p_value", "clear")


def _paired(now: Mapping, then: Mapping) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For each class, whether its pictures were right then, and now: those that are in both."""
    earlier: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for picture, true, predicted in zip(*(then[k].tolist() for k in PREDICTED), strict=True):
        earlier[picture, true].append(true == predicted)
    found: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for picture, true, predicted in zip(*(now[k].tolist() for k in PREDICTED), strict=True):
        if before := earlier.get((picture, true)):
            found[true].append((before.pop(0), true == predicted))
    return {name: tuple(np.array(found[name]).T) for name in sorted(found)}


def _of_pairs(name: str, before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
    better, worse = int((after & ~before).sum()), int((before & ~after).sum())
    return {
        "name": name,
        "n": len(before),
        "recall_then": float(before.mean()),
        "recall_now": float(after.mean()),
        "n_better": better,
        "n_worse": worse,
        "p_value": _mcnemar(better, worse),
    }


def _of_counts(now: Mapping, then: Mapping) -> list[dict[str, Any]]:
    """Recalls of classes that are in both reports, on other pictures in each."""
    place = {name: i for i, name in enumerate(then["name"].tolist())}
    rows = []
    for j, name in enumerate(now["name"].tolist()):
        i = place.get(name)
        if i is None or not then["n_true"][i] or not now["n_true"][j]:
            continue
        recalls = float(then["recall"][i]), float(now["recall"][j])
        n = int(then["n_true"][i]), int(now["n_true"][j])
        hits = [round(recall * of) for recall, of in zip(recalls, n, strict=True)]
        table = [[hit, of - hit] for hit, of in zip(hits, n, strict=True)]
        rows.append(
            {
                "name": name,
                "n": n[1],
                "recall_then": recalls[0],
                "recall_now": recalls[1],
                "n_better": 0,
                "n_worse": 0,
                "p_value": float(fisher_exact(table).pvalue),
            }
        )
    return rows


def _scores(now, then, paired, before, after) -> dict[str, dict[str, float]]:
    """Accuracy and balanced accuracy then and now; of the common pictures, if there are some."""
    if not paired:
        return {
            name: {"then": then.scores[name], "now": now.scores[name]}
            for name in ("accuracy", "balanced_accuracy")
        }
    recalls = np.array([[hits[0].mean(), hits[1].mean()] for hits in paired.values()])
    low, high = _interval(list(paired.values()))
    return {
        "accuracy": {
            "then": float(before.mean()),
            "now": float(after.mean()),
            "p_value": _mcnemar(int((after & ~before).sum()), int((before & ~after).sum())),
        },
        "balanced_accuracy": {
            "then": float(recalls[:, 0].mean()),
            "now": float(recalls[:, 1].mean()),
            "low": low,
            "high": high,
        },
    }


def _mcnemar(better: int, worse: int) -> float:
    """The probability of so uneven a change by chance, by McNemar's exact test."""
    n = better + worse
    return float(binomtest(better, n).pvalue) if n else 1.0


def _interval(hits: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """95 % interval of the difference of balanced accuracies, by a bootstrap in each class."""
    rng = np.random.default_rng(0)
    total = np.zeros(RESAMPLES)
    for before, after in hits:
        n = len(before)
        shares = [(after & ~before).mean(), (before & ~after).mean()]
        drawn = rng.multinomial(n, [*shares, max(0.0, 1 - sum(shares))], RESAMPLES)
        total += (drawn[:, 0] - drawn[:, 1]) / n
    low, high = np.quantile(total / len(hits), (0.025, 0.975))
    return float(low), float(high)


def _holm(p_values: np.ndarray) -> np.ndarray:
    """Probabilities that account for the number of tests (Holm, 1979)."""
    order = np.argsort(p_values)
    raised = p_values[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(raised))
    return adjusted


def _settings(now: Mapping[str, str], then: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Facts of the models that differ, then and now."""
    names = dict.fromkeys([*then, *now])
    both = {name: (then.get(name, ""), now.get(name, "")) for name in names}
    return {name: values for name, values in both.items() if values[0] != values[1]}
