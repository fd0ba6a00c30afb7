"""A home folder that was never used, and what completion offers there."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from ringlet_py.completion.candidates import candidates
from ringlet_py.entry import Address, Entry
from ringlet_py.ledger.clock import SystemClock
from ringlet_py.ledger.sqlite import SqliteLedger
from ringlet_py.ledger.sqlite_callers import SqliteCallers
from ringlet_py.ledger.sqlite_claims import SqliteClaims
from ringlet_py.ledger.sqlite_file import SqliteFile
from ringlet_py.ledger.sqlite_session import Session
from ringlet_py.ledger.tokens import Token
from ringlet_py.pools import PoolStore, TierStore

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = 'agent = "claude"\nprovider = "anthropic"\n'


class World:
    """The home, its folders, and what is offered."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {"HOME": str(home)}
        self.profiles = home / ".ringlet/profiles"
        self.config = home / ".config/ringlet"
        self.ledger = home / ".local/state/ringlet/ledger.sqlite"

    def offers(self, *words: str) -> list[str] | None:
        found = candidates(list(words), self.environ)
        return None if found is None else list(found)

    def profile(self, name: str) -> None:
        (self.profiles / name).mkdir(parents=True)
        (self.profiles / name / "ringlet.toml").write_text(PROFILE)

    def document(self, name: str) -> None:
        path = self.config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def key(self, address: str) -> None:
        self.ledger.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        SqliteLedger(str(self.ledger)).put(Entry(Address.parse(address), backend="file"))

    def pool(self, name: str) -> None:
        with self._documents() as documents:
            PoolStore(documents).create(name, {"provider": "openai"})

    def tier(self, name: str) -> None:
        with self._documents() as documents:
            TierStore(documents).put(name, {"image": "1/minute"})

    def token(self, name: str) -> None:
        with self._documents() as documents:
            SqliteCallers(documents.session).add_token(Token(id=name, name=name, digest=name))

    def _documents(self) -> closing[SqliteClaims]:
        self.ledger.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return closing(SqliteClaims(Session(SqliteFile(str(self.ledger))), SystemClock(lambda: 0.0)))

    def files(self) -> set[Path]:
        return set(self.home.rglob("*"))
