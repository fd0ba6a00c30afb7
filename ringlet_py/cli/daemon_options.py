"""What several commands of `ringlet daemon` take."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from ringlet_py.errors import UsageError

ListenAt = Annotated[
    str,
    typer.Option("--listen", metavar="ADDRESS:PORT", help="127.0.0.1, [::1] or localhost, which is both; port 0: any."),
]
SocketOnly = Annotated[bool, typer.Option("--socket", help="Listen on the Unix socket alone, on no port.")]
PATIENCE = 30.0  # seconds for the requests that are under way when it is stopped
Json = Annotated[bool, typer.Option("--json", help="Show one JSON object.")]


def words_of(listen: str, *, socket: bool) -> list[str]:
    """The options as they stand on a command line, when they make sense."""
    from ringlet_py.daemon.binding import Listen

    if socket and (listen or os.name == "nt"):
        why = "Windows has no Unix sockets that Python can use" if os.name == "nt" else ""
        raise UsageError("--socket is for a Unix socket and no port", why=why, hint="leave out --socket")
    if listen:
        Listen.parse(listen)
    return ["--socket"] if socket else ["--listen", listen] if listen else []
