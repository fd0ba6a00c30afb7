from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from ringlet_py.errors import InsecurePermissions, StoreCorrupt
from ringlet_py.ledger.claims import Claim, Member, Refused, Rest, Taken, Turn
from ringlet_py.ledger.clock import SystemClock
from ringlet_py.ledger.migrations import MIGRATIONS
from ringlet_py.ledger.sqlite_callers import SqliteCallers
from ringlet_py.ledger.sqlite_claims import SqliteClaims
from ringlet_py.ledger.sqlite_file import SqliteFile
from ringlet_py.ledger.sqlite_session import Session
from ringlet_py.limits import NEVER, Rate
from tests.ledger.tokens_contract import CallersContract, at_once, lease, token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite"


@pytest.fixture
def sessions(path: Path) -> Iterator[Callable[[], Session]]:
    made: list[Session] = []

    def make() -> Session:
        made.append(Session(SqliteFile(str(path))))
        return made[-1]

    yield make
    for session in made:
        session.close()


@pytest.fixture
def session(sessions: Callable[[], Session]) -> Session:
    return sessions()


@pytest.fixture
def callers(session: Session) -> SqliteCallers:
    return SqliteCallers(session)


@pytest.fixture
def claims(session: Session) -> SqliteClaims:
    return SqliteClaims(session, SystemClock(lambda: 1000.0))


@pytest.fixture
def others(sessions: Callable[[], Session]) -> Callable[[], SqliteCallers]:
    return lambda: SqliteCallers(sessions())


class TestSqliteCallers(CallersContract):
    pass


class TestTheFile:
    def test_reading_and_taking_away_make_none(self, callers: SqliteCallers, tmp_path: Path):
        callers.tokens(), callers.chain("x"), callers.lease("x"), callers.leases()
        callers.remove_token("x")
        callers.forget_leases(5)
        callers.change_token(token("a"), token("a"))
        callers.change_lease(lease("a"), lease("a"))

        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "verb", ["add_token", "change_token", "remove_token", "add_lease", "change_lease", "forget"]
    )
    def test_every_change_is_on_disk_when_it_returns_and_claims_are_as_fast_as_before(
        self, callers: SqliteCallers, session: Session, verb: str
    ):
        session.write(lambda _: None)
        assert session._open is not None
        said: list[str] = []
        session._open.connection.set_trace_callback(said.append)
        verbs: dict[str, Callable[[], object]] = {
            "add_token": lambda: callers.add_token(token("a")),
            "change_token": lambda: callers.change_token(token("a"), token("a")),
            "remove_token": lambda: callers.remove_token("a"),
            "add_lease": lambda: callers.add_lease(lease("a")),
            "change_lease": lambda: callers.change_lease(lease("a"), lease("a")),
            "forget": lambda: callers.forget_leases(5),
        }
        verbs[verb]()

        assert said[:2] == ["PRAGMA synchronous = FULL", "BEGIN IMMEDIATE"]
        assert said[-2:] == ["COMMIT", "PRAGMA synchronous = NORMAL"]

    def test_after_a_change_that_failed_claims_are_as_fast_as_before(self, session: Session):
        for durable in (True, False):
            with pytest.raises(ZeroDivisionError):
                session.write(lambda _: 1 / 0, durable=durable)
        modes = [session.write(_synchronous, durable=durable) for durable in (True, False, True)]

        assert modes == [2, 1, 2]

    def test_a_file_that_others_may_read_is_refused(self, callers: SqliteCallers, path: Path):
        callers.add_token(token("a"))
        path.chmod(0o644)

        for verb in (callers.tokens, callers.leases, lambda: callers.chain("x"), lambda: callers.remove_token("x")):
            with pytest.raises(InsecurePermissions):
                verb()

    @pytest.mark.parametrize("column", ["scope", "expires_at", "name"])
    def test_what_cannot_be_a_token_is_refused(self, callers: SqliteCallers, path: Path, column: str):
        callers.add_token(token("a"))
        edit(path, f"UPDATE tokens SET {column} = ?", b"\xff")  # noqa: S608

        for verb in (callers.tokens, lambda: callers.chain("digest-a")):
            with pytest.raises(StoreCorrupt, match="not a ledger"):
                verb()

    def test_what_cannot_be_a_lease_is_refused(self, callers: SqliteCallers, path: Path):
        callers.add_lease(lease("a"))
        edit(path, "UPDATE leases SET ended_at = ?", "soon")

        for verb in (callers.leases, lambda: callers.lease("a")):
            with pytest.raises(StoreCorrupt, match="not a ledger"):
                verb()

    def test_tokens_that_were_made_to_stand_under_each_other_let_nobody_in_and_can_be_removed(
        self, callers: SqliteCallers, path: Path
    ):
        callers.add_token(token("a"))
        callers.add_token(token("b", "id-a"))
        edit(path, "UPDATE tokens SET parent = ? WHERE id = 'id-a'", "id-b")

        assert callers.chain("digest-a") == callers.chain("digest-b") == []
        assert sorted(callers.remove_token("id-a")) == ["id-a", "id-b"]

    def test_a_token_whose_parent_was_taken_out_by_hand_lets_nobody_in(self, callers: SqliteCallers, path: Path):
        callers.add_token(token("a"))
        callers.add_token(token("b", "id-a"))
        edit(path, "DELETE FROM tokens WHERE id = ?", "id-a")

        assert callers.chain("digest-b") == []


class TestEarlierVersions:
    @pytest.mark.parametrize("version", range(len(MIGRATIONS)))
    def test_a_ledger_of_each_earlier_version_takes_tokens_and_leases(self, path: Path, version: int):
        with SqliteFile(str(path), migrations=MIGRATIONS[:version]).writing():
            pass
        session = Session(SqliteFile(str(path)))
        with closing(session):
            callers = SqliteCallers(session)
            assert callers.tokens() == []
            assert callers.add_token(token("a"))
            callers.add_lease(lease("l"))

            assert callers.chain("digest-a") == [token("a")]
            assert callers.leases() == [lease("l")]

    def test_a_ledger_that_counted_before_there_were_tokens_keeps_what_it_counted(self, path: Path):
        """The fourth version is the first with claims, and the last without tokens."""
        wall = SystemClock(lambda: 1_795_000_000.0)
        old = Session(SqliteFile(str(path), migrations=MIGRATIONS[:4]))
        with closing(old):
            claims = SqliteClaims(old, wall)
            turn, before = Turn(pool="p", provider="openai", feature="", policy="first"), claims.version()
            claims.enlist(turn, [Member(address="openai/a", rates=(Rate.parse("1"),))], version=before)
            claims.rest(Rest(provider="openai", address="openai/b", until=NEVER, why="invalid"))
            assert isinstance(claims.claim(Claim(turn=turn, version=before, lease="l")), Taken)
        new = Session(SqliteFile(str(path)))
        with closing(new):
            claims = SqliteClaims(new, wall)
            SqliteCallers(new).add_token(token("a"))

            assert claims.version() == before
            assert claims.resting() == {"openai/b": NEVER}
            assert isinstance(claims.claim(Claim(turn=turn, version=before, lease="m")), Refused)
            claims.give_back("l")
            assert isinstance(claims.claim(Claim(turn=turn, version=before, lease="n")), Taken)

    def test_two_at_once_bring_it_to_ours(self, path: Path):
        with SqliteFile(str(path), migrations=MIGRATIONS[:4]).writing():
            pass
        sessions = [Session(SqliteFile(str(path))) for _ in range(4)]
        added = at_once(*(partial(SqliteCallers(each).add_token, token("a")) for each in sessions))
        for each in sessions:
            each.close()

        assert sorted(added) == [False, False, False, True]


def _synchronous(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA synchronous").fetchone()[0])


def edit(path: Path, statement: str, value: object) -> None:
    """As a stranger might."""
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(statement, (value,))
