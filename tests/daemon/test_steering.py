"""What is asked of a running daemon from outside, on each system."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ringlet_py.daemon import running, steering
from ringlet_py.daemon.running import Running, Runtime
from ringlet_py.errors import DaemonError, DaemonNotRunning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PID = os.getpid()


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    """That of this very process, as if it were a daemon that has answered two SIGHUPs."""
    runtime = Runtime(str(tmp_path / "run"), log=str(tmp_path / "state/daemon.log"))
    with runtime.held():
        runtime.say(
            Running(pid=PID, born=running.born(PID), started=1.0, version="0", hangups=2, problem="from before")
        )
        yield runtime


def answering(monkeypatch: pytest.MonkeyPatch, answer: Callable[[Running], object]) -> list[int]:
    """What is sent instead of signals, each answered so."""
    sent: list[int] = []

    def send(found: Running, number: int) -> None:
        sent.append(number)
        answer(found)

    monkeypatch.setattr(steering, "send", send)
    return sent


def test_it_is_reloaded_as_soon_as_it_says_so(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = answering(monkeypatch, lambda found: runtime.say(replace(found, hangups=3, problem="")))

    assert steering.reload(runtime, patience=10).hangups == 3
    assert sent == [signal.SIGHUP]


def test_what_is_wrong_with_the_settings_is_told_to_who_asked(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, lambda found: runtime.say(replace(found, hangups=3, problem="line 2: no such backend")))

    with pytest.raises(DaemonError) as caught:
        steering.reload(runtime, patience=10)

    assert caught.value.why == "line 2: no such backend"


def test_one_that_says_nothing_is_not_waited_for_without_end(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, lambda _: None)

    with pytest.raises(DaemonError) as caught:
        steering.reload(runtime, patience=0.05)

    assert (str(PID) in caught.value.why, caught.value.hint) == (True, "ringlet daemon restart")


def test_one_that_ends_instead_is_told_so(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, lambda _: runtime.forget())

    with pytest.raises(DaemonError) as caught:
        steering.reload(runtime, patience=10)

    assert "ended" in caught.value.what


def test_where_none_runs_it_is_told_where_one_was_looked_for(tmp_path: Path) -> None:
    runtime = Runtime(str(tmp_path / "nowhere"), log="")

    for ask in (steering.reload, steering.stop):
        with pytest.raises(DaemonNotRunning) as caught:
            ask(runtime, patience=1)
        assert str(tmp_path / "nowhere") in caught.value.why


def test_where_there_is_no_such_signal_nothing_is_sent(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows."""
    sent = answering(monkeypatch, lambda _: None)
    monkeypatch.delattr(signal, "SIGHUP")

    with pytest.raises(DaemonError) as caught:
        steering.reload(runtime, patience=10)

    assert (sent, caught.value.hint) == ([], "ringlet daemon restart")


def test_without_handles_of_processes_it_goes_by_the_number(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS and Windows."""
    killed: list[tuple[int, int]] = []
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    monkeypatch.setattr(os, "kill", lambda pid, number: killed.append((pid, number)))
    found = runtime.find()
    assert found

    steering.send(found, signal.SIGTERM)

    assert killed == [(PID, signal.SIGTERM)]


@pytest.mark.skipif(not hasattr(os, "pidfd_open") or not os.path.exists("/proc/self/stat"), reason="needs Linux")
def test_a_process_that_began_at_another_time_is_sent_nothing(runtime: Runtime) -> None:
    found = runtime.find()
    assert found

    steering.send(replace(found, born="7"), signal.SIGKILL)


def test_one_that_has_just_gone_is_no_error(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise ProcessLookupError

    monkeypatch.delattr(os, "pidfd_open", raising=False)
    monkeypatch.setattr(os, "kill", gone)
    found = runtime.find()
    assert found

    steering.send(found, signal.SIGTERM)
