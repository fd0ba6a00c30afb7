"""The app anew when the settings have changed, without losing what the old one holds open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.settings import load_ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.app import App
    from ringlet_py.settings import Settings


class Renewal:
    """Makes the next app; parts that would be made just as they are go along.

    An open ledger keeps its connections, and an opened backend what a person may have typed a passphrase for.
    """

    def __init__(self, app: App, make: Callable[[], App]) -> None:
        self._make = make
        self._ledger = load_ledger(app.folders.config_file, app.environ)

    def __call__(self, old: App) -> App:
        """The app as settings and catalog say now; ConfigError, and nothing is changed, if these are wrong."""
        new = self._make()
        new.say = old.say
        new.catalog.providers, new.catalog.agents  # noqa: B018 - read now: a file that is wrong must change nothing
        settings, ledger = new.settings, load_ledger(new.folders.config_file, new.environ)
        if ledger == self._ledger:
            new.kept = old.kept
            if _of_backend(settings) == _of_backend(old.settings):
                _take_along(old, new)
        if _of_audit(settings) == _of_audit(old.settings):
            new.audit = old.audit
        else:
            old.audit.close()  # a record that is still to come opens it again
        self._ledger = ledger
        return new


def _take_along(old: App, new: App) -> None:
    for name in ("backend", "sealed"):
        if name in vars(old):
            setattr(new, name, getattr(old, name))


def _of_backend(settings: Settings) -> tuple[object, ...]:
    return settings.backend, settings.master_key, settings.keychain_timeout


def _of_audit(settings: Settings) -> tuple[object, ...]:
    return settings.audit, settings.audit_max_size, settings.audit_on_error
