"""`config.toml` and the environment, checked and frozen into one `Settings`."""

from __future__ import annotations

import os

from ringlet_py import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.document import Source, Table

BACKENDS = ("system", "file", "system-only", "sealed")
MASTER_KEYS = ("system", "env", "file", "passphrase")
ON_ERROR = ("refuse", "warn")
LEDGER_ON_ERROR = ("refuse", "allow")
PLACES = ("own", "channel", "everyone", "environment")  # where keys are looked for, in this order
TIMEOUT_VARIABLE = "RINGLET_KEYCHAIN_TIMEOUT"
URL_VARIABLE = "RINGLET_LEDGER_URL"
DEFAULT_AUDIT_SIZE = 10 * 1024 * 1024
MAX_TIMEOUT = 3600.0


class Settings:
    """What the user has chosen; `keychain_timeout` in seconds, 0 for ringlet's own limits."""

    __slots__ = ("audit", "audit_max_size", "audit_on_error", "backend", "keychain_timeout", "master_key")

    def __init__(
        self,
        *,
        backend: str = "system",
        audit: bool = True,
        audit_max_size: int = DEFAULT_AUDIT_SIZE,
        audit_on_error: str = "refuse",
        keychain_timeout: float = 0.0,
        master_key: str = "system",
    ) -> None:
        self.backend = backend
        self.audit = audit
        self.audit_max_size = audit_max_size
        self.audit_on_error = audit_on_error
        self.keychain_timeout = keychain_timeout
        self.master_key = master_key


def load_settings(path: str, environ: Mapping[str, str]) -> Settings:
    """The settings of config.toml at that path; a missing file means the defaults, a wrong one is an error."""
    return read_settings(read_source(path), environ)


def load_ledger(path: str, environ: Mapping[str, str]) -> tuple[str, str, str]:
    """The ledger's URL ("": the embedded one), prefix and on-error, from config.toml and RINGLET_LEDGER_URL.

    Apart from Settings, since these are kept with compiled plans and the URL may hold a password.
    """
    url, prefix, on_error = _ledger(read_source(path).root().table("ledger"))
    if "@" in url and os.name == "posix" and os.stat(path).st_mode & 0o077:
        from ringlet_py.files.checks import quoted

        what = f"{path} can be read by others, and holds the password of the ledger"
        raise errors.InsecurePermissions(what, hint=f"chmod 600 {quoted(path)}")
    return environ.get(URL_VARIABLE, "") or url, prefix, on_error


def load_places(path: str) -> tuple[str, ...]:
    """Where keys are looked for when none is named; of PLACES, in their order."""
    return _places(read_source(path).root().table("lending"))


def read_source(path: str) -> Source:
    """The text of config.toml at that path, "" if there is none; raises as reading it does."""
    from ringlet_py.document import Source
    from ringlet_py.files.trusted import read_trusted

    try:
        text = read_trusted(path)
    except FileNotFoundError:
        if os.path.islink(path):
            raise errors.ConfigError(f"{path} is a link to nothing", hint=f"ls -l {path}") from None
        text = ""
    return Source(path=path, text=text)


def read_settings(source: Source, environ: Mapping[str, str]) -> Settings:
    """The settings that the text is; ConfigError, with file and line, for anything wrong in it."""
    root = source.root()
    credentials, audit, sealed = root.table("credentials"), root.table("audit"), root.table("sealed")
    settings = Settings(
        backend=credentials.choice("backend", BACKENDS, "system"),
        audit=audit.flag("enabled", default=True),
        audit_max_size=audit.number("max-size", DEFAULT_AUDIT_SIZE, least=4096),
        audit_on_error=audit.choice("on-error", ON_ERROR, "refuse"),
        keychain_timeout=keychain_timeout(environ),
        master_key=sealed.choice("master-key", MASTER_KEYS, "system"),
    )
    _ledger(root.table("ledger"))
    _places(root.table("lending"))
    for table in (credentials, audit, sealed, root):
        table.done()
    return settings


def _ledger(table: Table) -> tuple[str, str, str]:
    from ringlet_py.entry import check_name

    chosen = table.text("url", ""), table.text("prefix", "default"), table.choice("on-error", LEDGER_ON_ERROR, "refuse")
    table.done()
    try:
        check_name("ledger's prefix", chosen[1])
    except errors.InvalidName as problem:
        raise table.wrong(problem.what, "prefix", why=problem.hint) from None
    return chosen


def _places(table: Table) -> tuple[str, ...]:
    from ringlet_py.suggest import did_you_mean

    chosen = table.texts("places") or PLACES
    table.done()
    for place in chosen:
        if place not in PLACES:
            raise table.wrong(f"places: {place!r} is not known", "places", why=did_you_mean(place, PLACES))
    return tuple(place for place in PLACES if place in chosen)


def keychain_timeout(environ: Mapping[str, str]) -> float:
    """The seconds in RINGLET_KEYCHAIN_TIMEOUT; 0 if it is not set, ConfigError if it is not a sensible number."""
    text = environ.get(TIMEOUT_VARIABLE, "")
    if not text:
        return 0.0
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_TIMEOUT:  # also false for NaN
        raise errors.ConfigError(
            f"{TIMEOUT_VARIABLE}={text!r} is not a number of seconds", hint=f"export {TIMEOUT_VARIABLE}=60"
        )
    return seconds
