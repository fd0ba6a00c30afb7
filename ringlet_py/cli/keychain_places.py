"""The backends by their names: each of them, the one in use, and how another is taken into use."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ringlet_py.errors import KeychainAbsent, KeychainLocked, RingletError
from ringlet_py.keychain.fingerprints import RESERVED

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.app import App
    from ringlet_py.backends import Backend

PLACES = ("system", "file", "sealed")


def backend_named(app: App, name: str) -> Backend:
    """The backend of that name, of PLACES, whether it is in use or not."""
    if name == "system":
        return app.system_backend()
    return app.file_backend() if name == "file" else app.sealed


def meant_by(app: App, choice: str) -> str:
    """The name of the backend that a choice in config.toml means: without a keychain `system` means the file."""
    if choice not in ("system", "system-only"):
        return choice
    return "file" if choice == "system" and _is_absent(app.system_backend()) else "system"


def _is_absent(backend: Backend) -> bool:
    try:
        backend.check()
    except RingletError as problem:
        return isinstance(problem, KeychainAbsent)
    return False


def check_usable(app: App, backend: Backend) -> None:
    """Raises what storing a key there would raise, as far as that is known before it is done; changes nothing."""
    kind = app.settings.master_key
    if backend.name != "sealed" or app.sealed.keys.values.keys():
        backend.check()
    elif kind == "env":
        app.sealed.keys.master(kind).make("", "", rotating=False)  # reads the variable, and does no more
    elif kind == "passphrase" and not app.interactive:
        hint = "run it at a terminal, or first: ringlet config set sealed.master-key file (or: env)"
        raise KeychainLocked("the passphrase of the sealed keys can only be typed at a terminal", hint=hint)
    elif kind == "system":
        try:
            app.system_backend().check()
        except KeychainAbsent as problem:
            hint = "ringlet config set sealed.master-key file (or: env, passphrase)"
            raise KeychainAbsent(problem.what, why="the master key is to be there", hint=hint) from None


def keys_elsewhere(app: App, name: str) -> dict[str, int | None]:
    """How many keys are in the other backends, by their names: None where that cannot be told; unlocks nothing."""
    counts = {
        "system": lambda: sum(entry.backend == "system" for entry in app.kept.entries.entries()),
        "file": lambda: _keys(app.file_backend()),
        "sealed": lambda: sum("#" not in address for address in app.kept.sealed.addresses()),
    }
    return {place: _told(count) for place, count in counts.items() if place != name}


def _keys(backend: Backend) -> int:
    return sum(not address.field and address != RESERVED for address in backend.names() or [])


def _told(count: Callable[[], int]) -> int | None:
    try:
        return count()
    except (RingletError, OSError):
        return None


def in_use(app: App) -> str:
    """The name of the backend in use: the OS keychain may have to be asked whether it is there."""
    with suppress(RingletError):  # a locked one is in use too; whatever else is wrong comes up when it is read
        app.backend.check()
    return app.backend.name


def use_backend(app: App, name: str) -> None:
    """Says in config.toml which backend is in use, and leaves all else in it as it is."""
    from ringlet_py.configuring.changing import change  # slow to import
    from ringlet_py.configuring.known import setting_named

    def first(words: str) -> None:
        app.audit.append("config-set", "ok", purpose=words)

    change(app.folders.config_file, app.environ, setting_named("credentials.backend"), name, first=first)
