"""Text of others: what steers a terminal is escaped, in messages, warnings and HTML."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sklift import LiftClassifier, ZeroShotClassifier
from sklift._commands._clear_cache import clear
from sklift._core._text import visible, visible_lines
from sklift._core._warn import warn
from sklift.datasets import load_image_folder
from sklift.images._decode import check_file, read, read_reduced
from sklift.images._files import FileSource

EVIL = "\x1b[2J\ra\u202eb\x07"
SHOWN = r"\x1b[2J\ra\u202eb\x07"


def test_what_can_be_read_stays():
    text = "Züri, 鳥 é ✓ 'a' \\ \"b\""
    assert visible(text) == text
    assert visible(EVIL) == SHOWN
    assert visible("a\nb\ud800") == r"a\nb\ud800"
    assert visible_lines(f"{EVIL}\n{EVIL}") == f"{SHOWN}\n{SHOWN}"


def test_errors_of_pictures(tmp_path):
    path = tmp_path / f"{EVIL}.png"
    with pytest.raises(FileNotFoundError) as caught:
        FileSource([path])
    assert SHOWN in str(caught.value) and EVIL not in str(caught.value)
    path.write_bytes(b"no picture")
    Image.new("F", (8, 8)).save(tmp_path / f"{EVIL}.tiff")
    for file in (path, tmp_path / f"{EVIL}.tiff"):
        for function in (read, check_file, lambda p: read_reduced(p, 2)):
            with pytest.raises(ValueError, match=r"mode 'F'|no picture") as caught:
                function(file)
            assert SHOWN in str(caught.value) and EVIL not in str(caught.value)


def test_warnings(tmp_path):
    with pytest.warns(UserWarning, match="a") as caught:
        warn(f"a\n{EVIL}")
    assert str(caught[0].message) == f"a\n{SHOWN}"
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.new("L", (4, 4)).save(tmp_path / name / "a.png")
    (tmp_path / EVIL).mkdir()
    with pytest.warns(UserWarning, match="no pictures") as caught:
        load_image_folder(tmp_path)
    assert SHOWN in str(caught[0].message) and EVIL not in str(caught[0].message)


def test_what_a_model_file_says(tmp_path):
    path = tmp_path / f"{EVIL}.safetensors"
    ZeroShotClassifier("emoji-tiny").fit(None, ["a", "b"]).save(path)
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(ValueError, match="can't load") as caught:
        ZeroShotClassifier.load(path)
    assert EVIL not in str(caught.value)


def test_what_the_command_prints(tmp_path, capsys):
    clear([tmp_path / EVIL])
    assert SHOWN in capsys.readouterr().out


@pytest.mark.parametrize("where", ["class_names", "prompts", "backbone", "net_params", "adapter"])
def test_html_shows_and_runs_nothing(where):
    evil = "<script>alert(1)</script>"
    value = {evil: evil} if where in ("class_names", "prompts", "net_params") else evil
    assert evil not in LiftClassifier(**{where: value})._repr_html_()
    fitted = LiftClassifier("precomputed", init="class_mean", max_epochs=1, random_state=0)
    assert evil not in fitted.fit(np.eye(4), [evil, "b"] * 2)._repr_html_()
