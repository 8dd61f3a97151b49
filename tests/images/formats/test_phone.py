"""HEIC and JPEG XL, made with their plug-ins."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from sklift.images import Reader

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (48, 64), dtype=np.uint8)
KINDS = {
    "HEIF": ("pillow_heif", "HEIC.*pillow-heif", {"quality": -1}),
    "JXL": ("pillow_jxl", "JPEG XL.*pillow-jxl-plugin", {"lossless": True}),
}


def made(kind):
    """The content of a file of a grey picture, without loss."""
    module = pytest.importorskip(KINDS[kind][0])
    if kind == "HEIF":
        module.register_heif_opener()
    stream = io.BytesIO()
    Image.fromarray(GREY).save(stream, kind, **KINDS[kind][2])
    return stream.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_a_plugin_is_registered_when_a_file_is_met(tmp_path, kind):
    content, path = made(kind), tmp_path / "x"
    path.write_bytes(content)
    expected = np.repeat(GREY[..., None], 3, axis=2)
    renamed = tmp_path / "x.jpg"
    renamed.write_bytes(content)
    for item in (path, content, renamed):
        np.testing.assert_array_equal(Reader().build([item])[0], expected)
    np.testing.assert_array_equal(
        Reader().build([content]).reduced(12)[0], Reader().build([expected]).reduced(12)[0]
    )
    code = (
        "import sys; from PIL import Image; from sklift.images import Reader\n"
        f"assert Reader().build([sys.argv[1]])[0].shape == (48, 64, 3) and {kind!r} in Image.OPEN"
    )
    subprocess.run([sys.executable, "-c", code, renamed], check=True, timeout=60)


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_plugin(monkeypatch, kind):
    content = made(kind)
    module, title, _ = KINDS[kind]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match=rf'X\[0\]: {title}.*"scikit-lift\[phone\]"'):
        Reader().build([content])[0]


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files(kind):
    with pytest.raises(ValueError, match=r"^X\[0\]: "):
        Reader().build([made(kind)[:60]])[0]
