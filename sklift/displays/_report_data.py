"""Data of a report inside its page: what they are, and how they are read back."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from PIL import Image

from ..images._read_errors import READ_ERRORS
from ..metrics._report import SCORES
from ..metrics._scorers import GROUPS
from . import _report_checks as are
from ._report_mistakes import LARGEST

_SHARES = [
    f"{score}{end}" for score in ("precision", "recall", "f1") for end in ("", "_low", "_high")
]
_GROUP = are.record({"accuracy": are.share_or_nan, "n_classes": are.count, "n_samples": are.count})

_REPORT = are.record(
    {
        "title": are.text,
        "text": are.text,
        "limits": are.pair(are.number(0, math.inf)),
        "scores": are.record(
            {
                **dict.fromkeys(SCORES, are.share_or_nan),
                "accuracy": are.share,
                **dict.fromkeys(GROUPS, _GROUP),
            }
        ),
        "classes": are.table(
            {
                "name": are.text,
                "n_train": are.count,
                "group": are.group,
                "label": are.label,
                "n_true": are.count,
                "n_predicted": are.count,
                **dict.fromkeys(_SHARES, are.share_or_nan),
            }
        ),
        "calibration": are.table(
            dict.fromkeys(("confidence", "accuracy", "weight"), are.share),
            others={"error": are.share},
        ),
        "confusions": are.table(
            {
                "true": are.text,
                "predicted": are.text,
                "n": are.count,
                "share": are.share,
                "n_back": are.count,
            }
        ),
        "mistakes": are.listed(
            are.record(
                {
                    **dict.fromkeys(("picture", "true", "predicted"), are.text),
                    **dict.fromkeys(("probability_true", "probability_predicted"), are.share),
                }
            )
        ),
        "model": are.mapped(are.text),
        "unreadable": are.mapped(are.text),
        "predictions": are.table(
            {"picture": are.text, "true": are.count, "predicted": are.count},
            others={"names": are.listed(are.text)},
        ),
    }
)

_BOTH = {"then": are.share, "now": are.share}


def _changes(**more: dict[str, are.Check]) -> are.Check:
    """What a report says of an earlier one, with what it says more of each score."""
    scores = {k: are.record(_BOTH | more.get(k, {})) for k in ("accuracy", "balanced_accuracy")}
    return are.record(
        {
            **dict.fromkeys(("n_common", "n_better", "n_worse"), are.count),
            "scores": are.record(scores),
            "classes": are.table(
                {
                    "name": are.text,
                    "n": are.count,
                    **dict.fromkeys(("recall_then", "recall_now"), are.share),
                    **dict.fromkeys(("n_better", "n_worse"), are.count),
                    "p_value": are.share,
                    "clear": are.truth,
                }
            ),
            "model": are.mapped(are.pair(are.text)),
        }
    )


_OF_OTHER_PICTURES = _changes()
_OF_COMMON_PICTURES = _changes(
    accuracy={"p_value": are.share},
    balanced_accuracy=dict.fromkeys(("low", "high"), are.number(-1, 1)),
)


def checked(content: Any, pictures: list[bytes]) -> dict[str, Any]:
    """Arguments of :class:`Report`, from the data and the pictures of a page.

    Raises
    ------
    ValueError
        If they are not those of a report; it names the first place that is wrong.
    """
    found = _REPORT(content, "")
    changes = content.get("changes")
    if changes is not None:
        common = are.record({"n_common": are.count})(changes, "changes")["n_common"]
        changes = (_OF_COMMON_PICTURES if common else _OF_OTHER_PICTURES)(changes, "changes")
    n_mistakes = len(found["mistakes"])
    kinds = ("thumbnail", "looked_at") if len(pictures) == 2 * n_mistakes else ("thumbnail",)
    if len(pictures) != len(kinds) * n_mistakes:
        raise ValueError(f"it has {len(pictures)} pictures of {n_mistakes} mistakes")
    places = [(i, kind) for i in range(n_mistakes) for kind in kinds]
    for (i, kind), jpeg in zip(places, pictures, strict=True):
        found["mistakes"][i][kind] = _thumbnail(jpeg, f"the picture of mistakes[{i}]")
    return found | {"changes": changes, "predictions": _predictions(found["predictions"])}


def _predictions(table: dict[str, Any]) -> dict[str, np.ndarray]:
    names = np.array(table["names"], dtype=str)
    for column in ("true", "predicted"):
        if (table[column] >= len(names)).any():
            raise ValueError(
                f"predictions.{column} must be places in predictions.names, below {len(names)}; "
                f"got {table[column].max()}"
            )
    return {
        "picture": table["picture"].astype(str),
        "true": names[table["true"]],
        "predicted": names[table["predicted"]],
    }


def _thumbnail(jpeg: bytes, place: str) -> bytes:
    """The content of a JPEG file that can be read, and is no larger than those of reports."""
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
            if max(image.size) > LARGEST:
                raise ValueError(f"it has {image.size[0]} x {image.size[1]} pixels")
            image.load()
    except (*READ_ERRORS, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{place} can't be read ({error})") from error
    return jpeg
