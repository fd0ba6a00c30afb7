"""Claims that come together count as those that come one after the other do, whatever turns share keys and limits."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringlet_py.ledger.claims import Claim, Member, Refused, Rest, Taken, Turn, Unlisted
from ringlet_py.ledger.sqlite_callers import SqliteCallers
from ringlet_py.ledger.sqlite_choosing import Choosing
from ringlet_py.ledger.sqlite_claims import SqliteClaims
from ringlet_py.ledger.sqlite_file import SqliteFile
from ringlet_py.ledger.sqlite_session import Session
from ringlet_py.limits import NEVER
from ringlet_py.pool import POLICIES
from ringlet_py.scope import Bearer
from tests.ledger.claims_contract import rates, token
from tests.ledger.test_sqlite_claims import START, FakeMachine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ringlet_py.ledger.sqlite_standings import Row

ALIASES = "abcdef"
EXAMPLES = itertools.count()
LIMITS = st.sampled_from(
    [(), (), *map(rates, ["1/day", "2/minute", "4"]), rates("3/day", "2/hour"), rates("9/minute", "15/day@UTC")]
)
KEYS = st.fixed_dictionaries(
    {
        alias: st.fixed_dictionaries(
            {
                "org": st.sampled_from(["", "x", "x", "y"]),
                "expires_at": st.sampled_from([NEVER, NEVER, NEVER, 3_000, 70_000]),
                "own": LIMITS,
                "rates": LIMITS,
            }
        )
        for alias in ALIASES
    }
)
TURNS = st.lists(
    st.fixed_dictionaries(
        {
            "pool": st.sampled_from("pq"),
            "feature": st.sampled_from(["image", "image", "chat"]),
            "policy": st.sampled_from(["round-robin"] * 8 + sorted(POLICIES)),
            "within": st.sampled_from(["", "", "part"]),
            "org_rates": LIMITS,
            "pool_rates": LIMITS,
            "limits": LIMITS,  # of the pool for each key, which count on the same streams as another pool's
            "members": st.sets(st.sampled_from(ALIASES), min_size=2).map(sorted),
        }
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda turn: (turn["pool"], turn["feature"], turn["within"]),
)
PLAIN = st.fixed_dictionaries({"turn": st.integers(0, 2)})
WISHES = st.fixed_dictionaries(
    {
        "turn": st.integers(0, 2),
        "is_other_object": st.booleans(),
        "only": st.sampled_from(["", "", "", "a", "c"]),
        "quota": st.sampled_from([(), (), rates("3/minute"), rates("2/day")]),
        "bearers": st.sampled_from([(), (), rates("3/minute"), ()]),
        "is_known": st.sampled_from([True, True, True, False]),
        "seed": st.integers(0, 9),
        "soonest_ready": st.booleans(),
    }
)
GROUPS = st.builds(
    lambda some, wish, many, others: [*some, *[wish] * many, *others],
    st.lists(st.one_of(PLAIN, WISHES), max_size=8),
    st.one_of(PLAIN, WISHES),
    st.integers(1, 18),
    st.lists(st.one_of(PLAIN, WISHES), max_size=4),
)
STEPS = st.lists(
    st.one_of(
        GROUPS,
        GROUPS,
        st.sampled_from([("pass", 0), ("pass", 1_000), ("pass", 60_001), ("pass", 86_400_001), ("set", -86_400_000)]),
        st.tuples(st.sampled_from(["rest", "wake", "rest org"]), st.sampled_from(ALIASES)),
        st.tuples(st.just("back"), st.integers(0, 40)),
        st.tuples(st.just("enlist"), st.integers(0, 2)),
    ),
    min_size=2,
    max_size=8,
)


@dataclass
class Ledger:
    """An engine and its clocks; `is_together` is whether it is asked for a group at once."""

    claims: SqliteClaims
    machine: FakeMachine
    is_together: bool


class Asking:
    """The turns of one example in one ledger, under a provider of their own."""

    def __init__(self, ledger: Ledger, provider: str, keys: dict[str, Any], turns: list[dict[str, Any]]) -> None:
        self.ledger, self.claims, self.provider = ledger, ledger.claims, provider
        self.version = self.claims.version()
        self.leases: list[str] = []
        self.tokens = token(SqliteCallers(self.claims.session), provider)
        self.turns, self.members = [], []
        for its in turns:
            self.turns.append(
                Turn(
                    pool=f"{provider}-{its['pool']}",
                    provider=provider,
                    **{name: its[name] for name in ("feature", "policy", "within", "org_rates", "pool_rates")},
                )
            )
            self.members.append([self._member(alias, keys[alias], its["limits"]) for alias in its["members"]])
        for number in range(len(turns)):
            self.enlist(number)

    def enlist(self, number: int) -> None:
        number %= len(self.turns)
        self.claims.enlist(self.turns[number], self.members[number], version=self.version)

    def take(self, wishes: list[dict[str, Any]]) -> list[tuple[object, ...]]:
        claims = [self._claim(wish) for wish in wishes]
        answers = self.claims.claim_all(claims) if self.ledger.is_together else list(map(self.claims.claim, claims))
        return list(map(_told, answers))

    def do(self, what: str, value: Any) -> None:
        address = f"{self.provider}/{value}"
        if what == "rest":
            self.claims.rest(Rest(provider=self.provider, address=address, milliseconds=60_000))
        elif what == "rest org":
            self.claims.rest(Rest(provider=self.provider, org="xy"[value in "abc"], milliseconds=30_000))
        elif what == "wake":
            self.claims.wake(address)
        elif what == "back" and self.leases:
            self.claims.give_back(self.leases[-1 - value % len(self.leases)])
        elif what == "enlist":
            self.enlist(value)

    def standings(self) -> list[object]:
        return [self.claims.standings(turn) for turn in self.turns]

    def _member(self, alias: str, key: dict[str, Any], limits: Any) -> Member:
        ends = min(key["expires_at"] + self.ledger.machine.wall(), NEVER)
        own, its = key["own"], tuple(dict.fromkeys((*limits, *key["rates"])))
        return Member(address=f"{self.provider}/{alias}", org=key["org"], expires_at=ends, own=own, rates=its)

    def _claim(self, wish: dict[str, Any]) -> Claim:
        turn = self.turns[wish["turn"] % len(self.turns)]
        lease = f"{self.provider}-{len(self.leases)}"
        self.leases.append(lease)
        if "only" not in wish:
            return Claim(turn, self.version, lease)
        bearers = (Bearer(id=self.provider if wish["is_known"] else "nobody", rates=wish["bearers"]),)
        return Claim(
            replace(turn) if wish["is_other_object"] else turn,
            self.version,
            lease,
            caller="bot",
            quota=wish["quota"],
            only=wish["only"] and f"{self.provider}/{wish['only']}",
            seed=wish["seed"],
            session=str(wish["seed"]),
            soonest_ready=wish["soonest_ready"],
            bearers=bearers if wish["bearers"] or not wish["is_known"] else (),
        )


def _told(answer: Taken | Refused | Unlisted) -> tuple[object, ...]:
    """All but the wish for a value."""
    if isinstance(answer, Taken):
        assert answer.remaining >= -1
        return answer
    assert isinstance(answer, Refused)
    return answer.reason, answer.retry_at, answer.retry_wall, answer.members


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine()


@pytest.fixture
def ledgers(tmp_path: Path, machine: FakeMachine) -> Iterator[list[Ledger]]:
    made = []
    for name in ("together", "alone"):
        claims = SqliteClaims(Session(SqliteFile(str(tmp_path / name / "ledger.sqlite"))), machine)
        made.append(Ledger(claims, machine, is_together=name == "together"))
    yield made
    for ledger in made:
        ledger.claims.close()


@pytest.mark.slow
@given(keys=KEYS, turns=TURNS, steps=STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_group_counts_as_its_claims_one_by_one(
    ledgers: list[Ledger], machine: FakeMachine, keys: dict[str, Any], turns: list[dict[str, Any]], steps: list[Any]
):
    machine.wall_ahead = START  # the ledgers are the same for all examples
    provider = f"p{next(EXAMPLES)}"
    both = [Asking(ledger, provider, keys, turns) for ledger in ledgers]
    for step in steps:
        if isinstance(step, list):
            assert both[0].take(step) == both[1].take(step)
        elif step[0] == "pass":
            machine.pass_time(step[1])
        elif step[0] == "set":
            machine.set_wall(step[1])
        else:
            for asking in both:
                asking.do(*step)
        assert both[0].standings() == both[1].standings()


TURN = {"feature": "image", "policy": "round-robin", "within": "", "org_rates": (), "pool_rates": (), "limits": ()}
KEY = {"org": "", "expires_at": NEVER, "own": (), "rates": ()}
NO_MORE = {"only": "", "quota": (), "bearers": (), "is_known": True, "seed": 0}


def test_what_is_left_is_never_less_than_nothing(ledgers: list[Ledger]):
    """Two pools count on the same key, and the one with the lower limit lends it as the one that is free soonest."""
    turns = [
        TURN | {"pool": pool, "limits": rates(limit), "members": ["a"]}
        for pool, limit in (("p", "9/day"), ("q", "1/day"))
    ]
    soonest = NO_MORE | {"turn": 1, "is_other_object": False, "soonest_ready": True}
    for ledger in ledgers:
        asking = Asking(ledger, "openai", {"a": KEY}, turns)
        asking.take([{"turn": 0}])
        answers = asking.take([*[{"turn": 0}] * 4, soonest])

        assert [answer[1] for answer in answers] == [7, 6, 5, 4, 0]


def test_a_turn_asked_for_in_several_objects_is_read_once(ledgers: list[Ledger], monkeypatch: pytest.MonkeyPatch):
    read: list[Row] = []
    whole = Choosing.next_ones

    def noted(choosing: Choosing, after: str, most: int) -> list[Row]:
        found = whole(choosing, after, most)
        read.extend(found)
        return found

    monkeypatch.setattr(Choosing, "next_ones", noted)
    aliases = [f"k{number:02}" for number in range(99)]
    asking = Asking(ledgers[0], "openai", dict.fromkeys(aliases, KEY), [TURN | {"pool": "p", "members": aliases}])
    other = NO_MORE | {"turn": 0, "is_other_object": True, "soonest_ready": False}
    asking.take([{"turn": 0}, other] * 16)

    assert len(read) <= 64


def test_a_wall_clock_that_is_set_within_a_group_uses_nobody(ledgers: list[Ledger], machine: FakeMachine):
    """Set between the first claim of one turn and that of another, when "b" waits for a window."""
    turns = [TURN | {"pool": pool, "members": list("abcd")} for pool in "pq"]
    keys = dict.fromkeys("abcd", KEY) | {"b": KEY | {"rates": rates("1/hour")}}
    asking = Asking(ledgers[0], "openai", keys, turns)
    asking.take([{"turn": 0}] * 8)
    walls = iter([machine.wall()])
    machine.wall = lambda: next(walls, START + 5_000)  # type: ignore[method-assign]
    asking.take([{"turn": 0}, {"turn": 0}, {"turn": 1}])

    uses = {each.address[-1]: each.uses for each in asking.claims.standings(asking.turns[0])}
    assert uses == {"a": 3, "b": 1, "c": 3, "d": 3}
