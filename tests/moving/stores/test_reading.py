"""Other tools' files are read with limits."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ringlet_py.moving.stores.reading import Unread, below, read

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\xff\n")
    assert read(str(tmp_path / "f")) == b"\xff\n"


@pytest.mark.parametrize("path", ["missing", "file/inside"])
def test_a_file_that_is_not_there_is_told_apart(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError):
        read(str(tmp_path / path))


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, "/dev/zero"):
        with pytest.raises(Unread, match=r"not a regular file|Is a directory"):
            read(str(path))


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 101)
    assert len(read(str(tmp_path / "large"), most=101)) == 101
    with pytest.raises(Unread, match="larger than 100 bytes"):
        read(str(tmp_path / "large"), most=100)


def test_a_name_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(Unread, match="cannot be one"):
        read("a\0b")


def test_the_files_below_a_folder_are_told_in_order_without_what_tools_make(tmp_path: Path) -> None:
    for name in ("b/2", "b/c/3", "a", ".git/config", "node_modules/x/.env", "z/.env"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path / "b")

    told = [os.path.relpath(path, tmp_path) for path in below(str(tmp_path))]

    assert told == ["a", "link", "b/2", "b/c/3", "z/.env"]
    assert [os.path.relpath(path, tmp_path) for path in below(str(tmp_path), deepest=0)] == ["a", "link"]


def test_a_folder_that_is_not_there_has_no_files() -> None:
    assert list(below("/nowhere/at/all")) == []
