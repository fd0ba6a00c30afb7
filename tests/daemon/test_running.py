"""What is known of a daemon from outside its process, and when that is believed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ringlet_py.daemon import running, steering
from ringlet_py.daemon.running import Running, Runtime
from ringlet_py.errors import DaemonError, DaemonNotRunning, DaemonRunning, InsecurePermissions
from ringlet_py.files.folders import Folders, runtime_folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(str(tmp_path / "run"), log=str(tmp_path / "state/daemon.log"))


def this(pid: int | None = None, born: str | None = None) -> Running:
    pid = os.getpid() if pid is None else pid
    return Running(pid=pid, born=running.born(pid) if born is None else born, started=1.0, version="0", urls=("u",))


def test_what_holds_the_lock_and_says_so_is_running(runtime: Runtime):
    with runtime.held():
        runtime.say(this())

        assert runtime.find() == this()


def test_what_a_killed_one_left_behind_is_not_running(runtime: Runtime):
    with runtime.held():
        runtime.say(this())

    assert runtime.find() is None
    with runtime.held():
        assert runtime.find() is None  # the next one, which has not said yet what it is
    with pytest.raises(DaemonNotRunning) as caught:
        steering.stop(runtime, patience=1)
    assert runtime.folder in caught.value.why


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs /proc")
def test_another_process_with_its_number_is_not_it(runtime: Runtime):
    with runtime.held():
        runtime.say(this(born="7"))

        assert runtime.find() is None


def test_a_file_that_cannot_be_read_says_nothing(runtime: Runtime):
    with runtime.held():
        for content in ("", "[]", '{"pid": 1}', '{"pid": 1, "urls": [], "more": 1}'):
            path = os.path.join(runtime.folder, "daemon.json")
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(content)

            assert runtime.find() is None


@pytest.mark.slow
def test_only_one_holds_the_lock(runtime: Runtime):
    with runtime.held():
        runtime.say(this())
        with pytest.raises(DaemonRunning) as caught, runtime.held():
            pass

    assert f"process {os.getpid()} answers on u" in caught.value.why
    with runtime.held():
        pass


def test_looking_makes_no_folder(runtime: Runtime):
    assert runtime.find() is None
    assert not os.path.exists(runtime.folder)


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_a_folder_that_others_can_enter_is_refused(runtime: Runtime):
    os.mkdir(runtime.folder, 0o750)

    with pytest.raises(InsecurePermissions), runtime.held():
        pass


def test_stopping_does_not_wait_for_ever(runtime: Runtime):
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        with runtime.held():
            stuck = this(child.pid)
            runtime.say(stuck)
            with pytest.raises(DaemonError) as caught:
                steering.stop(runtime, patience=0.1)
        assert f"kill -9 {child.pid}" in caught.value.hint
        assert child.wait(20) < 0  # it was this process that was asked
    finally:
        child.kill()
        child.wait()


def test_what_does_not_answer_is_told_from_what_does(runtime: Runtime):
    gone = Running(pid=1, born="", started=0, version="0", urls=("http://127.0.0.1:9",))

    assert not running.answers(gone, patience=1)
    assert not running.answers(Running(pid=1, born="", started=0, version="0", socket=runtime.socket), patience=1)


@pytest.mark.skipif(os.name == "nt", reason="XDG is POSIX's")
def test_the_runtime_folder_is_the_systems_where_there_is_one(tmp_path: Path):
    folders = Folders.of({"HOME": str(tmp_path)})
    own = os.path.join(folders.state, "run")

    assert runtime_folder({"XDG_RUNTIME_DIR": str(tmp_path)}, folders) == str(tmp_path / "ringlet")
    assert runtime_folder({}, folders) == own
    assert runtime_folder({"XDG_RUNTIME_DIR": "relative"}, folders) == own
    assert runtime_folder({"XDG_RUNTIME_DIR": str(tmp_path / "not-there")}, folders) == own
