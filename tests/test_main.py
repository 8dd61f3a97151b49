"""`sklift info` and `clear-cache`: what is printed; what sklift wrote is deleted, nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sklift
from sklift.__main__ import main
from sklift._compute import _product_speed
from sklift._compute._processor import processor_name
from sklift._compute._product_speed import ProductSpeeds, product_speeds
from sklift._store._cache_files import cache_files
from sklift._store._features import StoredFeatures
from sklift._store._speeds import StoredSpeeds
from sklift.adapters import AdaptFormer
from sklift.datasets import get_data_home, load_emoji

OTHERS = (
    "cifar-100-python.tar.gz",
    "features.sqlite",
    "features-1.sqlite.bak",
    "my-features-1.sqlite",
    "openmoji-15.1.0-64px-0123abcd.npz.txt",
    "openmoji-svg.npz",
    "pictures-1.bin",
    "tokens-1.bin",
    "pictures-1-2.bin.part",
    "pictures-of-mine.sqlite",
    "fit-0123456789abcdef.pt",
)


def run_main(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "sklift", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def features(tmp_path):
    folder = tmp_path / "features"
    StoredFeatures(folder).add({b"key": np.zeros(4, np.float32)})
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    monkeypatch.setenv("SKLIFT_DATA", str(home))
    return home


def test_it_prints_versions_devices_and_the_default_cache(tmp_path):
    done = run_main("info", SKLIFT_DATA=str(tmp_path / "none"))
    assert done.returncode == 0, done.stderr
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert rows["scikit-lift"] == sklift.__version__
    assert {"python", "torch", "open_clip_torch", "timm", "scikit-learn", "skorch", "numpy"} <= set(
        rows
    )
    assert rows["device"]
    assert rows["cache"] == f"{tmp_path / 'none'}: empty" and not (tmp_path / "none").exists()
    assert "never cleared here" in rows["weights"]


@pytest.mark.parametrize(
    ("way", "gain", "taken"),
    [
        ("instructions", 0.5, "float32"),
        ("instructions", 2, "bfloat16"),
        ("matrix unit", 5, "bfloat16"),
    ],
)
def test_the_precision_and_the_speeds_behind_it(home, capsys, monkeypatch, way, gain, taken):
    monkeypatch.setattr("sklift._compute._processor.bfloat16_of_processor", lambda: way)
    monkeypatch.setattr(_product_speed, "measure", lambda width: ProductSpeeds(1e11, gain * 1e11))
    monkeypatch.setattr(_product_speed, "_measured", {})
    assert main(["info"]) == 0
    printed = [row.split(maxsplit=1) for row in capsys.readouterr().out.splitlines()]
    rows = [value for name, value in printed if name == "precision"]
    speeds = f"(float32 100, bfloat16 {100 * gain:.0f} GFLOP/s a core)"
    assert rows[0] == f"{processor_name()}, for bfloat16: {way}"
    assert rows[1:] == [f"{taken} for blocks of width {w} {speeds}" for w in (384, 768, 1024)]


def test_the_precision_that_a_folder_remembers(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sklift._compute._processor.bfloat16_of_processor", lambda: "instructions")
    monkeypatch.setattr(_product_speed, "measure", lambda width: ProductSpeeds(1e11, 2e11))
    monkeypatch.setattr(_product_speed, "_measured", {})
    product_speeds(768, StoredSpeeds(tmp_path))
    monkeypatch.setattr(_product_speed, "measure", lambda width: ProductSpeeds(1e11, 1e11))
    _product_speed._measured.clear()
    assert main(["info", "--cache", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "bfloat16 for blocks of width 768 (float32 100, bfloat16 200" in printed
    assert "float32 for blocks of width 384 (float32 100, bfloat16 100" in printed


def test_a_processor_without_bfloat16_is_not_measured(home, capsys, monkeypatch):
    monkeypatch.setattr("sklift._compute._processor.bfloat16_of_processor", lambda: "none")
    monkeypatch.setattr(_product_speed, "measure", None)
    assert main(["info"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert f"precision       {processor_name()}, for bfloat16: none" in printed
    assert "precision       float32" in printed


def test_it_detects_the_clash_with_scikit_uplift(tmp_path):
    installed = tmp_path / "scikit_uplift-0.5.1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: scikit-uplift\nVersion: 0.5.1\n"
    )
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    done = run_main("info", PYTHONPATH=path)
    assert done.returncode == 1
    assert "scikit-uplift 0.5.1 is installed too" in done.stderr
    assert "pip uninstall scikit-uplift scikit-lift" in done.stderr


def test_the_same_as_json(features, capsys):
    assert main(["info", "--cache", str(features), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["scikit-lift"] == sklift.__version__
    assert told["cache"] == [f"{features}: features, 1 file, 0.0 MB"]
    assert len(told["device"]) >= 1


def test_the_default_folder_is_that_of_the_data_sets(home, capsys):
    assert main(["clear-cache"]) == 0
    assert capsys.readouterr().out == f"nothing to delete in {get_data_home()}\n"


def test_kinds_and_sizes_of_the_folders_that_are_named(features, tmp_path, capsys):
    for number, size in enumerate((2_000_000, 500_000)):
        (tmp_path / f"pictures-1-{number}.bin").write_bytes(bytes(size))
    assert main(["info", "--cache", str(features), "--cache", str(tmp_path)]) == 0
    rows = [line.split(maxsplit=1)[1] for line in capsys.readouterr().out.splitlines()]
    assert f"{features}: features, 1 file, 0.0 MB" in rows
    assert f"{tmp_path}: decoded pictures, 2 files, 2.5 MB" in rows


def test_rendered_emoji_are_cleared(home, capsys):
    load_emoji(size=4)
    (file,) = home.iterdir()
    assert main(["clear-cache"]) == 0
    assert not file.exists() and home.is_dir()
    assert capsys.readouterr().out == f"deleted {file} (0.1 MB)\n"
    assert len(load_emoji(size=4).images) == 1911


@pytest.mark.parametrize("adapter", ["adaptformer", AdaptFormer(layers=1), None])
def test_all_that_an_estimator_keeps_is_cleared(tmp_path, quick, shapes, adapter, home):
    X, y = shapes
    paths = [str(tmp_path / f"{i}.png") for i in range(len(X))]
    for path, image in zip(paths, X, strict=True):
        Image.fromarray(image).save(path)
    folder = tmp_path / "cache"
    clf = quick(compute__cache=folder, adapter=adapter, augmentation=None, max_epochs=1)
    expected = clf.fit(paths, y).predict_proba(paths)
    assert list(folder.iterdir())
    assert main(["clear-cache", "--cache", str(folder)]) == 0
    assert list(folder.iterdir()) == []
    assert all(Path(path).is_file() for path in paths)
    np.testing.assert_allclose(clf.fit(paths, y).predict_proba(paths), expected, atol=1e-5)


def test_nothing_else_is_deleted(features, tmp_path):
    for name in OTHERS:
        (features / name).write_text("mine")
    (features / "below").mkdir()
    (features / "below" / "features-1.sqlite").write_text("mine")
    (features / "pictures-2-1.bin").mkdir()
    (tmp_path / "target").write_text("mine")
    (features / "features-2.sqlite").symlink_to(tmp_path / "target")
    (features / "features-3.sqlite").symlink_to(tmp_path / "gone")
    kept = {path.name for path in features.iterdir()} - {"features-1.sqlite"}
    assert main(["clear-cache", "--cache", str(features)]) == 0
    assert {path.name for path in features.iterdir()} == kept
    assert (features / "below" / "features-1.sqlite").read_text() == "mine"
    assert (tmp_path / "target").read_text() == "mine"


def test_a_file_that_stays_is_named(features, capsys, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    assert main(["clear-cache", "--cache", str(features)]) == 1
    printed = capsys.readouterr()
    assert "features-1.sqlite: [Errno 13]" in printed.err and printed.out == ""


def test_no_folder_and_a_file_hold_no_cache(tmp_path):
    (tmp_path / "features-1.sqlite").touch()
    assert not any(cache_files(tmp_path / "gone").values())
    assert not any(cache_files(tmp_path / "features-1.sqlite").values())
