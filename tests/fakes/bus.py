"""A bus that says what a test tells it to: for everything that a real dbus-daemon would never do."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Script = Callable[[socket.socket], None]

GREETING = b"OK 0123456789abcdef0123456789abcdef\r\n"


@contextlib.contextmanager
def scripted_bus(script: Script) -> Iterator[dict[str, str]]:
    """The environment in which the session bus is this script, which gets each connection once."""
    with tempfile.TemporaryDirectory(prefix="rl-", dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as listener:
        path = str(Path(folder) / "bus")
        listener.bind(path)
        listener.listen()
        thread = threading.Thread(target=_serve, args=(listener, script), daemon=True)
        thread.start()
        yield {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={path}"}
        # wakes the accept(), which closing alone does not
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def after_greeting(script: Script) -> Script:
    """The script, once the client has introduced itself and called; the answer to both comes only then."""

    def greet_first(plug: socket.socket) -> None:
        said = b""
        while not said.partition(b"BEGIN\r\n")[2]:
            heard = plug.recv(4096)
            if not heard:
                return
            said += heard
        plug.sendall(GREETING)
        script(plug)

    return greet_first


def sends(data: bytes, *, then_waits: bool = True) -> Script:
    """A script that sends these bytes, and then waits until the client has gone."""

    def send(plug: socket.socket) -> None:
        plug.sendall(data)
        while then_waits and plug.recv(4096):
            continue

    return send


def _serve(listener: socket.socket, script: Script) -> None:
    with contextlib.suppress(OSError):
        while True:
            plug, _ = listener.accept()
            with plug, contextlib.suppress(OSError):
                script(plug)
