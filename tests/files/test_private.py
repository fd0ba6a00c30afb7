from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import shlex
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ringlet_py.errors import InsecurePermissions, KeychainBroken, KeychainTimeout, RingletError, StoreCorrupt
from ringlet_py.files import private
from ringlet_py.files.checks import check_file, check_folder
from ringlet_py.files.private import (
    Lock,
    make_private_folder,
    open_private,
    read_private,
    write_private,
)
from tests.killing import kill_at_every_step
from tests.people import NOBODY, as_root, run_as_nobody

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = b"old-canary"
NEW = b"new-canary" * 100
ANYBODY_ELSE = [1 << n for n in range(6)]  # each single bit of group and others

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes mean nothing on Windows")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "ours"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def file(folder: Path) -> Path:
    file = folder / "keys"
    file.touch(mode=0o600)
    file.write_bytes(SECRET)
    return file


@pytest.fixture(params=[0o000, 0o077, 0o022])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def hinted(error: RingletError) -> list[str]:
    return shlex.split(error.hint)


class TestReading:
    def test_gives_the_content_of_a_file_that_is_ours_alone(self, file: Path):
        assert read_private(str(file)) == SECRET

    def test_a_missing_file_is_told_apart(self, folder: Path):
        with pytest.raises(FileNotFoundError):
            read_private(str(folder / "none"))

    def test_a_missing_folder_is_a_missing_file(self, folder: Path):
        with pytest.raises(FileNotFoundError):
            read_private(str(folder / "none" / "none"))

    def test_an_empty_file_is_empty(self, file: Path):
        file.write_bytes(b"")

        assert read_private(str(file)) == b""

    @pytest.mark.parametrize("bits", [*ANYBODY_ELSE, 0o044, 0o066, 0o077])
    def test_any_bit_for_others_is_refused_with_the_exact_chmod(self, file: Path, bits: int):
        file.chmod(0o600 | bits)

        with pytest.raises(InsecurePermissions) as caught:
            read_private(str(file))

        assert f"{0o600 | bits:04o}" in str(caught.value)
        subprocess.run(hinted(caught.value), check=True)
        assert read_private(str(file)) == SECRET

    @pytest.mark.parametrize("bits", [0o400, 0o700, 0o600, 0o500])
    def test_bits_of_our_own_are_our_own_business(self, file: Path, bits: int):
        file.chmod(bits)

        assert read_private(str(file)) == SECRET

    @pytest.mark.parametrize("bits", [0o020, 0o002, 0o022, 0o070, 0o007, 0o1002])
    def test_a_folder_that_others_may_write_is_refused_with_the_exact_chmod(self, file: Path, bits: int):
        file.parent.chmod(0o700 | bits)

        with pytest.raises(InsecurePermissions) as caught:
            read_private(str(file))

        subprocess.run(hinted(caught.value), check=True)
        assert read_private(str(file)) == SECRET

    def test_a_folder_that_others_may_only_read_is_taken(self, file: Path):
        file.parent.chmod(0o755)

        assert read_private(str(file)) == SECRET

    def test_the_chmod_in_the_hint_holds_for_a_path_with_blanks_and_quotes(self, folder: Path):
        path = folder / "it's; rm -rf ~"
        path.write_bytes(SECRET)
        path.chmod(0o644)

        with pytest.raises(InsecurePermissions) as caught:
            read_private(str(path))

        assert hinted(caught.value) == ["chmod", "600", str(path)]

    def test_a_symbolic_link_in_the_files_place_is_refused(self, file: Path, folder: Path):
        link = folder / "link"
        link.symlink_to(file)

        with pytest.raises(InsecurePermissions, match="symbolic link"):
            read_private(str(link))

    def test_a_dangling_link_in_the_files_place_is_not_a_missing_file(self, folder: Path):
        link = folder / "link"
        link.symlink_to(folder / "none")

        with pytest.raises(InsecurePermissions, match="symbolic link"):
            read_private(str(link))

    def test_a_link_in_the_folders_place_is_followed(self, file: Path, tmp_path: Path):
        (tmp_path / "link").symlink_to(file.parent)

        assert read_private(str(tmp_path / "link" / "keys")) == SECRET

    def test_a_dangling_link_in_the_folders_place_is_not_a_missing_file(self, tmp_path: Path):
        (tmp_path / "link").symlink_to(tmp_path / "unmounted")

        with pytest.raises(StoreCorrupt, match="points to nothing"):
            read_private(str(tmp_path / "link" / "keys"))

    def test_a_file_in_the_folders_place_is_not_a_missing_file(self, file: Path):
        with pytest.raises(StoreCorrupt, match="not a folder"):
            read_private(str(file / "keys"))

    def test_a_hard_link_is_the_same_private_file(self, file: Path, folder: Path):
        (folder / "other").hardlink_to(file)

        assert read_private(str(folder / "other")) == SECRET

    def test_more_than_the_limit_is_refused(self, file: Path):
        os.truncate(file, 100 * 1024 * 1024)

        with pytest.raises(StoreCorrupt, match="larger than"):
            read_private(str(file))

    def test_a_file_that_grows_past_the_limit_while_it_is_read_is_refused(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(private, "MAX_SIZE", 100)
        monkeypatch.setattr(os, "read", lambda fd, size: b"x" * size)

        with pytest.raises(StoreCorrupt, match="larger than"):
            read_private(str(file))

    def test_what_is_read_was_opened_before_it_was_checked(self, file: Path, monkeypatch: pytest.MonkeyPatch):
        """A file swapped in after the opening is not what is read."""
        (file.parent / "evil").write_bytes(b"evil")
        really_open = os.open

        def swapping(path: str, flags: int, mode: int = 0o777) -> int:
            fd = really_open(path, flags, mode)
            os.replace(file.parent / "evil", file)
            return fd

        monkeypatch.setattr(os, "open", swapping)

        assert read_private(str(file)) == SECRET

    def test_the_file_is_opened_exactly_once(self, file: Path, monkeypatch: pytest.MonkeyPatch):
        opened = []
        really_open = os.open

        def noting(path: str, flags: int, mode: int = 0o777) -> int:
            opened.append(path)
            return really_open(path, flags, mode)

        monkeypatch.setattr(os, "open", noting)

        read_private(str(file))

        assert opened == [str(file)]

    def test_descriptors_are_closed_whatever_happens(self, file: Path, folder: Path):
        before = os.listdir("/dev/fd")
        for bits in (0o600, 0o644):
            file.chmod(bits)
            with contextlib.suppress(InsecurePermissions):
                read_private(str(file))

        assert len(os.listdir("/dev/fd")) == len(before)

    def test_the_descriptor_is_not_inherited(self, file: Path):
        fd = open_private(str(file), os.O_RDONLY)
        inheritable = os.get_inheritable(fd)
        os.close(fd)

        assert not inheritable


IN_A_NAMESPACE = """
import ctypes, sys
from ringlet_py.files.checks import check_folder
---
me, system = os.getuid(), ctypes.CDLL(None)
system.prctl(4, 1)  # PR_SET_DUMPABLE, so that /proc/self is ours again
if system.unshare(0x10000000):  # CLONE_NEWUSER
    sys.exit(print("no namespace"))
with open("/proc/self/uid_map", "w") as numbers:
    numbers.write(f"{me} {me} 1")
check_folder(sys.argv[1])
print(os.stat("/").st_uid)
"""


def make_fifo(path: Path) -> None:
    os.mkfifo(path, 0o600)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def make_device(path: Path) -> None:
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero


class TestWhatIsNoFile:
    @pytest.mark.parametrize("make", [make_fifo, lambda path: path.mkdir(0o700)])
    def test_is_refused_without_waiting(self, folder: Path, make: Callable[[Path], None]):
        make(folder / "keys")

        with pytest.raises(StoreCorrupt, match="not a regular file"):
            read_private(str(folder / "keys"))

    @as_root
    def test_a_device_is_refused(self, folder: Path):
        try:
            make_device(folder / "keys")
        except PermissionError:
            pytest.skip("devices cannot be made here")

        try:
            with pytest.raises(StoreCorrupt, match="not a regular file"):
                read_private(str(folder / "keys"))
        except PermissionError:
            pytest.skip("devices cannot be opened here")

    def test_a_socket_is_an_error_of_the_system(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.chdir(folder)  # a socket's name must be short
        make_socket(Path("keys"))

        with pytest.raises(OSError) as caught:
            read_private(str(folder / "keys"))

        assert caught.value.errno in (errno.ENXIO, errno.EOPNOTSUPP)

    def test_a_writer_does_not_wait_for_a_fifo_either(self, folder: Path):
        make_fifo(folder / "lock")

        with pytest.raises(StoreCorrupt), Lock(str(folder / "lock")):
            pass


class TestForeignOwners:
    @as_root
    def test_a_file_of_another_user_is_refused(self, file: Path):
        os.chown(file, NOBODY, NOBODY)

        with pytest.raises(InsecurePermissions, match=f"belongs to user {NOBODY}"):
            read_private(str(file))

    @as_root
    def test_a_folder_of_another_user_is_refused(self, file: Path):
        os.chown(file.parent, NOBODY, NOBODY)

        with pytest.raises(InsecurePermissions, match=f"belongs to user {NOBODY}, not to us"):
            read_private(str(file))

    @as_root
    def test_root_is_told_to_become_that_user_and_not_to_take_the_file(self, file: Path):
        os.chown(file, NOBODY, NOBODY)

        with pytest.raises(InsecurePermissions) as caught:
            read_private(str(file))

        assert "without sudo" in caught.value.hint
        assert "chown" not in caught.value.hint

    @as_root
    def test_an_owner_on_the_way_is_refused(self, file: Path, tmp_path: Path):
        os.chown(tmp_path, NOBODY, NOBODY)

        with pytest.raises(InsecurePermissions, match="on the way"):
            read_private(str(file))

    @as_root
    def test_the_owner_of_a_link_on_the_way_counts(self, file: Path, tmp_path: Path):
        link = tmp_path / "link"
        link.symlink_to(file.parent)
        os.chown(link, NOBODY, NOBODY, follow_symlinks=False)

        with pytest.raises(InsecurePermissions, match="on the way"):
            read_private(str(link / "keys"))

    @as_root
    def test_roots_private_file_is_not_read_by_another_user(self, file: Path):
        code = "from ringlet_py.files.private import read_private\nimport sys\n---\nread_private(sys.argv[1])"
        done = run_as_nobody(code, str(file))

        assert done.returncode != 0
        assert SECRET.decode() not in done.stdout + done.stderr


class TestTheWay:
    """What is above the folder; nobody else may be able to rename it away."""

    def test_a_step_that_everybody_may_write_is_refused_with_the_exact_chmod(self, file: Path, tmp_path: Path):
        tmp_path.chmod(0o777)

        with pytest.raises(InsecurePermissions) as caught:
            read_private(str(file))

        assert hinted(caught.value) == ["chmod", "o-w", str(tmp_path)]

    def test_a_sticky_step_is_taken(self, file: Path, tmp_path: Path):
        tmp_path.chmod(0o1777)

        assert read_private(str(file)) == SECRET

    def test_a_step_that_a_group_may_write_is_taken(self, file: Path, tmp_path: Path):
        tmp_path.chmod(0o775)

        assert read_private(str(file)) == SECRET

    @pytest.mark.parametrize("absolute", [True, False])
    def test_a_step_behind_a_link_counts(self, file: Path, tmp_path: Path, *, absolute: bool):
        """Also in the middle of a chain, which neither the name nor the real path shows."""
        middle = tmp_path / "middle"
        middle.mkdir()
        (middle / "second").symlink_to(file.parent if absolute else "../ours")
        (tmp_path / "first").symlink_to(middle / "second" if absolute else "middle/second")
        path = str(tmp_path / "first" / "keys")
        assert read_private(path) == SECRET

        middle.chmod(0o777)

        with pytest.raises(InsecurePermissions, match="writable by everybody"):
            read_private(path)

    def test_a_loop_of_links_ends(self, tmp_path: Path):
        (tmp_path / "a").symlink_to(tmp_path / "b")
        (tmp_path / "b").symlink_to(tmp_path / "a")

        with pytest.raises(OSError) as caught:
            read_private(str(tmp_path / "a" / "keys"))

        assert caught.value.errno == errno.ELOOP

    @pytest.mark.parametrize("path", ["{}/../ours", "{}/./", "{}//", "{}/../ours/../ours/."])
    def test_a_path_written_oddly_is_the_same_path(self, file: Path, path: str):
        check_folder(path.format(file.parent))

    @as_root
    def test_the_root_can_be_the_folder_above(self):
        check_folder("/etc")

    @as_root
    def test_in_a_user_namespace_root_looks_like_another_user_and_is_trusted_still(self):
        someone = 12345
        folder = tempfile.mkdtemp(dir="/tmp")
        os.chown(folder, someone, someone)
        try:
            done = run_as_nobody(IN_A_NAMESPACE, folder, user=someone)
        finally:
            os.rmdir(folder)
        if "no namespace" in done.stdout:
            pytest.skip("user namespaces cannot be made here")

        assert done.stdout == f"{NOBODY}\n", done.stderr

    @as_root
    def test_outside_of_one_that_user_is_another_user(self, file: Path, tmp_path: Path):
        overflow = int(Path("/proc/sys/kernel/overflowuid").read_text())
        os.chown(tmp_path, overflow, overflow)

        with pytest.raises(InsecurePermissions, match="on the way"):
            read_private(str(file))


class TestWriting:
    def test_the_new_content_takes_the_place_of_the_old(self, file: Path):
        write_private(str(file), NEW)

        assert read_private(str(file)) == NEW

    def test_file_and_folders_are_born_private_whatever_the_umask(self, tmp_path: Path, umask: int):
        path = tmp_path / "a" / "b" / "keys"
        write_private(str(path), NEW)

        assert mode(path) == 0o600
        assert mode(path.parent) == mode(path.parent.parent) == 0o700

    def test_the_mode_is_there_at_birth_and_never_changed(self, file: Path, monkeypatch: pytest.MonkeyPatch):
        born = []
        really_open = os.open

        def watching(path: str, flags: int, mode: int = 0o777) -> int:
            fd = really_open(path, flags, mode)
            if flags & os.O_CREAT:
                assert flags & os.O_EXCL
                born.append(stat.S_IMODE(os.fstat(fd).st_mode))
            return fd

        monkeypatch.setattr(os, "open", watching)
        monkeypatch.setattr(os, "chmod", None)
        monkeypatch.setattr(os, "fchmod", None)
        write_private(str(file), NEW)

        assert born == [0o600]

    @as_root
    def test_a_umask_that_takes_our_own_rights_leaves_the_old_file(self, file: Path):
        before = os.umask(0o777)
        try:
            with pytest.raises(InsecurePermissions, match="unreadable"):
                write_private(str(file), NEW)
        finally:
            os.umask(before)

        assert read_private(str(file)) == SECRET
        assert os.listdir(file.parent) == ["keys"]

    def test_a_file_system_that_ignores_modes_gets_no_secret(self, file: Path, monkeypatch: pytest.MonkeyPatch):
        really_open = os.open

        def open_on_fat(path: str, flags: int, mode: int = 0o777) -> int:
            fd = really_open(path, flags, mode)
            os.fchmod(fd, 0o755)
            return fd

        monkeypatch.setattr(os, "open", open_on_fat)
        monkeypatch.setattr(os, "write", None)

        with pytest.raises(InsecurePermissions):
            write_private(str(file), NEW)

        assert file.read_bytes() == SECRET
        assert os.listdir(file.parent) == ["keys"]

    def test_short_writes_are_continued(self, file: Path, monkeypatch: pytest.MonkeyPatch):
        really_write = os.write
        monkeypatch.setattr(os, "write", lambda fd, data: really_write(fd, data[:7]))

        write_private(str(file), NEW)

        assert file.read_bytes() == NEW

    @pytest.mark.parametrize("call", ["write", "fsync", "replace"])
    def test_a_full_disk_leaves_the_old_file_and_nothing_else(
        self, file: Path, call: str, monkeypatch: pytest.MonkeyPatch
    ):
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "no space")

        monkeypatch.setattr(os, call, full)

        with pytest.raises(OSError):
            write_private(str(file), NEW)

        assert file.read_bytes() == SECRET
        assert os.listdir(file.parent) == ["keys"]

    @pytest.mark.parametrize(("failures", "content"), [(3, NEW), (100, SECRET)])
    def test_on_windows_a_reader_is_waited_for_but_not_for_ever(
        self, file: Path, monkeypatch: pytest.MonkeyPatch, failures: int, content: bytes
    ):
        left = [failures]
        waited: list[float] = []
        really_replace = os.replace

        def in_use(source: str, target: str) -> None:
            left[0] -= 1
            if left[0] >= 0:
                raise PermissionError(errno.EACCES, "used by another process")
            really_replace(source, target)

        monkeypatch.setattr(private, "POSIX", False)
        monkeypatch.setattr(os, "replace", in_use)
        monkeypatch.setattr(time, "sleep", waited.append)

        with contextlib.suppress(PermissionError) if failures > 10 else contextlib.nullcontext():
            write_private(str(file), NEW)

        assert file.read_bytes() == content
        assert os.listdir(file.parent) == ["keys"]
        assert sum(waited) < 2

    def test_a_link_in_the_files_place_is_replaced_and_not_written_through(self, folder: Path, tmp_path: Path):
        target = tmp_path / "target"
        target.write_bytes(b"theirs")
        (folder / "keys").symlink_to(target)

        write_private(str(folder / "keys"), NEW)

        assert target.read_bytes() == b"theirs"
        assert read_private(str(folder / "keys")) == NEW

    def test_another_name_of_the_file_keeps_the_old_content(self, file: Path, folder: Path):
        (folder / "other").hardlink_to(file)

        write_private(str(file), NEW)

        assert (folder / "other").read_bytes() == SECRET

    def test_an_insecure_folder_gets_no_secret(self, file: Path):
        file.parent.chmod(0o777)

        with pytest.raises(InsecurePermissions):
            write_private(str(file), NEW)

        assert file.read_bytes() == SECRET

    def test_content_that_could_not_be_read_again_is_not_written(self, file: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(private, "MAX_SIZE", len(NEW) - 1)

        with pytest.raises(StoreCorrupt):
            write_private(str(file), NEW)

        assert file.read_bytes() == SECRET

    def test_remains_of_killed_writers_are_swept_and_nothing_else(self, file: Path, folder: Path):
        others = {"keys", ".keys", ".keys.tmp", "keys.tmp", ".keys.b.abcdef.tmp", ".other.abcdef.tmp", "x.keys.1.tmp"}
        for name in {*others, ".keys.abcdef012345.tmp", ".keys.0.tmp"}:
            (folder / name).touch()

        write_private(str(file), NEW)

        assert set(os.listdir(folder)) == others

    def test_a_reader_sees_the_old_or_the_new_and_never_a_half(self, file: Path):
        done = threading.Event()
        seen = set()

        def read() -> None:
            while not done.is_set():
                seen.add(read_private(str(file)))

        reader = threading.Thread(target=read)
        reader.start()
        for _ in range(100):
            write_private(str(file), NEW)
            write_private(str(file), SECRET)
        done.set()
        reader.join()

        assert seen <= {SECRET, NEW}

    @pytest.mark.slow
    def test_killed_at_every_step_the_old_or_the_new_is_there(self, file: Path, folder: Path):
        def check() -> None:
            assert read_private(str(file)) in (SECRET, NEW)
            assert mode(file) == 0o600
            assert all(mode(path) & 0o077 == 0 for path in folder.iterdir())

        killed = kill_at_every_step(lambda: write_private(str(file), NEW), check)

        assert killed > 10
        assert read_private(str(file)) == NEW
        assert os.listdir(folder) == ["keys"]

    @pytest.mark.slow
    def test_killed_at_every_step_of_the_first_write_there_is_nothing_or_the_new(self, tmp_path: Path):
        path = tmp_path / "a" / "b" / "keys"

        def check() -> None:
            assert not path.exists() or read_private(str(path)) == NEW
            assert all(mode(found) & 0o077 == 0 for found in tmp_path.rglob("*"))

        killed = kill_at_every_step(lambda: write_private(str(path), NEW), check)

        assert killed > 10
        assert os.listdir(path.parent) == ["keys"]


class TestFolders:
    def test_what_is_missing_above_is_made_for_us_alone(self, tmp_path: Path, umask: int):
        make_private_folder(str(tmp_path / "a" / "b" / "c"))

        assert {mode(path) for path in tmp_path.rglob("*")} == {0o700}

    def test_what_is_there_is_left_as_it_is(self, tmp_path: Path):
        (tmp_path / "a").mkdir(0o755)
        make_private_folder(str(tmp_path / "a"))

        assert mode(tmp_path / "a") == 0o755

    @pytest.mark.parametrize("place", ["a", "a/b"])
    def test_what_is_in_the_way_is_named(self, tmp_path: Path, place: str):
        (tmp_path / "a").touch()

        with pytest.raises((StoreCorrupt, NotADirectoryError)):
            make_private_folder(str(tmp_path / place))

    def test_a_dangling_link_is_in_the_way(self, tmp_path: Path):
        (tmp_path / "a").symlink_to(tmp_path / "none")

        with pytest.raises(StoreCorrupt):
            make_private_folder(str(tmp_path / "a"))

    def test_two_who_make_it_at_once_both_have_it(self, tmp_path: Path):
        path = str(tmp_path / "a" / "b" / "c")
        problems: list[BaseException] = []

        def make() -> None:
            try:
                make_private_folder(path)
            except BaseException as problem:  # noqa: BLE001
                problems.append(problem)

        threads = [threading.Thread(target=make) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert not problems

    @pytest.mark.parametrize("path", ["", "relative", "relative/further"])
    def test_a_relative_path_fails_and_does_not_hang(self, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.chdir(tmp_path)

        with pytest.raises((OSError, StoreCorrupt)):
            make_private_folder(path)


class TestCheckingByName:
    def test_is_as_strict_as_opening(self, file: Path):
        check_file(str(file))
        file.chmod(0o640)
        with pytest.raises(InsecurePermissions, match="0640"):
            check_file(str(file))

    def test_refuses_links_and_what_is_no_file(self, file: Path, folder: Path):
        (folder / "link").symlink_to(file)
        with pytest.raises(InsecurePermissions, match="symbolic link"):
            check_file(str(folder / "link"))
        with pytest.raises(StoreCorrupt):
            check_file(str(folder / "."))

    def test_tells_a_missing_file_apart(self, folder: Path):
        with pytest.raises(FileNotFoundError):
            check_file(str(folder / "none"))


def add_one(path: str, lock: str, times: int) -> None:
    for _ in range(times):
        with Lock(lock):
            write_private(path, str(int(read_private(path)) + 1).encode())


class TestLocking:
    def test_the_side_file_is_private_and_stays(self, folder: Path):
        with Lock(str(folder / "lock")):
            pass

        assert mode(folder / "lock") == 0o600

    def test_one_at_a_time(self, folder: Path):
        with Lock(str(folder / "lock")):  # noqa: SIM117
            with pytest.raises(KeychainTimeout, match="locked by another"), Lock(str(folder / "lock"), limit=0.05):
                pytest.fail("two have it")

    def test_free_again_after_an_error(self, folder: Path):
        with pytest.raises(ZeroDivisionError), Lock(str(folder / "lock")):
            1 / 0  # noqa: B018

        with Lock(str(folder / "lock"), limit=0):
            pass

    def test_one_object_can_be_taken_again(self, folder: Path):
        lock = Lock(str(folder / "lock"), limit=0)
        for _ in range(3):
            with lock:
                pass

    def test_waiting_leaves_no_descriptor(self, folder: Path):
        with Lock(str(folder / "lock")):
            before = len(os.listdir("/dev/fd"))
            with pytest.raises(KeychainTimeout), Lock(str(folder / "lock"), limit=0):
                pass

            assert len(os.listdir("/dev/fd")) == before

    def test_a_killed_holder_holds_nothing(self, folder: Path):
        code = (
            "import os, sys\nfrom ringlet_py.files.private import Lock\nwith Lock(sys.argv[1]): os.kill(os.getpid(), 9)"
        )
        done = subprocess.run([sys.executable, "-c", code, str(folder / "lock")], check=False)
        assert done.returncode == -9

        with Lock(str(folder / "lock"), limit=0):
            pass

    @pytest.mark.parametrize("bits", [0o640, 0o602])
    def test_a_side_file_that_others_may_open_is_refused(self, folder: Path, bits: int):
        (folder / "lock").touch()
        (folder / "lock").chmod(bits)

        with pytest.raises(InsecurePermissions), Lock(str(folder / "lock")):
            pass

    def test_a_side_file_that_is_a_link_is_refused(self, folder: Path, tmp_path: Path):
        (folder / "lock").symlink_to(tmp_path / "elsewhere")

        with pytest.raises(InsecurePermissions), Lock(str(folder / "lock")):
            pass

        assert not (tmp_path / "elsewhere").exists()

    def test_what_cannot_be_made_is_broken(self, folder: Path):
        (folder / "lock").mkdir()

        with pytest.raises(KeychainBroken, match="cannot be locked"), Lock(str(folder / "lock")):
            pass

    @pytest.mark.slow
    def test_processes_lose_no_update(self, file: Path, folder: Path):
        file.write_bytes(b"0")
        context = multiprocessing.get_context("spawn")
        arguments = (str(file), str(folder / "lock"), 25)
        processes = [context.Process(target=add_one, args=arguments) for _ in range(4)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()

        assert read_private(str(file)) == b"100"
