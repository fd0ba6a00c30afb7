"""The settings there are, each with its words and its default; the reference is written from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringlet_py.errors import UsageError
from ringlet_py.settings import (
    BACKENDS,
    DEFAULT_AUDIT_SIZE,
    LEDGER_ON_ERROR,
    MASTER_KEYS,
    ON_ERROR,
    PLACES,
    TIMEOUT_VARIABLE,
    URL_VARIABLE,
)
from ringlet_py.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    Value = str | bool | int | tuple[str, ...]

TRUE, FALSE = "true", "false"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting; `name` has its table before the dot, and none for what only a variable or an option sets.

    `choices` are the values that it may have, where these are settled (of a list, its members); `weakens` says what
    follows from a value that protects less than the default; `flag` and `variable` win over the file.
    """

    name: str
    words: str
    default: Value
    variable: str = ""
    flag: str = ""
    choices: tuple[str, ...] = ()
    weakens: Mapping[str, str]
    holds_password: bool = False

    @property
    def in_file(self) -> bool:
        """Whether it has a place in config.toml."""
        return "." in self.name

    @property
    def place(self) -> tuple[str, str]:
        """Its table and its key in config.toml."""
        table, _, key = self.name.partition(".")
        return table, key


def _setting(name: str, default: Value, words: str, **more: Any) -> Setting:
    return Setting(name=name, default=default, words=words, **{"weakens": {}, **more})


SETTINGS = (
    _setting(
        "credentials.backend",
        "system",
        "`system` (default): the OS keychain, and the file only where there is no keychain. "
        "`file`: the file. `system-only`: the OS keychain or an error. "
        "`sealed`: encrypted in the ledger (needs the extra `sealed`).",
        choices=BACKENDS,
        weakens={"file": "keys are stored in a file from now on: readable by you alone, and not encrypted"},
    ),
    _setting(
        "sealed.master-key",
        "system",
        "What opens sealed values. `system` (default): a key in the OS keychain. "
        "`file`: `master.key` in the config folder. `env`: `RINGLET_MASTER_KEY`. `passphrase`: typed at a terminal. "
        "Counts for the first sealed value, and from the next `ringlet sealed rotate`.",
        choices=MASTER_KEYS,
        weakens={
            "file": "whoever can read master.key and the ledger can then open every sealed value",
            "env": "whoever can read the variable and the ledger can then open every sealed value",
        },
    ),
    _setting(
        "audit.enabled",
        True,  # noqa: FBT003 - its default
        "`false` records nothing; `--audit-log` and `--no-audit-log` win over it. Default `true`.",
        choices=(TRUE, FALSE),
        flag="--audit-log/--no-audit-log",
        weakens={FALSE: "no access is recorded from now on: nobody can tell later who used which key"},
    ),
    _setting(
        "audit.max-size",
        DEFAULT_AUDIT_SIZE,
        "Bytes after which the log is put aside and the next file begins. Default 10485760, at least 4096.",
    ),
    _setting(
        "audit.on-error",
        "refuse",
        "`refuse` (default): a key whose record cannot be written is not handed over. `warn`: it is, with a warning.",
        choices=ON_ERROR,
        weakens={"warn": "a key is lent from now on even if no record of it can be written"},
    ),
    _setting(
        "ledger.url",
        "",
        "`redis://…` or `rediss://…`: the ledger is on that Redis server, for several machines "
        "(needs the extra `redis`); `unix:///…` for a socket. Without it: a file in the state folder. "
        "With a password in it, the file must be readable by you alone.",
        variable=URL_VARIABLE,
        holds_password=True,
    ),
    _setting(
        "lending.places",
        PLACES,
        "Where keys are looked for when a provider, and no pool, is named: `own` (of the user), "
        "`channel`, `everyone`, `environment` (the provider's variable). Default: all of them, always in this order.",
        choices=PLACES,
    ),
    _setting("ledger.prefix", "default", "Which of several ledgers on that server. Default `default`."),
    _setting(
        "ledger.on-error",
        "refuse",
        "`refuse` (default): no key is handed out while the server cannot be asked. "
        "`allow`: a program that runs already goes on with the keys it knew, uncounted, with a warning.",
        choices=LEDGER_ON_ERROR,
        weakens={"allow": "while the server cannot be asked, keys are lent uncounted: limits do not hold then"},
    ),
    _setting(
        "keychain-timeout",
        "",
        "Seconds to wait for the keychain and for the person who unlocks it. "
        "Without it: 30 in all, and 60 for a window that somebody can see.",
        variable=TIMEOUT_VARIABLE,
    ),
    _setting(
        "non-interactive",
        False,  # noqa: FBT003 - its default
        "Never ask; fail instead.",
        variable="RINGLET_NON_INTERACTIVE",
        flag="--non-interactive",
    ),
)


def setting_named(name: str) -> Setting:
    """The setting of that name; raises UsageError with the nearest one."""
    known = {setting.name: setting for setting in SETTINGS}
    if name in known:
        return known[name]
    by_key = {setting.place[1]: setting.name for setting in SETTINGS if setting.in_file}
    near = by_key.get(name) or nearest(name, known) or by_key.get(nearest(name, by_key), "")
    why = f"did you mean {near}?" if near else f"there are: {', '.join(known)}"
    raise UsageError(f"there is no setting {name!a}", why=why, hint="ringlet config list")


def shown(setting: Setting, value: object) -> str | None:
    """A value as people write and see it: no password of a URL."""
    if value is None:
        return None
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return _without_password(str(value)) if setting.holds_password else str(value)


def _without_password(url: str) -> str:
    """The URL without all that stands before the server, and without options."""
    scheme, mark, rest = url.partition("://")
    before, at, server = rest.rpartition("@")
    return f"{scheme}{mark}***@{server}" if before and at else url
