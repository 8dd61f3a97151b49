"""Emoji pictures and captions for pre-training the embedded backbone.

The module downloads open-licence emoji vendors from the npm registry (with ``npm pack``),
rasterises their SVGs, and collects captions (names, short names, keywords). The result is one
``.npz`` per vendor plus ``captions.json``, in a folder of your choice, and is made only once.

OpenMoji, the vendor of :func:`sklift.datasets.load_emoji`, is never among the vendors here, and the
Unicode sub-group names, the classes of that data set, are never captions.
"""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from pathlib import Path

import numpy as np

# npm package -> (version, licence of the pictures)
VENDORS = {
    "@iconify-json/noto": ("1.2.9", "Apache-2.0"),
    "@iconify-json/noto-v1": ("1.2.5", "Apache-2.0"),
    "@iconify-json/twemoji": ("1.2.5", "CC-BY-4.0"),
    "@iconify-json/fluent-emoji": ("1.2.7", "MIT"),
    "@iconify-json/fluent-emoji-flat": ("1.2.6", "MIT"),
    "@iconify-json/emojione": ("1.2.3", "CC-BY-4.0"),
    "@iconify-json/fxemoji": ("1.2.2", "Apache-2.0"),
    "@iconify-json/fluent-emoji-high-contrast": ("1.2.6", "MIT"),
    "@iconify-json/emojione-monotone": ("1.2.1", "CC-BY-4.0"),
    "@iconify-json/streamline-emojis": ("1.2.4", "CC-BY-4.0"),
}
CAPTIONS = {"emoji-datasource-google": "16.0.0", "emojilib": "4.0.3", "emojibase-data": "17.0.0"}


def fetch(package: str, version: str, folder: Path) -> Path:
    """The unpacked npm package (downloaded once)."""
    target = folder / f"{package.strip('@').replace('/', '-')}-{version}"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        out = subprocess.run(
            ["npm", "pack", "--silent", f"{package}@{version}"],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        )
        archive = folder / out.stdout.strip().splitlines()[-1]
        partial = target.with_suffix(".partial")
        with tarfile.open(archive) as tar:
            # The PNG sheets of emoji-datasource are 70 MB and not needed: its emoji.json is.
            members = [m for m in tar if m.isfile() and not re.search(r"\.(png|gif)$", m.name)]
            tar.extractall(partial, members=members, filter="data")
        (partial / "package").rename(target)
        partial.rmdir()
        archive.unlink()
    return target


def bare(code: str) -> str:
    """A code-point sequence without variation selectors, upper case: '1F441-200D-1F5E8'."""
    return "-".join(c for c in code.upper().split("-") if c != "FE0F")


def words(text: str) -> str:
    """Lower-case words of letters and digits, single blanks: what the tokenizer sees."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def load_captions(folder: Path) -> dict[str, dict]:
    """Per emoji (bare code points): its names (the first is the main one) and its keywords."""
    base = json.loads(
        (
            fetch("emoji-datasource-google", CAPTIONS["emoji-datasource-google"], folder)
            / "emoji.json"
        ).read_text()
    )
    forbidden = {words(e["subcategory"]) for e in base}
    emojilib = json.loads(
        (fetch("emojilib", CAPTIONS["emojilib"], folder) / "dist/emoji-en-US.json").read_text()
    )
    emojilib = {bare("-".join(f"{ord(c):04X}" for c in k)): v for k, v in emojilib.items()}
    emojibase = json.loads(
        (fetch("emojibase-data", CAPTIONS["emojibase-data"], folder) / "en/data.json").read_text()
    )
    emojibase = {bare(e["hexcode"]): e for e in emojibase}
    captions = {}
    for e in base:
        code = bare(e["unified"])
        lib, cldr = emojilib.get(code, []), emojibase.get(code, {})
        names = [e["name"].lower(), *e["short_names"], *lib[:1], cldr.get("label", "")]
        if e["subcategory"] == "country-flag":  # "flag-eg" says nothing, "egypt flag" does
            names = [e["name"], cldr.get("label", ""), *lib[:1]]
        keywords = [*lib[1:], *(cldr.get("tags") or [])]
        names = list(dict.fromkeys(w for n in names if (w := words(n)) and w not in forbidden))
        keywords = list(
            dict.fromkeys(w for k in keywords if (w := words(k)) and w not in forbidden)
        )
        captions[code] = {"names": names or [words(e["name"])], "keywords": keywords}
    return captions


def _names_to_codes(folder: Path) -> dict[str, str]:
    """kebab-case name -> bare code points, from every open name list at hand."""
    table = {}
    base = fetch("emoji-datasource-google", CAPTIONS["emoji-datasource-google"], folder)
    for e in json.loads((base / "emoji.json").read_text()):
        for name in (*e["short_names"], e["name"]):
            table.setdefault(words(name).replace(" ", "-"), bare(e["unified"]))
    for package in ("noto", "twemoji", "fluent-emoji-flat"):
        name = f"@iconify-json/{package}"
        chars = fetch(name, VENDORS[name][0], folder) / "chars.json"
        for code, slug in json.loads(chars.read_text()).items():
            table[slug] = bare(code)
    return table


def render(svg: str, size: int) -> np.ndarray:
    """Render an SVG to (size, size, 4) uint8."""
    import io

    import resvg_py
    from PIL import Image

    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size))
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA").resize((size, size)))


def load_vendor(package: str, codes: set[str], folder: Path, size: int = 64) -> dict:
    """``codes`` (n,) str and ``pictures`` (n, size, size, 4) uint8 of one vendor."""
    cache = folder / f"{package.strip('@').replace('/', '-')}-{size}.npz"
    if not cache.exists():
        source = fetch(package, VENDORS[package][0], folder)
        icons = json.loads((source / "icons.json").read_text())
        table = _names_to_codes(folder)
        found: dict[str, np.ndarray] = {}
        for name, icon in icons["icons"].items():
            code = table.get(name)
            if code not in codes or code in found:
                continue
            w = icon.get("width", icons.get("width", 16))
            h = icon.get("height", icons.get("height", 16))
            svg = (
                '<svg xmlns="http://www.w3.org/2000/svg" '
                'xmlns:xlink="http://www.w3.org/1999/xlink" '
                f'viewBox="{icon.get("left", 0)} {icon.get("top", 0)} {w} {h}">{icon["body"]}</svg>'
            )
            try:
                found[code] = render(svg, size)
            except Exception as error:  # a broken icon is one picture fewer, and is named
                print(f"  {package}: {name} left out ({error})")
        partial = cache.with_suffix(".partial.npz")
        np.savez(partial, codes=np.array(list(found)), pictures=np.stack(list(found.values())))
        partial.rename(cache)
    with np.load(cache) as data:
        return dict(data)
