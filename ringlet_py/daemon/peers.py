"""Who is at the other end of a connection, as far as the system tells."""

from __future__ import annotations

import socket
import struct
import sys

UID = "uid:"  # before the user's number, where others have an IP address
LOOPBACK = "loopback"
_LOCAL_PEERCRED = 1  # <sys/un.h> of macOS and the BSDs


def uid_of(one: socket.socket) -> int:
    """The user at the other end of a Unix socket, as the kernel knows it."""
    if sys.platform == "linux":
        size = struct.calcsize("3i")
        return int(struct.unpack("3i", one.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1])
    # struct xucred: its version, the user, and groups
    return int(struct.unpack_from("=II", one.getsockopt(0, _LOCAL_PEERCRED, 128))[1])


def is_unix(host: str) -> bool:
    """Whether a request's client came through the Unix socket."""
    return host.startswith(UID)


def name_of(host: str) -> str:
    """The peer as failures are counted and recorded: programs on loopback share addresses, so they are one."""
    return host if is_unix(host) else LOOPBACK
