"""Files that are damaged, malicious, of another kind or of another version."""

from __future__ import annotations

import errno
import json
import os
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier
from sklift._persistence import _file
from sklift._store import _atomic
from sklift._store._atomic import replace_file
from sklift.heads import Cosine

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def valid(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("valid") / "model"
    fitted.save(path)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def parts(data):
    """Content without its checksum, and tensors."""
    n = int.from_bytes(data[:8], "little")
    content = json.loads(json.loads(data[8 : 8 + n])["__metadata__"]["sklift"])
    del content["sha256"]
    return content, load(data)


def forge(path, content, tensors):
    """A file whose checksum is right."""
    text = json.dumps({"sha256": _file._checksum(content, tensors), **content})
    path.write_bytes(save(tensors, {"sklift": text}))


def refused(path, match, cls=LiftClassifier, **kwargs):
    with pytest.raises(ValueError, match=match) as caught:
        cls.load(path, **kwargs)
    assert path.name in str(caught.value)


def header(text):
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "no safetensors file"),
        (b"\x80\x05N.", "no safetensors file"),
        (b"PK\x03\x04" + bytes(100), "no safetensors file"),
        (b"\xff" * 16, r"header should have 18446744073709551615 bytes, more than the 90000000"),
        ((1 << 20).to_bytes(8, "little") + b"{}", "cut off: 1048584 bytes of header, 10 in"),
        (header(b"{}"), "no saved estimator: it lacks the metadata"),
        (header(b"[]"), "damaged, or no safetensors file"),
        (header(b"{" * 5000), "damaged, or no safetensors file"),
        (save({"a": torch.zeros(1)}, {"format": "pt"}), "no saved estimator"),
        (save({}, {"sklift": "{"}), "can't load"),
        (save({}, {"sklift": "[" * 100_000}), "can't load"),
        (save({}, {"sklift": "[]"}), "its metadata has no format"),
        (save({}, {"sklift": '{"format": true}'}), "its metadata has no format"),
        (save({}, {"sklift": '{"format": 0}'}), "there is no format 0"),
        (save({}, {"sklift": '{"format": NaN}'}), "NaN is no JSON"),
        (save({}, {"sklift": '{"format": 1' + "0" * 10_000 + "}"}), "can't load"),
        (
            save({}, {"sklift": '{"format": 2, "versions": {"scikit-lift": "7.1"}}'}),
            r"format 2, written by scikit-lift 7\.1; this version reads up to format 1: upgrade",
        ),
    ],
)
def test_what_is_no_file_of_ours(path, data, match):
    path.write_bytes(data)
    refused(path, match)


def test_no_file_at_all(path):
    with pytest.raises(FileNotFoundError, match=r"no file .*model\.safetensors"):
        LiftClassifier.load(path)
    with pytest.raises(FileNotFoundError, match="no file"):
        LiftClassifier.load(path.parent)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(path):
    os.mkfifo(path)
    with pytest.raises(FileNotFoundError, match="no file"):
        LiftClassifier.load(path)


def test_every_truncation_is_refused(path, valid):
    n_header = int.from_bytes(valid[:8], "little")
    cuts = [*range(12), 8 + n_header // 2, 8 + n_header, len(valid) // 2, len(valid) - 1]
    for cut in cuts:
        path.write_bytes(valid[:cut])
        refused(path, r"no safetensors file|cut off|damaged")


def test_more_bytes_than_expected(path, valid):
    path.write_bytes(valid + b"\0")
    refused(path, "damaged")


@pytest.mark.parametrize("where", [0.3, 0.6, 0.999])
def test_a_flipped_bit_in_a_weight(path, valid, where):
    n_header = 8 + int.from_bytes(valid[:8], "little")
    data = bytearray(valid)
    data[n_header + int(where * (len(data) - n_header))] ^= 1
    path.write_bytes(data)
    refused(path, "does not match its checksum")


def test_a_changed_parameter(path, valid):
    data = valid.replace(b'\\"accumulate\\":1', b'\\"accumulate\\":2')
    assert data != valid
    path.write_bytes(data)
    refused(path, "does not match its checksum")


def test_another_estimator(path, valid):
    path.write_bytes(valid)
    refused(path, r"holds a LiftClassifier: load it with LiftClassifier\.load", ImageEmbedder)


def change(content, where, value):
    *keys, last = where.split("/")
    for key in keys:
        content = content[int(key) if isinstance(content, list) else key]
    if value is ...:
        del content[last]
    else:
        content[last] = value


RECIPE = {"recipe": "adaptformer", "params": {"rank": 10**9}}


@pytest.mark.parametrize(
    ("where", "value", "match"),
    [
        ("params", ..., "no usable section 'params'"),
        ("fitted", [], "no usable section 'fitted'"),
        ("params/color", 1, r"LiftClassifier has no parameters \['color'\]; it was saved by"),
        ("params/batch_size", "8", "'batch_size' parameter of LiftClassifier must be"),
        ("params/lr", {"float": "inf"}, "lr"),
        ("params/max_epochs", 1.5, "max_epochs"),
        ("params/lr", {"float": "1"}, "no value that can be saved"),
        ("params/adapter", {"recipe": "os.system", "params": {}}, "recipe 'os.system'.*not known"),
        ("params/adapter", {"own_recipe": "Popen", "params": {}}, "'Popen', which is not known"),
        ("params/adapter", {"recipe": "lora", "params": {"x": 1}}, "unexpected keyword.*'x'"),
        ("params/adapter", {"recipe": "lora"}, "no value that can be saved"),
        ("params/adapter", {"class": "os.system"}, "no value that can be saved"),
        ("params/prompts", {"range": [0, 10**12, 1]}, "no value that can be saved"),
        ("params/device", {"device": "toaster"}, "no device"),
        ("fitted/classes_", ["a", "b", "c"], "classes are no vector"),
        ("fitted/classes_", ..., "can't load"),
        ("fitted/classes_/array", ["a"], r"tensor 'head.weight' is \(3, 192\), expected \(1"),
        ("fitted/classes_/dtype", "<U3", "can't have the type <U3"),
        ("fitted/classes_/dtype", "<U9999999", "arrays of text take more than 67108864 bytes"),
        ("fitted/classes_/dtype", "<i8", "holds something else"),
        ("fitted/classes_/dtype", "object", "no type of an array"),
        ("fitted/class_counts_/array", [1, 2.5, 3], "holds something else"),
        ("fitted/class_counts_/array", [1, 2], "'class_counts_' does not have a number for each"),
        ("fitted/implied_prior_", None, "'implied_prior_' does not have a number for each class"),
        ("fitted/class_counts_/array", [1, 10**30, 3], "can't load"),
        ("fitted/class_counts_", {"tensor": "none"}, "can't load"),
        ("fitted/predict", 1, "'predict' is no fitted attribute"),
        ("fitted/__class__", 1, "'__class__' is no fitted attribute"),
        ("fitted/lr", 1, "'lr' is no fitted attribute"),
        ("fitted/model_", 1, "'model_' is no fitted attribute"),
        ("fitted/adapter_", RECIPE, "larger than the weights in the file"),
        ("fitted/adapter_/params/rank", 2, "tensor .* expected"),
        ("fitted/adapter_/params/rank", 10**30, "can't load"),
        ("fitted/adapter_", None, "trained tensors differ"),
        ("fitted/head_/recipe", "adaptformer", "can't load"),
        ("fitted/head_/recipe", "linear", "can't load"),
        ("model", ..., "tensors that belong to nothing"),
        ("model/dtype", "float64", "float64 can't share a tower of float32"),
        ("backbone/checksum", "0" * 64, "weights of backbone emoji-tiny differ"),
        ("backbone/checksum", 5, "weights of backbone emoji-tiny differ"),
        ("backbone/preprocess/size", 41, "takes other pictures"),
        ("backbone/name", "ViT-Z-99", "backbone 'ViT-Z-99' .* can't be loaded"),
        ("backbone/name", None, "can't load"),
        ("backbone/name", "precomputed", "can't load"),
        ("backbone/params", {"dict": [["size", 10**9]]}, "'emoji-tiny' has no settings"),
        ("backbone/pretrained", "/etc/passwd", "brings its weights"),
        ("backbone/recipe", {"own_recipe": "Popen", "params": {}}, "'Popen', which is not known"),
        ("backbone/recipe", {"recipe": "lora", "params": {}}, "a recipe with a 'load' method"),
        ("backbone/recipe", {"recipe": "open_clip", "params": {"name": "emoji"}}, "unknown backb"),
        ("backbone/recipe", None, "backbone emoji-tiny is a module"),
        ("params/backbone", {"own_recipe": "Popen", "params": {}}, "'Popen', which is not known"),
        ("params/backbone", {"recipe": "timm", "params": {"x": 1}}, "unexpected keyword.*'x'"),
        ("params/backbone", 3, "'backbone' parameter"),
    ],
)
def test_forged_content(path, valid, where, value, match):
    content, tensors = parts(valid)
    change(content, where, value)
    forge(path, content, tensors)
    refused(path, match)


@pytest.mark.parametrize(
    ("name", "tensor", "match"),
    [
        ("model.head.weight", None, r"trained tensors differ: \['head.weight'\]"),
        ("model.more", torch.zeros(1), r"trained tensors differ: \['more'\]"),
        ("more", torch.zeros(1), r"tensors that belong to nothing: \['more'\]"),
        (
            "model.head.weight",
            torch.zeros(3, 191),
            r"'head.weight' is \(3, 191\), expected \(3, 192",
        ),
        ("model.head.weight", torch.zeros(3, 192).double(), "'head.weight' is torch.float64"),
    ],
)
def test_forged_tensors(path, valid, name, tensor, match):
    content, tensors = parts(valid)
    tensors.pop(name, None)
    forge(path, content, tensors if tensor is None else tensors | {name: tensor})
    refused(path, match)


@pytest.mark.parametrize("position", [-1, 10**9])
def test_positions_outside_of_a_matrix(quick, shapes, path, position):
    quick(adapter="sparse", max_epochs=1).fit(*shapes).save(path)
    content, tensors = parts(path.read_bytes())
    name = next(name for name, tensor in tensors.items() if tensor.dtype == torch.int64)
    tensors[name][0] = position
    forge(path, content, tensors)
    refused(path, "outside of a matrix")


def test_a_forged_size_takes_no_memory(path, valid):
    content, tensors = parts(valid)
    content["fitted"]["adapter_"]["params"]["rank"] = 10**9
    forge(path, content, tensors)
    before = peak_memory()
    refused(path, "larger than the weights")
    assert peak_memory() - before < 200e6


def test_a_forged_number_of_features_takes_no_memory(path):
    """The whitening matrix of the head has their square."""
    rng = np.random.default_rng(0)
    clf = LiftClassifier("precomputed", max_epochs=1, random_state=0)
    clf.fit(rng.normal(size=(12, 6)), np.arange(12) % 3).save(path)
    content, tensors = parts(path.read_bytes())
    assert "model.head.whitening" in tensors
    content["backbone"]["params"] = {"dict": [["n_features", 20_000]]}
    forge(path, content, tensors)
    before = peak_memory()
    refused(path, "larger than the weights")
    assert peak_memory() - before < 200e6


def peak_memory():
    resource = pytest.importorskip("resource")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def test_what_is_too_large_is_refused_when_it_is_saved(fitted, path, monkeypatch):
    monkeypatch.setattr(_file, "MAX_HEADER", 1000)
    with pytest.raises(ValueError, match=r"model\.safetensors.*at most 1000 fit"):
        fitted.save(path)
    assert not path.exists()


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file(fitted, path, monkeypatch, failing):
    path.write_bytes(b"old")

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_atomic.os, failing, full)
    with pytest.raises(OSError, match="No space left"):
        fitted.save(path)
    assert path.read_bytes() == b"old"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_file_is_replaced_whole(path):
    replace_file(path, b"old")
    with open(path, "rb") as reader:
        replace_file(path, b"new, and longer")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new, and longer"


def test_permissions_are_those_of_a_new_file(path, tmp_path):
    (tmp_path / "other").touch()
    replace_file(path, b"")
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_file_of_format_1_is_read():
    """Written by scikit-lift 0.1 after a fit on `shapes`; it stays here and must load for ever."""
    X = np.random.default_rng(7).integers(0, 256, (4, 40, 40, 3), dtype=np.uint8)
    loaded = LiftClassifier.load(DATA / "format1.safetensors")
    assert loaded.classes_.tolist() == ["blue square", "green circle", "red triangle"]
    assert loaded.adapter_.get_params() == {"layers": 2, "rank": 1, "scale": 1.0}
    assert loaded.class_counts_.tolist() == [12, 8, 4]
    expected = json.loads((DATA / "format1.json").read_text(encoding="utf-8"))
    np.testing.assert_allclose(loaded.decision_function(X), expected, atol=2e-3)


@pytest.mark.parametrize("where", ["fitted", "params"])
def test_many_wide_texts_take_no_memory(path, valid, where):
    content, tensors = parts(valid)
    wide = {"array": ["a"], "dtype": "<U9999999"}
    content[where]["init_" if where == "fitted" else "classes"] = [wide] * 200
    forge(path, content, tensors)
    before = peak_memory()
    refused(path, "more than 67108864 bytes")
    assert peak_memory() - before < 100e6


def test_names_that_could_not_be_read_are_not_saved(path):
    names = np.array(["x" * 200_000, *map(str, range(99))])
    clf = LiftClassifier("precomputed", init="class_mean", max_epochs=1, random_state=0)
    with pytest.warns(
        UserWarning, match="save will refuse it: its arrays.*names are too long"
    ) as seen:
        clf.fit(np.eye(100), names)
    said = next(warning for warning in seen if "save will refuse" in str(warning.message))
    assert said.filename == __file__
    with pytest.raises(ValueError, match="names are too long"):
        clf.save(path)
    assert not path.exists()


def test_many_descriptions_are_saved(path):
    names = [f"kind {i}" for i in range(1000)]
    prompts = {name: ["x" * 200] * 60 for name in names}
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*save will refuse")
        clf = LiftClassifier(
            "precomputed", init="class_mean", max_epochs=1, random_state=0, prompts=prompts
        ).fit(np.random.default_rng(0).normal(size=(1000, 4)), names)
    clf.save(path)
    assert path.stat().st_size > 12_000_000
    assert LiftClassifier.load(path).prompts == prompts


class Scaled(Cosine):
    """A head that no file can hold."""

    def __init__(self, scale=20.0, factor=None):
        super().__init__(scale=scale)
        self.factor = factor


def test_fit_knows_what_save_will_refuse(path, monkeypatch):
    X, y = np.eye(6), [*"aabbcc"]
    make = partial(LiftClassifier, "precomputed", max_epochs=1, random_state=0)
    with pytest.warns(UserWarning, match=r"save will refuse it: params\.head\.factor .*no plain"):
        clf = make(head=Scaled(factor=len)).fit(X, y)
    with pytest.raises(TypeError, match=r"params\.head\.factor"):
        clf.save(path)
    monkeypatch.setattr("sklift._persistence._file.MAX_HEADER", 6_000)
    prompts = {label: [f"{label} {i}" for i in range(300)] for label in "abc"}
    with pytest.warns(UserWarning, match=r"save will refuse it: .*, at most 6000 fit"):
        clf = make(prompts=prompts).partial_fit(X, y, classes=y[::2])
    with pytest.raises(ValueError, match="at most 6000 fit"):
        clf.save(path)
    with pytest.warns(UserWarning, match=r"save will refuse it: .*, at most 6000 fit"):
        ZeroShotClassifier("emoji-tiny", prompts=prompts).fit(None, y)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*save will refuse")
        make(prompts={label: [f"{label} 0"] for label in "abc"}).fit(X, y).save(path)
