"""`benchmarks/reproduce.py`, on archives and lists of the standard format with tiny content."""

from __future__ import annotations

import io
import json
import pickle
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sklift import LiftClassifier

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))
try:
    import reproduce
finally:
    sys.path.remove(str(ROOT / "benchmarks"))

# Nothing tells the last two apart: three in four are right.
COLOURS = {"black": (0, 0, 0), "green": (0, 200, 0), "red": (220, 0, 0), "scarlet": (220, 0, 0)}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """CIFAR-100's archive, of one-coloured pictures: 20 and 5 of each of four classes."""

    def batch(n):
        codes = np.tile(np.arange(len(COLOURS)), n)
        planes = np.array(list(COLOURS.values()), np.uint8)[codes]
        return {b"data": np.repeat(planes, 1024, axis=1), b"fine_labels": codes.tolist()}

    path = tmp_path_factory.mktemp("cifar") / "cifar-100-python.tar.gz"
    files = {"train": batch(20), "test": batch(5), "meta": {"fine_label_names": list(COLOURS)}}
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            text = pickle.dumps(content, 2)
            info = tarfile.TarInfo(f"cifar-100-python/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    return path


@pytest.fixture
def images(tmp_path):
    """Lists in ImageNet-LT's format over the same pictures."""
    for subset, counts in (("train", (6, 4, 2, 2)), ("test", (2, 2, 2, 2))):
        lines = []
        for code, (count, colour) in enumerate(zip(counts, COLOURS.values(), strict=True)):
            for i in range(count):
                name = f"{subset}_{code}_{i}.png"
                Image.new("RGB", (40, 40), colour).save(tmp_path / name)
                lines.append(f"{name} {code}")
        (tmp_path / f"ImageNet_LT_{subset}.txt").write_text("\n".join(lines))
    names = "\n".join(f"n{i} {name}" for i, name in enumerate(COLOURS))
    (tmp_path / "classnames.txt").write_text(names)
    return tmp_path


def run(*arguments):
    return reproduce.main([*map(str, arguments), "--backbone", "emoji-tiny"])


def test_a_row_from_the_archive_to_the_figures(archive, tmp_path, capsys):
    output = tmp_path / "new" / "runs.json"
    assert run("cifar100-ir10", "--data", archive, "--seeds", 0, 1, "--output", output) == 0
    first, second = json.loads(output.read_text())
    assert (first["seed"], second["seed"]) == (0, 1)
    assert {name: first[name] for name in ("row", "recipe", "backbone", "epochs", "init")} == {
        "row": "cifar100-ir10",
        "recipe": "lift",
        "backbone": "emoji-tiny",
        "epochs": 10,
        "init": "text",
    }
    assert (first["n_train"], first["n_test"]) == (sum((20, 9, 4, 2)), 20)
    for view in ("plain", "five crops"):
        scores = first["scores"][view]
        assert scores == {
            "accuracy": 75.0,
            "mean class": 75.0,
            "many": None,  # no class has more than 100 pictures
            "medium": 100.0,
            "few": 66.67,
        }
    printed = capsys.readouterr().out
    row = next(line for line in printed.splitlines() if line.startswith("seed 1, plain"))
    assert row.split()[3:] == ["75.0", "75.0", "-", "100.0", "66.7", "-"]
    assert "2 seeds, plain: accuracy 75.00, standard deviation 0.00" in printed


def test_what_was_run_is_kept_and_what_was_cut_short_goes_on(
    archive, tmp_path, capsys, monkeypatch
):
    output = tmp_path / "runs.json"
    arguments = ("cifar100-ir10", "--data", archive, "--output", output, "--recipe", "lift+")
    fitted, predict = [], LiftClassifier.predict

    def stop(est, X):
        fitted.append(est.history_)
        raise KeyboardInterrupt

    monkeypatch.setattr(LiftClassifier, "predict", stop)
    with pytest.raises(KeyboardInterrupt):
        run(*arguments)
    assert not output.exists()

    def watch(est, X):
        fitted.append(est.history_)
        return predict(est, X)

    monkeypatch.setattr(LiftClassifier, "predict", watch)
    assert run(*arguments) == 0
    assert fitted[0] == fitted[1]  # to the duration of each epoch: nothing was trained again
    kept = output.read_text()
    assert json.loads(kept)[0]["epochs"] == 5
    n_predictions = len(fitted)
    assert run(*arguments) == 0
    assert f"seed 0 is in {output} already" in capsys.readouterr().out
    assert output.read_text() == kept and len(fitted) == n_predictions


def test_a_row_from_lists(images, tmp_path):
    output = tmp_path / "runs.json"
    arguments = ("--data", images, "--recipe", "lift+", "--output", output)
    assert run("imagenet-lt", *arguments) == 0
    (result,) = json.loads(output.read_text())
    assert (result["n_train"], result["n_test"], result["init"]) == (14, 8, "text")


@pytest.mark.parametrize("row", reproduce.ROWS)
def test_missing_data_is_said_within_seconds(row, tmp_path, capsys):
    start = time.perf_counter()
    assert run(row, "--data", tmp_path, "--output", tmp_path / "runs.json") == 2
    assert time.perf_counter() - start < 5
    message = capsys.readouterr().err
    assert message.startswith(f"missing for {reproduce.ROWS[row].title}: ")
    assert str(tmp_path) in message and "--data" in message
    assert ("cifar-100-python.tar.gz" if "cifar" in row else "_train.txt") in message
    assert list(tmp_path.iterdir()) == []


def test_each_missing_piece_is_named(images, archive, capsys):
    lists = ("imagenet-lt", "--data", images)
    (images / "classnames.txt").unlink()
    assert run(*lists) == 2
    assert "names of the classes are missing" in capsys.readouterr().err
    (images / "train_0_0.png").unlink()
    assert run(*lists) == 2
    assert "train_0_0.png, which doesn't exist" in capsys.readouterr().err
    assert run("imagenet-lt") == 2
    assert "--data is not given" in capsys.readouterr().err
    absent = ("--pretrained", images / "absent.pt")
    assert reproduce.main(["cifar100-ir100", "--data", str(archive), *map(str, absent)]) == 2
    message = capsys.readouterr().err
    assert "absent.pt' is neither a tag of 'ViT-B-16' nor a file" in message
    assert "--pretrained names the file" in message


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), (80.3, 81.7)),
        (("--backbone", "ViT-B/16", "--pretrained", "openai"), (80.3, 81.7)),
        (("--backbone", "timm/vit_base_patch16_224"), (89.1, None)),
        (("--pretrained", "laion2b_s34b_b88k"), (None, None)),
        (("--recipe", "lift+"), (None, None)),
        (("--backbone", "ViT-L-14"), (None, None)),
    ],
)
def test_figures_are_given_where_they_are_of_the_same_run(arguments, expected, monkeypatch):
    seen = []
    monkeypatch.setattr(
        reproduce, "load", lambda row, options: seen.append((row, options)) or 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        reproduce.main(["cifar100-ir100", *arguments])
    assert reproduce.published(*seen[0]) == expected


def test_figures_and_epochs_are_those_of_the_guide():
    guide = (ROOT / "docs" / "papers.rst").read_text(encoding="utf-8")
    table = guide[guide.index("Published results") :]
    cifar = [reproduce.ROWS[f"cifar100-ir{ratio}"].published for ratio in (100, 50, 10)]
    for name, view in ((reproduce.CLIP, 0), (reproduce.CLIP, 1), (reproduce.IN21K, 0)):
        assert f"     - {' / '.join(str(p[name][view]) for p in cifar)}\n" in table
    for name in ("imagenet-lt", "places-lt", "inat2018"):
        row = reproduce.ROWS[name]
        plain, crops = row.published[reproduce.CLIP]
        cells = (row.title, plain, crops, row.epochs["lift"])
        assert "\n     - ".join(map(str, cells)) in table
