"""Parameters of the estimators as flags, by their own names."""

from __future__ import annotations

import argparse
import ast
import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..classifier import LiftClassifier


def add_parameters(
    parser: argparse.ArgumentParser,
    kind: type,
    names: Sequence[str],
    defaults: Mapping[str, Any] | None = None,
) -> None:
    """Declare a flag for each of some parameters of an estimator, and ``--set`` for all others.

    Parameters
    ----------
    parser : ArgumentParser
        The parser.
    kind : type
        The class of the estimator. Its docstring says what each parameter is.
    names : sequence of str
        The parameters that have a flag.
    defaults : dict or None
        Other defaults than those of the estimator.
    """
    group = parser.add_argument_group(
        f"parameters of {kind.__name__}",
        "By their own names. --set sets all others, and the settings of recipes. A\n"
        "name that is not there is answered with those that are.",
    )
    said = first_sentences(LiftClassifier) | first_sentences(kind)  # whose parameters are like its
    for name in names:
        text = said.get(name, "")
        if defaults and name in defaults:
            text = f"{text.partition(' (default')[0].rstrip('.')} (default {defaults[name]})."
        group.add_argument(f"--{name}", metavar="VALUE", help=text.replace("%", "%%"))
    group.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="any other, such as adapter__rank=8; may be repeated",
    )


def given_parameters(options: argparse.Namespace, kind: type) -> dict[str, Any]:
    """The parameters that were given as flags or by ``--set``, as values of Python.

    Raises
    ------
    ValueError
        If a ``--set`` is not of the form NAME=VALUE, or a parameter is there twice.
    """
    own = inspect.signature(kind).parameters
    words = {n: v for n, v in vars(options).items() if n in own and v is not None}
    for text in options.set:
        name, sign, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not sign or not name.isidentifier():
            raise ValueError(f"--set takes NAME=VALUE, such as adapter__rank=8; got {text!r}")
        if name in words:
            raise ValueError(f"{name} is given twice, as {words[name]!r} and as {value!r}")
        words[name] = value
    return {name: as_value(word) for name, word in words.items()}


def as_value(word: str) -> Any:
    """A number, list, True, None and so on where the word is one of Python, else the text.

    Examples
    --------
    >>> from sklift._commands._parameters import as_value
    >>> as_value("0.02"), as_value("None"), as_value("ViT-B-16"), as_value("[1, 2]")
    (0.02, None, 'ViT-B-16', [1, 2])
    """
    try:
        return ast.literal_eval(word.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return word


def first_sentences(kind: type) -> dict[str, str]:
    """What a docstring says first of each parameter, with its default, without marks of reST.

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> from sklift._commands._parameters import first_sentences
    >>> first_sentences(LiftClassifier)["lr"]
    'Learning rate at the start (default 0.02).'
    """
    text = inspect.getdoc(kind) or ""  # python -OO has none
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n---|\Z)", text, re.M | re.S)
    found = {}
    entries = re.findall(r"^(\w+) :(.*)\n((?:[ ]+.*\n|\n)+)", section[1] if section else "", re.M)
    for name, of_kind, body in entries:
        sentence = re.split(r"(?<=[.:;]) ", " ".join(body.split()))[0].rstrip(".:; ")
        sentence = re.sub(r":\w+:`~?([^`]*)`", r"\1", sentence).replace("`", "")
        default = re.search(r"default=(.*)", of_kind)
        found[name] = sentence + (f" (default {default[1]})." if default else ".")
    return found
