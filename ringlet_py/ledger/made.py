"""The ledger that the settings choose: in a file of this machine, or on a Redis server for several."""

from __future__ import annotations

import os
from contextlib import nullcontext
from functools import cached_property
from typing import TYPE_CHECKING

from ringlet_py.files.private import write_private
from ringlet_py.plans import GENERATION

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from ringlet_py.ledger import Ledger
    from ringlet_py.ledger.claims import Claims
    from ringlet_py.ledger.documents import Documents
    from ringlet_py.ledger.redis.server import RedisServer
    from ringlet_py.ledger.sealed import SealedValues
    from ringlet_py.ledger.sqlite_claims import SqliteClaims
    from ringlet_py.ledger.sqlite_file import SqliteFile
    from ringlet_py.ledger.sqlite_session import Session
    from ringlet_py.ledger.tokens import Callers


class FileLedger:
    """The parts of the ledger in a file, each made when it is asked for."""

    is_shared = False

    def __init__(self, path: str, *, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock

    def expect(self) -> None:
        """Notes whether there is a ledger: one that is there now, and is gone later, is never made anew."""
        self._file.exists()

    def is_busy(self) -> bool:
        """Whether a claim would have to wait for others just now."""
        return self._session.is_busy()

    def hurrying(self) -> AbstractContextManager[None]:
        """Within it, what this thread would have to wait for others for raises KeychainTimeout instead."""
        return self._session.hurrying()

    @cached_property
    def entries(self) -> Ledger:
        """What is known of keys."""
        from ringlet_py.ledger.sqlite import SqliteLedger

        return SqliteLedger(self._path, file=self._file)

    def is_forgetful(self) -> bool:
        """Whether a restart loses what is in it: never, of a file."""
        return False

    def touch(self) -> None:
        """Tells compiled plans that the ledger has changed."""
        write_private(os.path.join(os.path.dirname(self._path), GENERATION), os.urandom(16).hex().encode())

    @cached_property
    def claims(self) -> Claims:
        """What is counted."""
        return self._counting

    @cached_property
    def documents(self) -> Documents:
        """Pools and tiers."""
        return self._counting

    @cached_property
    def callers(self) -> Callers:
        """Tokens and leases."""
        from ringlet_py.ledger.sqlite_callers import SqliteCallers

        return SqliteCallers(self._counting.session)

    @cached_property
    def sealed(self) -> SealedValues:
        """Values that are sealed."""
        from ringlet_py.ledger.sealed_values import SqliteSealedValues

        return SqliteSealedValues(self._session)

    @cached_property
    def _counting(self) -> SqliteClaims:
        from ringlet_py.ledger.clock import SystemClock
        from ringlet_py.ledger.sqlite_claims import SqliteClaims

        return SqliteClaims(self._session, SystemClock(self._clock))

    @cached_property
    def _session(self) -> Session:
        """One for both, since what one connection writes has to be read again by every other."""
        from ringlet_py.ledger.sqlite_session import Session

        return Session(self._file)

    @cached_property
    def _file(self) -> SqliteFile:
        """One for all, so that what has seen it once knows for all when it is gone."""
        from ringlet_py.ledger.sqlite_file import SqliteFile

        return SqliteFile(self._path)


class ServerLedger:
    """The same parts on a Redis server, asked only when one of them is used; `elsewhere` is this machine's own file."""

    is_shared = True

    def __init__(
        self,
        server: RedisServer,
        *,
        elsewhere: str,
        on_error: str,
        clock: Callable[[], float],
        say: Callable[[str], None],
    ) -> None:
        self._server = server
        self._elsewhere = elsewhere
        self._on_error = on_error
        self._clock = clock
        self._say = say

    def touch(self) -> None:
        """Nothing to tell: no plan is compiled from a ledger that others change too."""

    def is_forgetful(self) -> bool:
        """Whether a restart of the server loses what is in it."""
        return self._server.is_forgetful()

    def expect(self) -> None:
        """Nothing to note: who empties a server does not remove a file."""

    def is_busy(self) -> bool:
        """A claim goes there and back, which takes as long as the network does."""
        return True

    def hurrying(self) -> AbstractContextManager[None]:
        """Nothing to hurry: whoever must not wait does not ask a server."""
        return nullcontext()

    @cached_property
    def entries(self) -> Ledger:
        """What is known of keys."""
        from ringlet_py.ledger.redis.entries import RedisLedger

        return RedisLedger(self._server, elsewhere=self._elsewhere)

    @cached_property
    def claims(self) -> Claims:
        """What is counted."""
        from ringlet_py.ledger.redis.made import redis_claims

        return redis_claims(self._server, on_error=self._on_error, say=self._say, clock=self._clock)

    @cached_property
    def documents(self) -> Documents:
        """Pools and tiers."""
        from ringlet_py.ledger.redis.documents import RedisDocuments

        return RedisDocuments(self._server)

    @cached_property
    def callers(self) -> Callers:
        """Tokens and leases."""
        from ringlet_py.ledger.redis.callers import RedisCallers

        return RedisCallers(self._server)

    @cached_property
    def sealed(self) -> SealedValues:
        """Values that are sealed."""
        from ringlet_py.ledger.redis.sealed import RedisSealedValues

        return RedisSealedValues(self._server)


if TYPE_CHECKING:
    LedgerParts = FileLedger | ServerLedger


def ledger_parts(
    chosen: tuple[str, str, str], *, path: str, clock: Callable[[], float], say: Callable[[str], None]
) -> LedgerParts:
    """The ledger of a URL (the file at that path without one), prefix and on-error; ConfigError for a wrong URL."""
    url, prefix, on_error = chosen
    if not url:
        return FileLedger(path, clock=clock)
    from ringlet_py.ledger.redis.made import redis_server

    server = redis_server(url, store=prefix, say=say)
    return ServerLedger(server, elsewhere=path, on_error=on_error, clock=clock, say=say)
