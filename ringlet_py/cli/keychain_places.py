"""The backends by their names: each of them, the one in use, and how another is taken into use."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ringlet_py.errors import RingletError

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.backends import Backend

PLACES = ("system", "file", "sealed")


def backend_named(app: App, name: str) -> Backend:
    """The backend of that name, of PLACES, whether it is in use or not."""
    if name == "system":
        return app.system_backend()
    return app.file_backend() if name == "file" else app.sealed


def in_use(app: App) -> str:
    """The name of the backend in use: the OS keychain may have to be asked whether it is there."""
    with suppress(RingletError):  # a locked one is in use too; whatever else is wrong comes up when it is read
        app.backend.check()
    return app.backend.name


def use_backend(app: App, name: str) -> None:
    """Says in config.toml which backend is in use, and leaves all else in it as it is."""
    from ringlet_py.configuring.changing import change  # slow to import
    from ringlet_py.configuring.known import setting_named

    change(app.folders.config_file, app.environ, setting_named("credentials.backend"), name)
