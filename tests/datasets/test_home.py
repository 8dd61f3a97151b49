from __future__ import annotations

from pathlib import Path

from sklift.datasets import get_data_home


def test_the_argument_wins_over_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SKLIFT_DATA", str(tmp_path / "environment"))
    assert get_data_home(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert get_data_home() == tmp_path / "environment"
    assert (tmp_path / "a" / "b").is_dir() and (tmp_path / "environment").is_dir()


def test_the_default_is_in_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("SKLIFT_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert get_data_home() == Path(tmp_path) / ".cache" / "sklift"
