"""Parser of the words after a command."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import NoReturn

from .._core._names import did_you_mean


class Parser(argparse.ArgumentParser):
    """Parser whose errors are one line, and name the nearest flag."""

    def __init__(self, program: str, description: str, examples: str):
        super().__init__(
            program,
            description=description,
            epilog=f"examples:\n{examples}",
            formatter_class=_Help,
            allow_abbrev=False,
        )

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse the words; a flag that is not there gets the nearest one."""
        options, rest = self.parse_known_args(words)
        if rest:
            known = re.findall(r"--[a-z_]+", self.format_help())
            self.error(f"what is {rest[0]!r}?{did_you_mean(rest[0].partition('=')[0], known)[1:]}")
        return options

    def error(self, message: str) -> NoReturn:
        """Raise the message, which the caller writes in one line."""
        raise ValueError(f"{message} (see {self.prog} --help)")


class _Help(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str):
        super().__init__(prog, max_help_position=28)


def with_underscores(words: Sequence[str]) -> list[str]:
    """The words, with ``--max-epochs`` as ``--max_epochs``: parameters of Python have no dashes."""
    given = []
    for word in words:
        flag, sign, value = word.partition("=")
        if flag.startswith("--"):
            flag = "--" + flag[2:].replace("-", "_")
        given.append(flag + sign + value)
    return given
