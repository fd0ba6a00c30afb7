"""The scripts' arithmetic is that of `ringlet_py.limits`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringlet_py.ledger.redis.scripts import Script
from ringlet_py.ledger.redis.wishes import boundaries
from ringlet_py.limits import Rate, Use, opens_at, remaining
from tests.ledger.redis_stores import store
from tests.redis_server import RedisProcess, needs_redis

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ringlet_py.ledger.redis.server import RedisServer

pytestmark = [needs_redis, pytest.mark.slow]
NOW = 1_795_000_000_000
DAY = 86_400_000
ASKED = """
local t = cjson.decode(ARGV[1])
redis.call('DEL', key('use', 's'))
for _, use in ipairs(t.uses) do redis.call('LPUSH', key('use', 's'), use) end
redis.call('HSET', key('totals'), 's', t.total)
return {text(opens_at(t.rate, 's', t)), text(left_of(t.rate, 's', t))}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisProcess() as process:
        yield store(process)


def asked(server: RedisServer, rate: Rate, uses: Sequence[Use], *, total: int, now: int, wall: int) -> tuple[int, int]:
    """What the scripts say of these uses, the oldest first: when the rate opens, and what is left of it."""
    name = f"{rate.calendar}@{rate.zone}"
    question = {
        "uses": [f"{use.at} {use.wall} {number} 0 0" for number, use in enumerate(uses)],
        "total": total,
        "rate": [rate.amount, rate.window, *([name] if rate.calendar else [])],
        "now": now,
        "wall": wall,
        "calendars": {name: boundaries(name, wall)} if rate.calendar else {},
    }
    text = Script("resting").text.partition("-- The addresses that rest")[0] + ASKED
    opens, left = server.call("EVAL", text, 1, server.prefix, json.dumps(question))
    return int(opens), int(left)


SLIDING = ["1/1s", "2/1s", "3/minute", "5/1.5s", "40/day", "7/30d"]
CALENDAR = ["1/day@UTC", "2/day@America/New_York", "3/week@Europe/Berlin", "4/month@UTC", "2/day@Pacific/Apia"]
STEPS = st.one_of(st.integers(0, 3), st.integers(0, 2000), st.integers(0, 3 * DAY))


@pytest.mark.slow
@given(
    rate=st.sampled_from([*SLIDING, *CALENDAR, "1", "3"]).map(Rate.parse),
    steps=st.lists(STEPS, max_size=8),
    since=STEPS,
    ahead=st.sampled_from([0, 0, 5, 1000, 3_600_000]),
)
@settings(max_examples=300, deadline=None)
def test_a_script_says_of_any_uses_what_the_rules_say(
    server: RedisServer, rate: Rate, steps: list[int], since: int, ahead: int
):
    uses, moment = [], NOW
    for step in steps:
        moment += step
        uses.append(Use(moment, moment + ahead))  # the wall clock was set back later
    now = moment + since
    facts = {"total": len(uses), "now": now, "wall": now}
    nth = uses[-rate.amount] if len(uses) >= rate.amount else None
    opens = opens_at(rate, nth, **facts)
    left = remaining(rate, reversed(uses), **facts)

    assert asked(server, rate, uses, **facts) == (opens, left)


@pytest.mark.parametrize("amount", [1, 10, 999, 1000])
@pytest.mark.parametrize("gone", [0, 1, 500])
def test_what_is_left_of_a_large_amount_is_found_by_halves(server: RedisServer, amount: int, gone: int):
    uses = [Use(NOW + number, NOW + number) for number in range(1000)]
    rate = Rate(amount=amount, window=2000)
    now = NOW + 2000 + gone

    left = remaining(rate, reversed(uses), total=1000, now=now, wall=now)
    assert asked(server, rate, uses, total=1000, now=now, wall=now)[1] == left
