"""The places where the daemon listens: loopback, and a Unix socket for its own user; nowhere else."""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
from dataclasses import dataclass

from ringlet_py.errors import DaemonError, DaemonRunning, UsageError
from ringlet_py.files.checks import quoted, reason

PORT = 8765
LOOPBACK = {"127.0.0.1": ("127.0.0.1",), "[::1]": ("::1",), "localhost": ("127.0.0.1", "::1")}
ANY_PORT_TRIES = 20
LONGEST_PATH = 100  # bytes of a Unix socket's path: 108 on Linux, 104 elsewhere, with a zero at the end
_LISTENING = "0A"  # the state in /proc/net/tcp
_FAMILY_IS_MISSING = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)


@dataclass(frozen=True, slots=True)
class Listen:
    """Addresses of this machine's loopback, and a port that is the same on each; port 0 is any free one."""

    hosts: tuple[str, ...] = LOOPBACK["localhost"]
    port: int = PORT

    @classmethod
    def parse(cls, text: str) -> Listen:
        """`127.0.0.1:8765`, `[::1]:8765` or `localhost:8765`, which is both; UsageError for all else."""
        found = re.fullmatch(r"(.*?):?([0-9]{1,5})", text, re.ASCII)
        host, port = (found[1].lower() or "localhost", int(found[2])) if found else ("", 65536)
        if port > 65535:  # the highest that there is
            raise UsageError(f"{text!a} is not an address and a port", hint=f"--listen 127.0.0.1:{PORT}")
        if f"[{host}]" in LOOPBACK:
            raise UsageError(f"{text!a} has no brackets around its address", hint=f"--listen '[{host}]:{port}'")
        if host not in LOOPBACK:
            why = "on a network the keys would go over the wire in clear, to whoever asks"
            hint = f"--listen 127.0.0.1:{PORT}, and from another machine: ssh -L {PORT}:127.0.0.1:{PORT} HOST"
            raise UsageError(f"the daemon listens on loopback alone, not on {host!a}", why=why, hint=hint)
        return cls(LOOPBACK[host], port)

    @property
    def name(self) -> str:
        """The addresses as `parse` takes them."""
        return next(name for name, hosts in LOOPBACK.items() if hosts == self.hosts)


def bind_loopback(listen: Listen) -> list[socket.socket]:
    """A bound socket for each of the addresses; IPv6 is left out where the machine has none.

    Raises DaemonRunning if the port is taken, and says by whom as far as the system tells.
    """
    for _ in range(ANY_PORT_TRIES if listen.port == 0 else 1):
        found = _bound_to_all(listen)
        if found:
            return found
    if listen.port == 0:
        raise DaemonRunning("no port is free", hint="ringlet daemon start --socket")
    hint = f"ringlet daemon start --listen localhost:{listen.port % 65535 + 1}"
    raise DaemonRunning(f"port {listen.port} is taken", why=holder_of(listen.port), hint=hint)


def bind_unix(path: str) -> socket.socket:
    """A bound Unix socket for us alone; one that a killed daemon left in its place goes.

    The caller holds the runtime folder's lock.
    """
    if len(os.fsencode(path)) > LONGEST_PATH:
        why = f"more than {LONGEST_PATH} bytes are more than systems allow"
        hint = "set XDG_RUNTIME_DIR to a folder with a shorter path"
        raise DaemonError(f"the path of the Unix socket is too long: {path}", why=why, hint=hint)
    _remove_socket(path)
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        found.bind(path)
    except OSError as error:
        found.close()
        raise DaemonError(f"{path} cannot be made", why=reason(error), hint=f"ls -ld {quoted(path)}") from None
    finally:
        os.umask(before)
    return found


def _remove_socket(path: str) -> None:
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise DaemonError(f"{path} is in the way: it is no socket", hint=f"ls -l {quoted(path)}")
    os.unlink(path)


def _bound_to_all(listen: Listen) -> list[socket.socket]:
    """The sockets, or none if the port is taken on one of the addresses."""
    found: list[socket.socket] = []
    port = listen.port
    try:
        for host in listen.hosts:
            one = _bound(host, port)
            if one is not None:
                found.append(one)
                port = one.getsockname()[1]
    except OSError as error:
        for one in found:
            one.close()
        if error.errno == errno.EADDRINUSE:
            return []
        raise DaemonError(f"port {port} cannot be listened on", why=reason(error)) from None
    if not found:
        raise DaemonError(f"this machine has no {listen.hosts[0]}", hint=f"--listen 127.0.0.1:{PORT}")
    return found


def _bound(host: str, port: int) -> socket.socket | None:
    """The socket; None if the machine has no such address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # asyncio answers without delay (TCP_NODELAY) only where the protocol is named: else 40 ms for each answer
        found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError:
        return None
    try:
        _prepare(found)
        found.bind((host, port))
        found.listen()  # only now does a socket of another program keep the port from us
    except OSError as error:
        found.close()
        if error.errno in _FAMILY_IS_MISSING:
            return None
        raise
    return found


def _prepare(one: socket.socket) -> None:
    if one.family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if os.name == "nt":  # there another program could take a port over that is not exclusively ours
        one.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)  # type: ignore[attr-defined]
    else:  # a port that we had a moment ago is free, whatever its old connections still wait for
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def holder_of(port: int) -> str:
    """Who listens on the port, in words; "" where the system does not tell."""
    for line in _table("/proc/net/tcp") + _table("/proc/net/tcp6"):
        fields = line.split()
        if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
            return _owner(f"socket:[{fields[9]}]") or f"a process of user {fields[7]} listens there"
    return ""


def _table(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().splitlines()[1:]
    except OSError:
        return []


def _owner(link: str) -> str:
    """The process that has that socket open, if it is one that we may look into."""
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if any(os.readlink(f"/proc/{pid}/fd/{fd}") == link for fd in os.listdir(f"/proc/{pid}/fd")):
                with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as name:
                    return f"process {pid} ({name.read().strip()}) listens there"
        except OSError:
            continue
    return ""
