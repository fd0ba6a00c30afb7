"""`config.toml` and the environment, checked and frozen into one `Settings`."""

from __future__ import annotations

import os

from ringlet_py import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.document import Source

BACKENDS = ("system", "file", "system-only")
ON_ERROR = ("refuse", "warn")
TIMEOUT_VARIABLE = "RINGLET_KEYCHAIN_TIMEOUT"
DEFAULT_AUDIT_SIZE = 10 * 1024 * 1024
MAX_TIMEOUT = 3600.0


class Settings:
    """What the user has chosen; `keychain_timeout` in seconds, 0 for ringlet's own limits."""

    __slots__ = ("audit", "audit_max_size", "audit_on_error", "backend", "keychain_timeout")

    def __init__(
        self,
        *,
        backend: str = "system",
        audit: bool = True,
        audit_max_size: int = DEFAULT_AUDIT_SIZE,
        audit_on_error: str = "refuse",
        keychain_timeout: float = 0.0,
    ) -> None:
        self.backend = backend
        self.audit = audit
        self.audit_max_size = audit_max_size
        self.audit_on_error = audit_on_error
        self.keychain_timeout = keychain_timeout


def load_settings(path: str, environ: Mapping[str, str]) -> Settings:
    """The settings of config.toml at that path; a missing file means the defaults, a wrong one is an error."""
    from ringlet_py.document import Source
    from ringlet_py.files.trusted import read_trusted

    try:
        text = read_trusted(path)
    except FileNotFoundError:
        if os.path.islink(path):
            raise errors.ConfigError(f"{path} is a link to nothing", hint=f"ls -l {path}") from None
        text = ""
    return _read(Source(path=path, text=text), environ)


def _read(source: Source, environ: Mapping[str, str]) -> Settings:
    root = source.root()
    credentials, audit = root.table("credentials"), root.table("audit")
    settings = Settings(
        backend=credentials.choice("backend", BACKENDS, "system"),
        audit=audit.flag("enabled", default=True),
        audit_max_size=audit.number("max-size", DEFAULT_AUDIT_SIZE, least=4096),
        audit_on_error=audit.choice("on-error", ON_ERROR, "refuse"),
        keychain_timeout=keychain_timeout(environ),
    )
    for table in (credentials, audit, root):
        table.done()
    return settings


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
