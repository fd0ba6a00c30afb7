"""The way to the session bus: where it is, proof of who we are, and bytes within a time limit."""

from __future__ import annotations

import _socket
import os
import sys
import time

from ringlet_py import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_TYPE_BITS, _SOCKET = 0o170000, 0o140000
_ESCAPE = 2  # hexadecimal digits after a percent sign
_BUSY_PAUSE = 0.005  # seconds between two tries to connect while the bus's queue is full
_READ_SIZE = 65536
_MAX_AUTH_LINE = 1024


def bus_addresses(environ: Mapping[str, str], *, run_folder: str = "/run/user") -> list[bytes]:
    """The socket addresses to try, best first; empty if there is no session bus.

    A variable that is set but names no Unix socket (`tcp:`, `autolaunch:`, empty) means that there is no
    bus: whoever set it does not want another one found.  Without the variable (ssh, cron, su) the bus is
    where libdbus looks too, if that socket is ours.
    """
    given = environ.get("DBUS_SESSION_BUS_ADDRESS")
    if given is not None:
        return [address for part in given.split(";") if (address := _unix_address(part))]
    folders = [environ.get("XDG_RUNTIME_DIR", ""), f"{run_folder}/{os.getuid()}"]
    return [os.fsencode(f"{folder}/bus") for folder in folders if folder and _is_our_socket(f"{folder}/bus")][:1]


def _unix_address(text: str) -> bytes:
    transport, _, options = text.partition(":")
    if transport != "unix":
        return b""
    for option in options.split(","):
        key, _, value = option.partition("=")
        raw = _unescaped(value)
        if key == "path" and raw and b"\0" not in raw:
            return raw
        if key == "abstract" and raw:
            return b"\0" + raw
    return b""


def _unescaped(value: str) -> bytes:
    first, *rest = os.fsencode(value).split(b"%")
    try:
        return first + b"".join(_byte(part[:2]) + part[2:] for part in rest)
    except ValueError:
        return b""


def _byte(digits: bytes) -> bytes:
    if len(digits) != _ESCAPE:
        raise ValueError("a percent sign without two digits")
    return bytes.fromhex(digits.decode("ascii"))


def _is_our_socket(path: str) -> bool:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return False
    return status.st_mode & _TYPE_BITS == _SOCKET and status.st_uid == os.getuid()


class Stream:
    """An authenticated connection to a bus, in bytes; every method raises KeychainTimeout at its deadline.

    Deadlines are moments of the clock `now`, in seconds; `limit` is how long connecting may take, and being welcomed.
    """

    __slots__ = ("_buffer", "_is_welcome", "_now", "_socket", "_unsent", "_welcome_within")

    def __init__(self, addresses: Sequence[bytes], *, until: float, limit: float, now: Callable[[], float]) -> None:
        self._now = now
        self._buffer = bytearray()
        self._welcome_within = limit
        # goes out with the first call, which need not wait for the answer: that saves a trip to the bus and back
        self._unsent = _introduction()
        self._is_welcome = False
        self._socket = self._connected(addresses, min(until, now() + limit))
        try:
            _refuse_stranger(self._socket)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of it; the first time with our introduction, whose answer the first `peek` awaits."""
        self._socket.settimeout(self._left(deadline))
        try:
            self._socket.sendall(self._unsent + data)
        except TimeoutError:
            raise _late() from None
        except OSError:
            from ringlet_py.backends.system.dbus_problems import turned_away

            raise (_gone() if self._is_welcome else turned_away()) from None
        self._unsent = b""

    def peek(self, size: int, deadline: float) -> bytes:
        """The next bytes, which stay there to be taken."""
        if not self._is_welcome:
            self._await_welcome(min(deadline, self._now() + self._welcome_within))
        while len(self._buffer) < size:
            self._receive(deadline)
        return bytes(self._buffer[:size])

    def take(self, size: int, deadline: float) -> bytes:
        """The next bytes."""
        data = self.peek(size, deadline)
        del self._buffer[:size]
        return data

    def _receive(self, deadline: float) -> None:
        self._socket.settimeout(self._left(deadline))
        try:
            data = self._socket.recv(_READ_SIZE)
        except TimeoutError:
            raise _late() from None
        except OSError:
            raise _gone() from None
        if not data:
            raise _gone()
        self._buffer += data

    def _left(self, deadline: float) -> float:
        left = deadline - self._now()
        if left <= 0:
            raise _late()
        return left

    def _connected(self, addresses: Sequence[bytes], deadline: float) -> _socket.socket:
        problem: errors.KeychainError | None = None
        for address in addresses:
            try:
                return self._connected_to(address, deadline)
            except OSError as error:
                from ringlet_py.backends.system.dbus_problems import connect_problem

                # what one address forbids is not made "absent" by another that leads nowhere
                if problem is None or isinstance(problem, errors.KeychainAbsent):
                    problem = connect_problem(address, error)
        from ringlet_py.backends.system.dbus_problems import no_bus

        raise problem or no_bus()

    def _connected_to(self, address: bytes, deadline: float) -> _socket.socket:
        plug = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            while not self._connects(plug, address, deadline):
                time.sleep(_BUSY_PAUSE)
        except BaseException:
            plug.close()
            raise
        return plug

    def _connects(self, plug: _socket.socket, address: bytes, deadline: float) -> bool:
        plug.settimeout(self._left(deadline))
        try:
            plug.connect(address)
        except BlockingIOError:
            return False
        return True

    def _await_welcome(self, deadline: float) -> None:
        try:
            line = self._line(deadline)
        except errors.KeychainBroken:
            from ringlet_py.backends.system.dbus_problems import turned_away

            raise turned_away() from None
        if not line.startswith(b"OK "):
            from ringlet_py.backends.system.dbus_problems import unwelcome

            raise unwelcome(line)
        self._is_welcome = True

    def _line(self, deadline: float) -> bytes:
        while b"\r\n" not in self._buffer and len(self._buffer) < _MAX_AUTH_LINE:
            self._receive(deadline)
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return bytes(line)


def _introduction() -> bytes:
    uid = str(os.getuid()).encode().hex()
    return f"\0AUTH EXTERNAL {uid}\r\nBEGIN\r\n".encode()


def _refuse_stranger(plug: _socket.socket) -> None:
    # another user's process at the other end could hand us keys, or be handed ours
    if not hasattr(_socket, "SO_PEERCRED"):
        return
    credentials = plug.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)  # three integers: pid, uid, gid
    uid = int.from_bytes(credentials[4:8], sys.byteorder)
    if uid not in (0, os.getuid()):
        from ringlet_py.backends.system.dbus_problems import denied

        raise denied("it belongs to another user")


def _late() -> errors.KeychainTimeout:
    return errors.KeychainTimeout("the keychain service did not answer in time")


def _gone() -> errors.KeychainBroken:
    return errors.KeychainBroken("the connection to the keychain service was lost", why="the session bus closed it")
