"""Where the daemon listens, and where it never does."""

from __future__ import annotations

import os
import socket
import stat
from typing import TYPE_CHECKING

import pytest

from ringlet_py.daemon.binding import Listen, bind_loopback, bind_unix
from ringlet_py.errors import DaemonError, DaemonRunning, UsageError
from tests.daemon.running import needs_ipv6

if TYPE_CHECKING:
    from pathlib import Path

BOTH = ("127.0.0.1", "::1")


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        ("127.0.0.1:8765", Listen(("127.0.0.1",), 8765)),
        ("[::1]:99", Listen(("::1",), 99)),
        ("localhost:0", Listen(BOTH, 0)),
        ("LOCALHOST:1", Listen(BOTH, 1)),
        (":8765", Listen(BOTH, 8765)),
        ("8765", Listen(BOTH, 8765)),
    ],
)
def test_loopback_is_where_it_may_listen(text: str, listen: Listen):
    assert Listen.parse(text) == listen


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0:8765",
        "[::]:8765",
        "*:8765",
        "192.168.1.7:8765",
        "127.0.0.2:8765",
        "127.1:8765",
        "0:8765",
        "[::ffff:127.0.0.1]:8765",
        "localhost.:8765",
        "example.com:80",
    ],
)
def test_any_other_address_is_refused_and_it_is_said_why(text: str):
    with pytest.raises(UsageError) as caught:
        Listen.parse(text)

    assert "loopback" in str(caught.value)
    assert caught.value.why
    assert "ssh -L" in caught.value.hint


@pytest.mark.parametrize("port", [0, 8765])
def test_an_address_that_lacks_its_brackets_is_told_with_them(port: int):
    with pytest.raises(UsageError) as caught:
        Listen.parse(f"::1:{port}")

    assert caught.value.hint == f"--listen '[::1]:{port}'"


@pytest.mark.parametrize("text", ["", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", "localhost:-1", "²"])
def test_what_is_no_address_and_port_is_refused(text: str):
    with pytest.raises(UsageError):
        Listen.parse(text)


@needs_ipv6
def test_one_port_is_found_for_both_addresses():
    found = bind_loopback(Listen(BOTH, 0))
    try:
        assert [one.getsockname()[0] for one in found] == list(BOTH)
        assert len({one.getsockname()[1] for one in found}) == 1
    finally:
        close(found)


def test_answers_go_out_without_delay():
    for one in bind_loopback(Listen(BOTH, 0)):
        # asyncio turns Nagle's algorithm off for these alone
        assert one.proto == socket.IPPROTO_TCP
        one.close()


def test_a_port_that_is_taken_is_told_with_its_holder():
    (held,) = bind_loopback(Listen(("127.0.0.1",), 0))
    with held, pytest.raises(DaemonRunning) as caught:
        bind_loopback(Listen(BOTH, held.getsockname()[1]))

    assert caught.value.hint.startswith("ringlet daemon start --listen localhost:")
    if os.path.exists("/proc/net/tcp"):
        assert f"process {os.getpid()}" in caught.value.why


@needs_ipv6
def test_one_of_both_that_is_taken_takes_none():
    taken = bind_loopback(Listen(("::1",), 0))
    port = taken[0].getsockname()[1]
    with pytest.raises(DaemonRunning):
        bind_loopback(Listen(BOTH, port))
    close(taken)

    close(bind_loopback(Listen(BOTH, port)))  # the other one was let go


def test_a_machine_without_ipv6_has_the_other_address(monkeypatch: pytest.MonkeyPatch):
    real = socket.socket

    def without(family: int, *rest: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        return real(family, *rest)

    monkeypatch.setattr("ringlet_py.daemon.binding.socket.socket", without)
    (found,) = bind_loopback(Listen(BOTH, 0))
    found.close()

    with pytest.raises(DaemonError):
        bind_loopback(Listen(("::1",), 0))


def test_the_unix_socket_is_for_its_user_alone(tmp_path: Path):
    path = str(tmp_path / "s")
    with bind_unix(path):
        assert stat.S_IMODE(os.lstat(path).st_mode) == 0o600


def test_a_socket_that_was_left_behind_is_replaced(tmp_path: Path):
    path = str(tmp_path / "s")
    bind_unix(path).close()

    bind_unix(path).close()


def test_what_is_no_socket_stays(tmp_path: Path):
    path = tmp_path / "s"
    path.write_text("mine")

    with pytest.raises(DaemonError):
        bind_unix(str(path))

    assert path.read_text() == "mine"


def test_a_path_that_is_too_long_for_a_socket_is_told_so(tmp_path: Path):
    with pytest.raises(DaemonError) as caught:
        bind_unix(str(tmp_path / ("x" * 100)))

    assert "XDG_RUNTIME_DIR" in caught.value.hint


def close(sockets: list[socket.socket]) -> None:
    for one in sockets:
        one.close()
