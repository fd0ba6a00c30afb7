"""The profiles in `profiles/`, which ship with ringlet."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringlet_py.catalog import Catalog, ready_made
from ringlet_py.document import Source
from ringlet_py.errors import ProfileInvalid
from ringlet_py.planning import make_plan
from ringlet_py.profile.profile import Profile, read_profile

READY_MADE = ready_made()


def load(name: str) -> Profile:
    text = Path(READY_MADE[name]).read_text(encoding="utf-8")
    return read_profile(name, Source(path=READY_MADE[name], text=text, error=ProfileInvalid))


def catalog(tmp_path: Path) -> Catalog:
    return Catalog(str(tmp_path))


def test_there_are_some():
    assert len(READY_MADE) >= 12


@pytest.mark.parametrize("name", READY_MADE)
def test_its_first_line_says_what_it_is_for(name: str):
    first = Path(READY_MADE[name]).read_text(encoding="utf-8").splitlines()[0]

    assert first.startswith("# ")
    assert first.endswith(".")


@pytest.mark.parametrize("name", READY_MADE)
def test_it_can_be_planned(name: str, tmp_path: Path):
    profile = load(name)
    plan = make_plan(profile, catalog(tmp_path), folder="/profiles/it")

    assert plan.agent == profile.agent
    assert plan.command


@pytest.mark.parametrize("name", READY_MADE)
def test_it_lends_its_providers_key_and_no_other(name: str, tmp_path: Path):
    profile = load(name)
    keyless = catalog(tmp_path).provider(profile.provider).keyless
    plan = make_plan(profile, catalog(tmp_path), folder="/profiles/it")

    assert plan.addresses() == ([] if keyless else [profile.address])


@pytest.mark.parametrize("name", READY_MADE)
def test_it_names_no_key_of_anybodys(name: str):
    profile = load(name)

    assert profile.key_alias == "default"
    assert not profile.references
