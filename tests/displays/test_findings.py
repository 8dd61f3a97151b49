"""FindingsReport: a page that shows the pictures of each fault, and nothing that acts."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from sklift.datasets import check_images
from sklift.displays import FindingsReport

EVIL = '<script>alert("1")</script>'


@pytest.fixture(scope="module")
def found():
    X = np.random.default_rng(0).integers(0, 255, (9, 40, 40, 3), dtype=np.uint8)
    X[3], X[5] = X[0], X[0]
    X[7] = 90
    y = ["ant", "ant", "ant", EVIL, EVIL, EVIL, EVIL, EVIL, "lynx"]
    parts = [EVIL] * 9
    return X, FindingsReport.from_images(X, y, split=parts, title=EVIL)


def test_the_page_shows_each_picture_with_what_is_said_of_it(found):
    X, page = found
    html = page.to_html()
    assert "<script" not in html and html.count("&lt;script&gt;") == 2 + 3 + 4
    assert html.count("<figure>") == html.count('src="data:image/jpeg;base64,') == 4
    assert html.index("severity error") < html.index("severity warning")
    for words in (
        "X[0]",
        "X[3]",
        "X[5]",
        "X[7]",
        "blank (1)",
        "lynx",
        "Found: 1 kind of errors, 2",
    ):
        assert words in html
    first = html.split("data:image/jpeg;base64,")[1].split('"')[0]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(first))), dtype=int)
    assert abs(shown.mean() - X[0].mean()) < 3 and shown.shape == (40, 40, 3)
    assert "the same picture in several classes" in str(page) and page._repr_html_().startswith(
        "<if"
    )


def test_a_page_of_a_table_shows_the_first_faults_and_tells_of_the_others(found, tmp_path):
    X = [*found[0], *np.full((5, 40, 40, 3), 9, np.uint8)]
    table = check_images(X, output="dataframe")
    page = FindingsReport.from_table(X, table, n_shown=2, lead="Some pictures.")
    page.save(tmp_path / "check.html")
    html = (tmp_path / "check.html").read_text(encoding="utf-8")
    assert "Some pictures. Found" in html and "blank (6)" in html and "... and 4 more" in html
    assert html.count("<figure>") == 3 + 2
    assert "nothing to complain of" in FindingsReport.from_images(X[:3]).to_html()


def test_what_cannot_be_read_is_listed_without_a_picture(tmp_path):
    (tmp_path / "cut.png").write_bytes(b"no picture")
    page = FindingsReport.from_images([str(tmp_path / "cut.png")])
    assert page.thumbnails == {} and "no picture that Pillow reads" in page.to_html()
