"""From the words on the command line to a command, and from its outcome to an exit code."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from .._core._names import did_you_mean
from .._core._text import visible
from .._core._version import __version__
from ._parser import Parser, with_underscores

# Each is a module of this room, with DESCRIPTION, EXAMPLES, add_arguments(parser), run(options).
COMMANDS = {
    "check": "look for damaged, blank, dark and doubled pictures before training",
    "fit": "train a classifier on folders of pictures, and score it on held-out ones",
    "report": "score a trained classifier, as text, JSON or a page to hand on",
    "predict": "label new pictures: a table of paths, labels and probabilities",
    "embed": "write the features of pictures, for tools of your own",
    "serve": "answer requests for labels over HTTP, with bounds and metrics",
    "export": "write a trained classifier as a program that needs torch alone",
    "info": "versions, devices and caches, for a bug report",
    "clear-cache": "delete what sklift keeps in its cache",
}

EXIT_CODES = """\
exit codes:
  0    all went well
  1    done, but some pictures couldn't be read (or what the command looks for was found)
  2    the command, a file or a setting is not usable: nothing was done
  3    an error inside of sklift; --traceback shows the place
  130  stopped by Ctrl-C; no file is left half-written"""

FIRST_STEPS = """\
first steps, for a folder "photos" with one sub-folder of pictures per class:
  sklift check photos
  sklift fit photos -o model.safetensors
  sklift predict model.safetensors new_photos -o predictions.csv"""

USER_ERRORS = (ValueError, TypeError, OSError, ImportError, FloatingPointError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        The words after ``sklift``. None: those of this process.

    Returns
    -------
    status : int
        The exit code: 0, 1, 2, 3 or 130, see ``sklift --help``.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    name, *rest = words
    if name == "--version":
        print(f"scikit-lift {__version__}")
        return 0
    if name not in COMMANDS:
        hint = did_you_mean(name, COMMANDS) or f": choose one of {', '.join(COMMANDS)}"
        return _complain("sklift", f"there is no command {name!r}{hint}", 2)
    return _run(name, with_underscores(rest))


def _run(name: str, words: list[str]) -> int:
    """Run a command, with an exit code for each way in which it may end."""
    program, traceback = f"sklift {name}", "--traceback" in words
    with _warnings_in_one_line():
        try:
            command, parser = command_of(name)
            status = command.run(parser.parse(words))
            sys.stdout.flush()
            return status
        except KeyboardInterrupt:
            if traceback:
                raise
            return _complain(program, "stopped", 130)
        except BrokenPipeError:  # as by `sklift ... | head`; Python would complain at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except USER_ERRORS as error:
            if traceback:
                raise
            return _complain(program, _told(error), 2)
        except Exception as error:
            if traceback:
                raise
            said = f"{type(error).__name__}: {_told(error)} (--traceback shows the place)"
            return _complain(program, said, 3)


def command_of(name: str) -> tuple[ModuleType, Parser]:
    """The module of a command, and the parser of its arguments."""
    command = import_module(f"._{name.replace('-', '_')}", __package__)
    parser = Parser(f"sklift {name}", command.DESCRIPTION, command.EXAMPLES)
    command.add_arguments(parser)
    parser.add_argument(
        "--traceback", action="store_true", help="show where in the code an error arose"
    )
    return command, parser


def _told(error: Exception) -> str:
    """What an error says, with its notes."""
    return " ".join([str(error) or type(error).__name__, *getattr(error, "__notes__", ())])


def _complain(program: str, message: str, status: int) -> int:
    print(f"{program}: {visible(' '.join(message.split()))}", file=sys.stderr)
    return status


@contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Show warnings without lines of code, which say nothing here."""

    def show(message, category, filename, lineno, file=None, line=None) -> None:
        print(f"warning: {visible(' '.join(str(message).split()))}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


def _help() -> str:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {purpose}" for name, purpose in COMMANDS.items())
    return (
        "usage: sklift COMMAND ...      (or python -m sklift COMMAND ...)\n\n"
        "Classification of pictures when most classes have few of them.\n\n"
        f"commands:\n{commands}\n\n"
        "sklift COMMAND --help tells more of each, sklift --version the version.\n\n"
        f"{FIRST_STEPS}\n\n{EXIT_CODES}"
    )
