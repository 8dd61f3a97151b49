"""`sklift embed` and `sklift export`."""

from __future__ import annotations

import numpy as np

from sklift import ImageEmbedder, LiftClassifier


def test_features_are_those_of_the_embedder(sklift, damaged, tmp_path):
    file = tmp_path / "f.npz"
    done = sklift("embed", damaged, "-o", file, "--backbone", "emoji-tiny", "--projected", "True")
    assert done.status == 1 and "cut.png" in done.err
    with np.load(file) as held:
        paths, features = held["paths"].tolist(), held["features"]
    assert len(paths) == 24 and not any("cut" in path for path in paths)
    expected = ImageEmbedder("emoji-tiny", projected=True).fit_transform(paths)
    np.testing.assert_allclose(features, expected, atol=1e-5)


def test_features_of_nothing(sklift, damaged, tmp_path):
    bad = damaged / "blue square" / "cut.png"
    done = sklift("embed", bad, "-o", tmp_path / "f.npz", "--backbone", "emoji-tiny")
    assert done.status == 2 and "none of the pictures can be read" in done.err
    assert not (tmp_path / "f.npz").exists()


def test_the_program_is_that_of_the_model(sklift, model, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(
        LiftClassifier, "export", lambda self, path: written.append((self.tta, str(path)))
    )
    file = tmp_path / "p.PT2"
    assert sklift("export", model, "-o", file, "--tta", "fivecrop").status == 0
    assert written == [("fivecrop", str(file))]
    done = sklift("export", model, "-o", tmp_path / "p.tflite")
    assert done.status == 2 and "must end with .pt2 or .onnx" in done.err
