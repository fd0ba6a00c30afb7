from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ringlet_py.errors import ConsentNeeded, UsageError
from ringlet_py.searching.hooks import Hook

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def hook(tmp_path: Path) -> Hook:
    return Hook(str(tmp_path / "hooks"))


def test_a_hook_is_put_there_and_taken_away(hook: Hook):
    assert hook.install("/usr/bin/ringlet")
    assert hook.installed
    assert os.access(hook.path, os.X_OK)
    assert hook.remove()
    assert os.listdir(hook.folder) == []


def test_installing_twice_changes_nothing_and_a_moved_ringlet_is_followed(hook: Hook):
    assert hook.install("/usr/bin/ringlet")
    assert not hook.install("/usr/bin/ringlet")
    assert hook.install("/opt/it's here/ringlet")
    assert not os.path.exists(hook.kept)


def test_removing_what_is_not_there_changes_nothing(hook: Hook, tmp_path: Path):
    assert not hook.remove()
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks/pre-commit").write_text("#!/bin/sh\nmine\n")
    assert not hook.remove()
    assert (tmp_path / "hooks/pre-commit").read_text() == "#!/bin/sh\nmine\n"


@pytest.mark.parametrize("mode", [0o755, 0o640])
def test_a_hook_that_was_there_comes_back_exactly(hook: Hook, tmp_path: Path, mode: int):
    mine = tmp_path / "hooks/pre-commit"
    mine.parent.mkdir()
    mine.write_bytes(b"#!/bin/sh\nmine\r\n")
    mine.chmod(mode)
    before = mine.stat()

    hook.install("/usr/bin/ringlet")
    hook.install("/usr/local/bin/ringlet")
    hook.remove()

    after = mine.stat()
    assert mine.read_bytes() == b"#!/bin/sh\nmine\r\n"
    assert (after.st_mode, after.st_ino, after.st_mtime_ns) == (before.st_mode, before.st_ino, before.st_mtime_ns)
    assert os.listdir(hook.folder) == ["pre-commit"]


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege there")
def test_a_hook_that_is_a_link_comes_back_as_one(hook: Hook, tmp_path: Path):
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks/pre-commit").symlink_to("../elsewhere")
    hook.install("/usr/bin/ringlet")
    hook.remove()

    assert os.readlink(hook.path) == "../elsewhere"


def test_of_two_hooks_that_are_not_ours_none_is_lost(hook: Hook, tmp_path: Path):
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks/pre-commit").write_text("one")
    (tmp_path / "hooks/pre-commit.before-ringlet").write_text("two")
    with pytest.raises(ConsentNeeded):
        hook.install("/usr/bin/ringlet")

    assert (tmp_path / "hooks/pre-commit").read_text() == "one"


def test_a_hook_behind_the_pre_commit_frameworks_is_seen(hook: Hook, tmp_path: Path):
    hook.install("/usr/bin/ringlet")
    os.rename(hook.path, os.path.join(hook.folder, "pre-commit.legacy"))
    (tmp_path / "hooks/pre-commit").write_text("the framework's")

    assert hook.behind_another
    assert not hook.install("/usr/bin/ringlet")
    with pytest.raises(ConsentNeeded):
        hook.remove()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="made for POSIX files")
def test_what_is_no_file_is_neither_read_nor_moved_away(hook: Hook):
    os.mkdir(hook.folder)
    os.mkfifo(hook.path)

    with pytest.raises(UsageError, match="pipe"):
        hook.install("/usr/bin/ringlet")

    assert (hook.installed, hook.remove(), os.listdir(hook.folder)) == (False, False, ["pre-commit"])
