"""Folders and files that nobody else can lead elsewhere."""

from __future__ import annotations

import os
import warnings

import pytest

from sklift._store._private import make_folder, open_file, size_of, warn_if_open

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="modes say little here")


@pytest.fixture(autouse=True)
def _each_is_told_anew():
    warn_if_open.cache_clear()


def test_a_new_folder_is_for_its_owner(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_folder(tmp_path / "a" / "b")
        make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o1777, 0o702])
def test_a_folder_that_others_can_write_to(tmp_path, mode):
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.warns(UserWarning, match=f"others can write .*mode is {mode:04o}.*chmod 700"):
        make_folder(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # once is enough
        make_folder(folder)
    assert folder.stat().st_mode & 0o7777 == mode  # it is not ours to change


def test_a_folder_of_somebody_else(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 4321)
    found = os.stat_result([0o40755, 0, 0, 1, 1234, 0, 0, 0, 0, 0])
    monkeypatch.setattr(os, "stat", lambda path, **kwargs: found)
    with pytest.warns(UserWarning, match="belongs to somebody else"):
        warn_if_open(tmp_path)


class TestFiles:
    @pytest.fixture
    def mine(self, tmp_path):
        """A file that nothing may touch."""
        mine = tmp_path / "mine"
        mine.write_bytes(b"precious")
        yield mine
        assert mine.read_bytes() == b"precious"

    @pytest.mark.parametrize("mode", ["rb", "r+b", "xb"])
    def test_links_are_not_followed(self, tmp_path, mine, mode):
        (tmp_path / "link").symlink_to(mine)
        with pytest.raises(OSError):
            open_file(tmp_path / "link", mode)
        assert size_of(tmp_path / "link") == -1

    def test_a_dangling_link_makes_no_file(self, tmp_path):
        (tmp_path / "link").symlink_to(tmp_path / "nowhere")
        with pytest.raises(OSError):
            open_file(tmp_path / "link", "xb")
        assert not (tmp_path / "nowhere").exists()

    def test_another_name_of_a_file_is_not_written_to(self, tmp_path, mine):
        os.link(mine, tmp_path / "other")
        with pytest.raises(OSError, match="another name"):
            open_file(tmp_path / "other", "r+b")
        with open_file(tmp_path / "other", "rb") as file:
            assert file.read() == b"precious"

    @pytest.mark.parametrize("mode", ["rb", "r+b"])
    def test_a_pipe_is_not_waited_for(self, tmp_path, mode):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OSError, match="no regular file"):
            open_file(tmp_path / "pipe", mode)

    def test_regular_files(self, tmp_path):
        with open_file(tmp_path / "a", "xb") as file:
            file.write(b"12345678")
        with open_file(tmp_path / "a", "r+b") as file:
            file.seek(4)
            file.write(b"ab")
        with open_file(tmp_path / "a", "rb") as file:
            assert file.read() == b"1234ab78"
        assert size_of(tmp_path / "a") == 8 and size_of(tmp_path / "b") == -1
