from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from PIL import Image

from sklift.datasets import load_darwin_core

HOST = "https://example.org"


def table(path, header, *rows):
    lines = ["\t".join(header), *("\t".join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    for name in ("example.org/p/1/large.jpg", "p/2/large.jpg", "fox.jpg"):
        path = tmp_path / "dwca" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 5)).save(path)
    table(
        tmp_path / "dwca" / "occurrence.txt",
        ("gbifID", "scientificName", "species", "locality"),
        ("11", "Vulpes vulpes (L., 1758)", "Vulpes vulpes", 'the "old mill'),  # one quote
        ("12", "Lynx Kerr, 1792", "", "x"),
        ("13", "Lynx lynx (L., 1758)", "Lynx lynx", "the mill"),
    )
    table(
        tmp_path / "dwca" / "multimedia.txt",
        ("gbifID", "type", "identifier"),
        ("11", "StillImage", f"{HOST}/p/1/large.jpg"),
        ("11", "StillImage", f"{HOST}/q/fox.jpg?size=large"),
        ("11", "Sound", f"{HOST}/call.mp3"),
        ("12", "StillImage", "fox.jpg"),
        ("13", "", f"{HOST}/p/2/large.jpg"),
    )
    return tmp_path / "dwca"


def load(folder, *args, **kwargs):
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        found = load_darwin_core(folder, *args, **kwargs)
    return found, [str(w.message) for w in record]


def names(photos, root):
    return [Path(path).relative_to(root).as_posix() for path in photos.data]


def test_species_and_occurrence_of_each_picture(folder):
    (folder / "multimedia.txt").write_text(
        (folder / "multimedia.txt").read_text().replace("12\tStillImage\tfox.jpg\n", "")
    )
    photos, (message,) = load(folder)
    assert names(photos, folder) == ["example.org/p/1/large.jpg", "fox.jpg", "p/2/large.jpg"]
    assert photos.target.tolist() == ["Vulpes vulpes", "Vulpes vulpes", "Lynx lynx"]
    assert photos.groups.tolist() == ["11", "11", "13"] and photos.split is None
    assert list(photos.left_out.values()) == ["a type that is no picture: Sound"]
    assert "1 with a type that is no picture" in message
    X, y = load(folder, return_X_y=True)[0]
    assert X.tolist() == photos.data.tolist() and y.tolist() == photos.target.tolist()


def test_other_columns(folder):
    photos, _ = load(folder, label="scientificName", group="locality")
    assert photos.target[0] == "Vulpes vulpes (L., 1758)" and photos.groups[0] == 'the "old mill'


def test_what_was_identified_to_the_genus_only_has_no_label(folder):
    photos, _ = load(folder)  # two media rows are one file, of fox and of no species
    assert names(photos, folder) == ["example.org/p/1/large.jpg", "p/2/large.jpg"]
    assert photos.left_out[str(folder / "fox.jpg")] == "no label"


def test_a_last_name_that_addresses_share_means_no_file(folder):
    table(
        folder / "multimedia.txt",
        ("gbifID", "identifier"),
        ("11", f"{HOST}/3/fox.jpg"),
        ("13", f"{HOST}/4/fox.jpg"),
        ("13", f"{HOST}/p/2/large.jpg"),
    )
    photos, _ = load(folder)
    assert names(photos, folder) == ["p/2/large.jpg"]
    assert sorted(photos.left_out.values()) == ["no file", "no file"]


def test_files_named_by_a_column(folder):
    for key in ("11", "13"):
        Image.new("RGB", (6, 5)).save(folder / "p" / f"{key}.jpg")
    photos, _ = load(folder, folder / "p", path="gbifID")
    assert names(photos, folder / "p") == ["11.jpg", "13.jpg"]
    (folder / "multimedia.txt").unlink()
    assert names(load(folder, folder / "p", path="gbifID")[0], folder / "p") == ["11.jpg", "13.jpg"]


def test_addresses_in_the_table_of_occurrences(folder):
    (folder / "multimedia.txt").unlink()
    table(
        folder / "occurrence.txt",
        ("occurrenceID", "scientificName", "associatedMedia"),
        ("a", "Vulpes vulpes", f"{HOST}/p/1/large.jpg | {HOST}/fox.jpg"),
        ("b", "Lynx lynx", "p/2/large.jpg"),
    )
    photos, _ = load(folder)
    assert photos.groups.tolist() == ["a", "a", "b"] and photos.target[2] == "Lynx lynx"


@pytest.mark.parametrize(
    ("own", "theirs"), [("id", "coreid"), ("id", "id"), ("occurrenceID", "occurrenceID")]
)
def test_tables_of_other_publishers(folder, own, theirs):
    for name in ("occurrence.txt", "multimedia.txt"):
        (folder / name).unlink()
    (folder / "Observations.csv").write_text(f'{own},species\n1,"Lynx, lynx"\n2,Fox\n')
    (folder / "media.csv").write_text(f"{theirs},type,identifier\n1,StillImage,fox.jpg\n")
    photos, _ = load(folder)
    assert photos.target.tolist() == ["Lynx, lynx"] and photos.groups.tolist() == ["1"]


@pytest.mark.parametrize("address", ["../secret.jpg", "/etc/passwd", f"{HOST}/../../secret.jpg"])
def test_paths_that_lead_elsewhere_are_refused(folder, address):
    Image.new("RGB", (6, 5)).save(folder.parent / "secret.jpg")
    table(folder / "multimedia.txt", ("gbifID", "identifier"), ("11", address))
    with pytest.raises(ValueError, match=r"gbifID 11: .* is not below"):
        load(folder)


def test_what_is_no_address_is_named(folder):
    table(folder / "multimedia.txt", ("gbifID", "identifier"), ("11", "https://[host/fox.jpg"))
    with pytest.raises(ValueError, match=r"gbifID 11: 'https://\[host/fox\.jpg' is no address"):
        load(folder)


def test_what_is_missing_is_named(folder):
    with pytest.raises(FileNotFoundError, match="unpacked Darwin Core archive; got"):
        load(folder / "gone")
    with pytest.raises(FileNotFoundError, match=r"there is no occurrence\.txt in"):
        load(folder / "p")
    with pytest.raises(
        ValueError, match=r"label='genus' is no column of .* it has gbifID, scientific"
    ):
        load(folder, label="genus")
    with pytest.raises(ValueError, match="group='site' is no column"):
        load(folder, group="site")
    with pytest.raises(ValueError, match="path='file' is no column"):
        load(folder, path="file")
    (folder / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="none of the"):
        table(folder / "multimedia.txt", ("gbifID", "identifier"), ("11", f"{HOST}/gone.jpg"))
        load(folder, folder / "empty")
    table(folder / "multimedia.txt", ("key", "identifier"), ("11", "fox.jpg"))
    with pytest.raises(ValueError, match="no column of ids in common"):
        load(folder)
    table(folder / "occurrence.txt", ("gbifID", "species"), ("11", "a"), ("11", "b"))
    table(folder / "multimedia.txt", ("gbifID", "identifier"), ("11", "fox.jpg"))
    with pytest.raises(ValueError, match="has several rows of one gbifID"):
        load(folder)
