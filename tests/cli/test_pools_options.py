from __future__ import annotations

import pytest

from ringlet_py.cli.pools_options import conditions, rates
from ringlet_py.errors import UsageError
from ringlet_py.fields import Filter

BEFORE = (Filter("org", "acme"), Filter("tier", "gold"))


@pytest.mark.parametrize(
    ("where", "own", "after"),
    [
        (None, {}, None),
        (None, {"tier": None}, None),
        (None, {"tier": "silver"}, ["org=acme", "tier=silver"]),
        (None, {"tier": ""}, ["org=acme"]),
        (["login="], {}, ["org=acme", "tier=gold", "login="]),
        (["org=umbrella"], {}, ["tier=gold", "org=umbrella"]),
        ([""], {}, []),
        (["", "batch=7"], {"owner": "user:1"}, ["batch=7", "owner=user:1"]),
    ],
)
def test_what_is_said_of_a_field_takes_the_place_of_what_was(
    where: list[str] | None, own: dict[str, str | None], after: list[str] | None
) -> None:
    assert conditions(BEFORE, where, **own) == after


def test_a_field_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="no field 'lable'"):
        conditions((), ["lable=x"])


def test_an_empty_rate_takes_all_away_and_silence_none() -> None:
    assert rates(limits=[""], quota=None, pool_limits=["1/day", ""]) == {
        "limits": [],
        "quota": None,
        "pool_limits": ["1/day"],
    }
