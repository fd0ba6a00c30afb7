"""What the routes below /admin share: who may ask, and what may be a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.daemon.access import admin_of
from ringlet_py.errors import InvalidName
from ringlet_py.values import looks_like_key

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest

    from ringlet_py.app import App
    from ringlet_py.daemon.parts import Daemon


async def for_admin(request: HttpRequest) -> Daemon:
    """The daemon, if the admin asks; else TokenRefused or OutOfScope, whatever the rest of the request is."""
    await admin_of(request)
    daemon: Daemon = request.app.state.daemon
    return daemon


def check_no_key(app: App, name: str) -> None:
    """Raises InvalidName for a name that looks like a key, since names are shown."""
    if looks_like_key(name, app.catalog.providers):
        raise InvalidName("the name looks like a key", why="names are shown", hint="give it a name of your own")
