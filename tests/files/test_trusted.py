from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ringlet_py.errors import ConfigError, InsecurePermissions
from ringlet_py.files.trusted import read_trusted

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_of_ours_is_read_without_its_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\xef\xbb\xbfa = 1\n")

    assert read_trusted(str(tmp_path / "f")) == "a = 1\n"


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "f").touch()
    (tmp_path / "f").chmod(mode)

    with pytest.raises(InsecurePermissions) as raised:
        read_trusted(str(tmp_path / "f"))
    assert raised.value.hint == f"chmod go-w {tmp_path}/f"


def test_a_link_to_a_file_that_others_can_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").touch()
    (tmp_path / "real").chmod(0o666)
    (tmp_path / "f").symlink_to("real")

    with pytest.raises(InsecurePermissions):
        read_trusted(str(tmp_path / "f"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    os.chown(tmp_path / "f", 65534, 65534)

    with pytest.raises(InsecurePermissions, match="belongs to user 65534") as raised:
        read_trusted(str(tmp_path / "f"))
    assert raised.value.hint == "run it without sudo, as user 65534"


@pytest.mark.skipif(os.name != "posix", reason="users have numbers on POSIX")
def test_somebody_elses_file_behind_a_link_is_not_to_be_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, link = tmp_path / "real", tmp_path / "f"
    real.touch()
    link.symlink_to(real)
    owner = real.stat().st_uid
    if owner == 0:
        os.chown(real, 65534, -1)
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    for path, hint in ((link, f"ls -lL {link}"), (real, f"sudo chown {owner + 1} {real}")):
        with pytest.raises(InsecurePermissions) as raised:
            read_trusted(str(path))
        assert raised.value.hint == hint


def test_a_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f")

    with pytest.raises(ConfigError, match="not a file of reasonable size"):
        read_trusted(str(tmp_path / "f"))


def test_what_is_not_utf_8_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"ab\xff")

    with pytest.raises(ConfigError, match="not UTF-8 \\(byte 2\\)"):
        read_trusted(str(tmp_path / "f"))


def test_a_missing_file_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_trusted(str(tmp_path / "f"))
