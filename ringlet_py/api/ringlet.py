"""`Ringlet`: claims keys for a program, and keeps them for it."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, Self

from ringlet_py.api import values
from ringlet_py.api.leases import ClaimedLease
from ringlet_py.app import App
from ringlet_py.entry import DEFAULT_ALIAS
from ringlet_py.fields import chosen, parse_filter
from ringlet_py.lending import explaining

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Unpack

    from ringlet_py.api.values import Fields, Wishes
    from ringlet_py.entry import Entry
    from ringlet_py.lending.explaining import Explained
    from ringlet_py.secret import Secret


class Ringlet:
    """Claims keys, and keeps them; may be shared by threads, and carried over a fork.

    `environ` is the process's own environment unless given, `home` a folder to be taken for the home folder.  `audit`
    overrides the settings (None: as they say), `interactive` is whether a person can be asked to unlock a keychain,
    `clock` gives seconds since 1970.  What ringlet has to say goes to the logger `ringlet_py`.  Raises ConfigError.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        home: str | os.PathLike[str] = "",
        audit: bool | None = None,
        interactive: bool = False,
        clock: Callable[[], float] | None = None,
    ) -> None:
        options: dict[str, Any] = {} if clock is None else {"clock": clock}
        self._app = App(
            values.around(os.environ if environ is None else environ, os.fspath(home)),
            audit=audit,
            interactive=interactive,
            hold=True,
            say=logging.getLogger("ringlet_py").warning,
            **options,
        )
        # both now, in one thread, so that two of them never make a part twice
        self._broker = self._app.broker
        self._lending = self._app.lending

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes what is open; another claim would open it again."""
        self._app.audit.close()
        close = getattr(self._lending.claims, "close", None)
        if close is not None:
            close()

    def claim(self, provider: str = "", **wishes: Unpack[Wishes]) -> ClaimedLease:
        """A key of the provider or of a pool, counted and recorded; see `values.Wishes`.

        Raises PoolExhausted (with `retry_at`, in seconds since 1970) when none is free, after waiting as long as was
        asked for; at once PoolNotFound, PoolEmpty, KeyNotFound, KeyUnusable; AuditUnwritable and KeychainErrors.
        """
        return ClaimedLease(self._broker, self._broker.claim(values.request(provider, wishes)))

    def explain(self, provider: str = "", **wishes: Unpack[Wishes]) -> list[Explained]:
        """Where a claim would look, in this order, and how each key stands, without taking anything."""
        return explaining.explain(self._lending, values.request(provider, wishes))

    def keys(self, where: Mapping[str, str] | None = None) -> list[Entry]:
        """What is known of the keys that are there, sorted; of those whose fields say so: `{"org": "acme"}`."""
        conditions = [parse_filter(f"{name}={value}") for name, value in (where or {}).items()]
        return chosen(self._app.keychain.entries(), conditions, now=self._app.clock())

    def add(
        self,
        provider: str,
        alias: str,
        secret: str | bytes | Secret,
        *,
        replace: bool = False,
        force: bool = False,
        bound: Mapping[str, str | bytes | Secret] | None = None,
        **fields: Unpack[Fields],
    ) -> list[str]:
        """Stores a key with its fields and bound secrets, and returns warnings about it.

        Raises KeyExists without `replace`; without `force` KeySuspicious, KeyDuplicate and ProviderSuspicious;
        InvalidSecret, InvalidField, LimitInvalid, KeychainErrors.
        """
        return self._app.keychain.set(
            values.address(provider, alias),
            values.secret(secret),
            replace=replace,
            force=force,
            fields=values.fields(fields),
            bound={name: values.secret(value) for name, value in (bound or {}).items()},
        )

    def edit(self, provider: str, alias: str = DEFAULT_ALIAS, **fields: Unpack[Fields]) -> Entry:
        """Changes these fields of a key ("" takes one back) and returns what is then known of it; KeyNotFound."""
        ((_, after),) = self._app.keychain.edit([values.address(provider, alias)], values.fields(fields))
        return after

    def remove(self, provider: str, alias: str = DEFAULT_ALIAS) -> None:
        """Takes the key away, with its bound secrets; KeyNotFound."""
        self._app.keychain.remove(values.address(provider, alias))

    def wake(self, provider: str, alias: str = DEFAULT_ALIAS, *, feature: str = "") -> None:
        """Ends the cooldowns of a key and of its org, one that was reported invalid too."""
        self._lending.claims.wake(str(values.address(provider, alias)), feature)
