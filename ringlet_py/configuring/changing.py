"""Settings changed in config.toml, with everything else in it left as it is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ringlet_py.configuring.known import FALSE, TRUE, shown
from ringlet_py.document import Source
from ringlet_py.errors import ConfigError, UsageError
from ringlet_py.files.private import Lock, make_private_folder, write_private
from ringlet_py.settings import read_settings, read_source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ringlet_py.configuring.known import Setting, Value


def typed(setting: Setting, text: str) -> Value:
    """The text as the kind of value that the setting has; raises UsageError."""
    if isinstance(setting.default, bool):
        if text not in (TRUE, FALSE):
            raise UsageError(f"{setting.name} is {TRUE} or {FALSE}", hint=f"ringlet config set {setting.name} {TRUE}")
        return text == TRUE
    if isinstance(setting.default, int):
        if not (text.isascii() and text.isdigit()):
            raise UsageError(f"{setting.name} is a whole number", hint=f"ringlet config set {setting.name} 10485760")
        return int(text)
    if isinstance(setting.default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if setting.holds_password:
        _check_url(text)
    return text


def _check_url(text: str) -> None:
    """Raises UsageError, which quotes nothing of it, for a text that is no ledger's URL."""
    from ringlet_py.ledger.redis.url import RedisUrl

    try:
        RedisUrl(text)
    except ConfigError as mistake:
        raise UsageError(mistake.what, why=mistake.why, hint=mistake.hint) from None


def change(
    path: str,
    environ: Mapping[str, str],
    setting: Setting,
    value: Value | None,
    *,
    first: Callable[[str], None] = lambda _: None,
) -> bool:
    """Sets the setting in config.toml, or takes it out (None); whether that changed anything.

    `first` is told in words what changes, just before it does; nothing is changed if it raises.  Comments and
    everything else stay.  Raises UsageError for a value that the setting cannot have, and ConfigError for a file that
    is wrong already or cannot be edited.
    """
    target = os.path.realpath(path)  # dotfile managers keep the file itself elsewhere
    make_private_folder(os.path.dirname(path))
    with Lock(f"{path}.lock"):
        before = read_source(path)
        after = _edited(before.text, setting, value)
        if after == before.text:
            return False
        _check(Source(path=path, text=after), before, environ)
        first(f"{setting.name}: {_told(setting, _value_in(before.text, setting))} -> {_told(setting, value)}")
        write_private(target, after.encode())
    return True


def _check(after: Source, before: Source, environ: Mapping[str, str]) -> None:
    """Reads the new text as strictly as ever; a mistake that was not there before is the value's."""
    try:
        read_settings(after, environ)
    except ConfigError as mistake:
        if _is_wrong(before, environ):
            raise
        what = mistake.what.split(": ", 1)[-1]
        raise UsageError(what, why=mistake.why, hint="nothing was written: ringlet config explain") from None


def _is_wrong(source: Source, environ: Mapping[str, str]) -> bool:
    try:
        read_settings(source, environ)
    except ConfigError:
        return True
    return False


def _value_in(text: str, setting: Setting) -> Any:
    from ringlet_py.files.toml_editing import edit

    table, key = setting.place
    found: Any = edit(text).get(table)
    return found.get(key) if hasattr(found, "get") else None


def _told(setting: Setting, value: Any) -> str:
    """The value for the record, where it cannot be but one of a few or a number; else it could be a secret."""
    if value is None:
        return "(default)"
    if isinstance(value, int):
        return str(shown(setting, value))
    parts = value if isinstance(value, (list, tuple)) else [value]
    return ",".join(parts) if set(parts) <= set(setting.choices) else "(not shown)"


def _edited(text: str, setting: Setting, value: Value | None) -> str:
    """The text with the value set or taken out; what it says is compared with what it should say."""
    from ringlet_py.files.toml_editing import dump, edit, new_table  # slow to import

    table, key = setting.place
    document: Any = edit(text)
    if value is None:
        document.get(table, {}).pop(key, None)
        return dump(document)
    if table not in document:
        document[table] = new_table()
    document[table][key] = list(value) if isinstance(value, tuple) else value
    return dump(document)
