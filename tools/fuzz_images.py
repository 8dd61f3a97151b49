"""Fuzzing of the decoder: damaged picture files decode, or are refused with a ValueError.

    python tools/fuzz_images.py --n 5000 --seed 0

Bytes of small valid PNG, JPEG, GIF, TIFF, WebP and BMP files are changed, cut out and inserted
(half of the PNG files then get checksums that fit), and the file is read as ``fit`` and ``predict``
read it; libtiff comments on that on the standard error. What is decoded must be (height, width, 3)
uint8; an error must be a ValueError or FileNotFoundError that names the file, and the look at the
first bytes must not refuse what can be decoded. The exit status is 1 if anything else happened, a
file took longer than ten seconds, or the memory grew by more than ``--memory`` MiB. Pictures may
have ``--pixels`` pixels: damage to the size in a header can ask for any number, and one picture of
Pillow's own limit, 179 million, takes half a gigabyte.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import random
import resource
import signal
import sys
import tempfile
import traceback
import warnings
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from sklift.images._decode import check_file, read, read_reduced

SECONDS = 10


def originals() -> list[tuple[str, bytes]]:
    """(suffix, bytes) of valid files of several formats, modes and ways of compression."""
    rng = np.random.default_rng(0)
    smooth = np.add.outer(np.arange(24), np.arange(32)).astype(np.uint8) * 4
    rgb = Image.fromarray(np.stack([smooth, smooth.T.reshape(24, 32), smooth], -1))
    rgba = rgb.copy()
    rgba.putalpha(Image.fromarray(rng.integers(0, 256, (24, 32), np.uint8)))
    deep = Image.fromarray(rng.integers(0, 65536, (24, 32), np.uint16))
    exif = Image.Exif()
    exif[0x0112] = 6
    made = [
        (rgb, "png", {}),
        (rgba, "png", {}),
        (rgb.convert("P"), "png", {"transparency": 3}),
        (deep, "png", {}),
        (rgb.convert("1"), "png", {}),
        (rgb, "jpg", {"exif": exif}),
        (rgb, "jpg", {"progressive": True, "subsampling": 0}),
        (rgb.convert("CMYK"), "jpg", {}),
        (rgb.convert("L"), "jpg", {}),
        (rgb, "gif", {"save_all": True, "append_images": [rgba.convert("RGB")]}),
        (rgba, "gif", {}),
        (rgb, "tiff", {}),
        (rgb, "tiff", {"compression": "tiff_lzw"}),
        (rgb, "tiff", {"compression": "jpeg"}),
        (deep, "tiff", {"compression": "tiff_deflate"}),
        (rgb, "webp", {}),
        (rgba, "webp", {"lossless": True}),
        (rgb, "bmp", {}),
        (rgb.convert("P"), "bmp", {}),
    ]
    found = []
    for image, suffix, settings in made:
        content = io.BytesIO()
        image.save(content, {"jpg": "jpeg"}.get(suffix, suffix), **settings)
        found.append((suffix, content.getvalue()))
    return found


def damage(data: bytes, draw: random.Random) -> bytes:
    """A few random changes of bytes; the header gets as many as the rest."""
    data = bytearray(data)
    for _ in range(draw.choice([1, 1, 2, 3, 8])):
        if not data:
            break
        end = draw.choice([min(64, len(data)), len(data)])
        i, length = draw.randrange(end), draw.choice([1, 1, 2, 4, 50])
        kind = draw.randrange(7)
        if kind == 0:
            data[i] ^= 1 << draw.randrange(8)
        elif kind == 1:
            data[i : i + length] = draw.randbytes(length)
        elif kind == 2:
            data[i : i + length] = draw.choice([b"\0", b"\xff", b"\x7f"]) * length
        elif kind == 3:
            data[i:i] = draw.randbytes(length)
        elif kind == 4:
            del data[i : i + length]
        elif kind == 5:
            data[i:i] = data[i : i + length]
        else:
            del data[i:]
    return bytes(data)


def mend(data: bytes) -> bytes:
    """A PNG whose chunks have the checksums that belong to them, so that they are looked into."""
    mended, i = bytearray(data), 8
    while i + 12 <= len(data):
        end = i + 8 + int.from_bytes(data[i : i + 4], "big")
        if end + 4 <= len(data):
            mended[end : end + 4] = zlib.crc32(data[i + 4 : end]).to_bytes(4, "big")
        i = end + 4
    return bytes(mended)


def attempt(path: Path) -> str:
    """Return the outcome of one file, in a word."""
    signal.alarm(SECONDS)
    try:
        refused_at_once = _refused(check_file, path)
        refused = _refused(read, path) or _refused(read_half, path)
    except TimeoutError:
        return "HANGS"
    except Exception:
        return f"ESCAPES: {traceback.format_exc(limit=-3)}"
    finally:
        signal.alarm(0)
    if refused_at_once and not refused:
        return "CONTRADICTS: refused at the first bytes, but it can be decoded"
    return refused or "decoded"


def read_half(path: Path) -> np.ndarray:
    """The picture at half its size, where that is a whole number."""
    return read(path) if any(side % 2 for side in check_file(path).size) else read_reduced(path, 2)


def _refused(look, path: Path) -> str:
    """An empty text if the file is taken, else a word that says why not."""
    try:
        image = look(path)
    except (ValueError, FileNotFoundError) as error:
        return "refused" if str(path) in str(error) else f"UNNAMED: {error}"
    if look is not check_file and not (image.dtype == np.uint8 and image.shape[2:] == (3,)):
        return f"WRONG: {image.dtype} {image.shape}"
    return ""


def memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def on_alarm(*_):
    raise TimeoutError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=5000, help="number of inputs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pixels", type=int, default=1 << 22, help="largest picture")
    parser.add_argument("--memory", type=int, default=256, help="largest growth in MiB")
    arguments = parser.parse_args()
    faulthandler.enable()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, on_alarm)
    Image.MAX_IMAGE_PIXELS = arguments.pixels // 2  # Pillow refuses twice as many
    counts: dict[str, Counter] = {}
    with tempfile.TemporaryDirectory() as folder:
        valid = originals()
        for suffix, data in valid:
            path = Path(folder) / f"valid.{suffix}"
            path.write_bytes(data)
            read(path)
        before = memory()
        for i in range(arguments.n):
            draw = random.Random(f"{arguments.seed}-{i}")
            suffix, data = draw.choice(valid)
            path = Path(folder) / f"input.{suffix}"
            data = damage(data, draw)
            path.write_bytes(mend(data) if suffix == "png" and draw.random() < 0.5 else data)
            outcome = attempt(path)
            counts.setdefault(suffix, Counter())[outcome.partition(":")[0]] += 1
            if outcome not in ("refused", "decoded"):
                print(f"input {i} ({suffix}): {outcome}", flush=True)
        growth = memory() - before
    for suffix, count in sorted(counts.items()):
        print(f"{suffix}: {sum(count.values())} inputs, {dict(sorted(count.items()))}")
    print(f"{arguments.n} inputs; peak memory grew by {growth >> 20} MiB")
    clean = all(set(count) <= {"refused", "decoded"} for count in counts.values())
    return 0 if clean and growth <= arguments.memory << 20 else 1


if __name__ == "__main__":
    sys.exit(main())
