"""What the ledger says of a plan's keys: where each may go, and which a launch has to ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.agreeing import agreed_plan
from ringlet_py.catalog import Catalog
from ringlet_py.entry import Address, Entry
from ringlet_py.errors import InvalidName, ProfileInvalid
from ringlet_py.ledger.claims import Rest
from ringlet_py.ledger.made import FileLedger
from ringlet_py.limits import NEVER
from ringlet_py.plans import GENERATION
from ringlet_py.profile.profile import Profile
from ringlet_py.testing import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

    from ringlet_py.plan import LaunchPlan

CATALOG = Catalog("/nowhere")
ELSEWHERE = "https://gateway.example/v1"
WORK = Address("anthropic", "work")
FURTHER = Address("openai", "far")


@pytest.fixture
def kept(tmp_path: Path) -> FileLedger:
    return FileLedger(str(tmp_path / "state/ledger.sqlite"), clock=FakeClock())


def planned(kept: FileLedger, **said: Any) -> LaunchPlan:
    fields: dict[str, Any] = {"name": "p", "agent": "generic", "provider": "anthropic", "key_alias": "work"}
    fields |= {"command": ("tool",), "env": {}, "references": {}}
    return agreed_plan(Profile(**{**fields, **said}), CATALOG, kept, folder="/p")


def store(kept: FileLedger, address: Address = WORK, **fields: Any) -> None:
    kept.entries.put(Entry(address, backend="file", **fields))


def test_without_a_ledger_nothing_is_limited_and_none_is_made(kept: FileLedger, tmp_path: Path):
    assert planned(kept).limited == frozenset()
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_nothing_limits_needs_no_ledger_at_a_launch(kept: FileLedger):
    store(kept, label="x", org="acme")

    assert planned(kept).limited == frozenset()


@pytest.mark.parametrize(
    "fields", [{"tier": "gold"}, {"max_uses": "5/day"}, {"expires_at": "2099-01-01T00:00:00.000Z"}, {"active": False}]
)
def test_a_key_that_is_counted_or_could_end_is_asked_for_with_its_bound_secrets(
    kept: FileLedger, fields: dict[str, Any]
):
    store(kept, secrets=("hook",), **fields)
    plan = planned(kept, bound={"HOOK": "hook"})

    assert plan.limited == {"anthropic/work", "anthropic/work#hook"}


def test_a_key_that_its_provider_refused_is_asked_for(kept: FileLedger):
    store(kept)
    kept.claims.rest(Rest(provider="anthropic", address="anthropic/work", until=NEVER, why="invalid"))

    assert planned(kept).limited == {"anthropic/work"}


def test_a_key_for_one_address_alone_goes_there(kept: FileLedger):
    store(kept, base_url=ELSEWHERE)

    assert planned(kept).base_url == ELSEWHERE
    assert planned(kept, base_url=ELSEWHERE).base_url == ELSEWHERE
    with pytest.raises(ProfileInvalid, match="the profile p sends anthropic/work to https://other"):
        planned(kept, base_url="https://other.example")


def test_the_address_of_a_further_key_travels_with_it(kept: FileLedger):
    store(kept, FURTHER, base_url=ELSEWHERE)

    assert planned(kept, references={"OPENAI_API_KEY": FURTHER}).env["OPENAI_BASE_URL"] == ELSEWHERE
    assert "OPENAI_BASE_URL" not in planned(kept, references={"X": FURTHER}, env={"WHERE": ELSEWHERE}).env
    with pytest.raises(ProfileInvalid, match="does not say where openai/far goes") as caught:
        planned(kept, references={"X": FURTHER}, env={"OPENAI_BASE_URL": "https://other.example"})
    assert ELSEWHERE in caught.value.hint


def test_what_is_ringlets_own_is_lent_to_nobody(kept: FileLedger):
    with pytest.raises(InvalidName, match="ringlet's own"):
        planned(kept, references={"X": Address("ringlet", "fingerprints", "key")})


def test_touching_the_ledger_tells_compiled_plans(kept: FileLedger, tmp_path: Path):
    kept.touch()
    before = (tmp_path / "state" / GENERATION).read_bytes()
    kept.touch()

    assert (tmp_path / "state" / GENERATION).read_bytes() != before
