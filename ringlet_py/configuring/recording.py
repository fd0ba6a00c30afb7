"""Settings changed, and the change recorded: what, from which value to which, and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.app import App
from ringlet_py.configuring.changing import change
from ringlet_py.errors import ConfigError
from ringlet_py.files.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.audit import Recorder
    from ringlet_py.configuring.known import Setting, Value


def change_recorded(
    environ: Mapping[str, str], setting: Setting, value: Value | None, *, audit: bool | None = None, config: str = ""
) -> bool:
    """As `changing.change`, with a record of it; `audit` overrides the settings (None: as they say).

    `config` is the file that is changed, "" for the ordinary one; the record names any other.

    The record is written before the change, by the audit as it was set then, and raises AuditUnwritable in the place
    of the change.  It is written after it where the change is what switches the audit on, or mends config.toml.
    """
    action = f"config-{'unset' if value is None else 'set'}"
    before = _recorder(environ, audit=audit, config=config)
    told: list[str] = []

    def first(words: str) -> None:
        told.append(f"{words} (in {config})" if config else words)
        if before:
            before.append(action, "ok", purpose=told[0])

    changed = change(Folders.of(environ, config).config_file, environ, setting, value, first=first)
    after = None if before else _recorder(environ, audit=audit, config=config)
    if after and changed:
        after.append(action, "ok", purpose=told[0])
    return changed


def _recorder(environ: Mapping[str, str], *, audit: bool | None, config: str) -> Recorder | None:
    """The audit by what config.toml says now; None if it is off, or the file wrong."""
    app = App(environ, audit=audit, config=config)
    try:
        return app.audit if (app.settings.audit if audit is None else audit) else None
    except ConfigError:
        return None
