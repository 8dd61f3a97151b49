"""Words that start commands, and exit codes."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from sklift._commands import _info, main
from sklift._commands._main import COMMANDS, command_of
from sklift._commands._parser import with_underscores


def test_help_names_all_commands_and_exit_codes_and_loads_nothing():
    code = (
        "import runpy, sys\n"
        "sys.argv = ['sklift', '--help']\n"
        "try:\n    runpy.run_module('sklift', run_name='__main__')\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "loaded = {'torch', 'sklearn', 'numpy'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(f"  {name} " in done.stdout for name in COMMANDS)
    assert "python -m sklift" in done.stdout and "130  stopped" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples_that_fit_a_terminal(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    text = capsys.readouterr().out
    assert f"\n  sklift {name} " in text or f"\n  sklift {name}\n" in text
    assert "--traceback" in text and "None." not in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["chekc"], "sklift: there is no command 'chekc'. Did you mean 'check'?"),
        (["xyz"], "choose one of check, fit"),
        (["info", "--cash", "x"], "what is '--cash'? Did you mean '--cache'?"),
        (["info", "--cache"], "expected one argument (see sklift info --help)"),
        (["embed", "photos"], "required: -o/--output"),
    ],
)
def test_wrong_words_are_one_line_and_2(sklift, words, message):
    status, out, err = sklift(*words)
    assert (status, out) == (2, "") and message in err
    assert len(err.splitlines()) == 1


DOCS = Path(__file__).resolve().parents[2] / "docs" / "guide"


@pytest.mark.skipif(not DOCS.is_dir(), reason="the documentation is not here")
def test_the_commands_of_the_guide_and_of_the_examples_are_understood():
    text = (DOCS / "commands.rst").read_text(encoding="utf-8")
    lines = re.findall(r"^   \$ sklift (.+)$", text, re.M)
    for name in COMMANDS:
        lines += re.findall(r"^  sklift (.+)$", command_of(name)[0].EXAMPLES, re.M)
    assert {line.split()[0] for line in lines} == set(COMMANDS)
    for line in lines:
        name, *words = shlex.split(line.partition(" > ")[0])
        command_of(name)[1].parse(with_underscores(words))


def test_no_words_are_a_request_for_help(sklift):
    assert sklift() == sklift("--help")
    assert sklift("--version").out.startswith("scikit-lift 0")


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ValueError("bad\x1b[2J\nvalue"), 2, "sklift info: bad\\x1b[2J value\n"),
        (KeyboardInterrupt(), 130, "sklift info: stopped\n"),
        (ZeroDivisionError("x"), 3, "sklift info: ZeroDivisionError: x (--traceback shows "),
    ],
)
def test_what_ends_a_command_has_a_code_and_one_line(sklift, monkeypatch, error, status, said):
    def fail(options):
        raise error

    monkeypatch.setattr(_info, "run", fail)
    done = sklift("info")
    assert done.status == status and done.err.startswith(said)
    with pytest.raises(type(error)):
        main(["info", "--traceback"])


def test_notes_of_errors_and_warnings_are_told_in_lines(sklift, monkeypatch):
    def fail(options):
        warnings.warn("odd\nthing", UserWarning, stacklevel=1)
        error = ValueError("wrong")
        error.add_note("do it so")
        raise error

    monkeypatch.setattr(_info, "run", fail)
    assert sklift("info").err == "warning: odd thing\nsklift info: wrong do it so\n"


def test_a_reader_that_leaves_early_is_no_error():
    code = (
        "import sys; from sklift._commands import _info, main; "
        "_info.run = lambda options: [print('x' * 99) for _ in range(9999)] and 0; "
        "sys.exit(main(['info']))"
    )
    command = f'{sys.executable} -c "{code}" | head -n 1; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["x" * 99, "0"] and done.stderr == ""


def test_info_describes_a_backbone(sklift, monkeypatch):
    monkeypatch.setattr(_info, "_precisions", lambda folders: [])  # they take a second
    done = sklift("info", "--backbone", "emoji-tiny", "--json")
    told = json.loads(done.out)["backbone"]
    assert told["blocks"] == {"ResidualAttentionBlock": 6} and told["images_per_second"] > 1
    assert told["trained"]["layer_norm"] == 6 * 4 * 192 and list(told["unfit"]) == ["conv"]
    text = sklift("info", "--backbone", "emoji-tiny").out
    assert "\n\ntower           emoji-tiny: 40 x 40 pixels" in text
    assert "unknown" in sklift("info", "--backbone", "timm/no_such_tower").err
