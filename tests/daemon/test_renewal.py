"""Which parts of the app outlive a change of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.app import App
from ringlet_py.daemon.renewal import Renewal
from ringlet_py.errors import ConfigError

if TYPE_CHECKING:
    from tests.end_to_end.program import Home

FILE = '[credentials]\nbackend = "file"\n'


def renewed(home: Home, config: str) -> tuple[App, App]:
    """The app before and after config.toml has become this."""
    old = App(home.environ, hold=True)
    renewal = Renewal(old, lambda: App(home.environ, hold=True))
    assert old.backend is not None
    assert old.kept is not None
    assert old.audit is not None
    home.configure(config)
    return old, renewal(old)


def test_what_is_set_as_before_stays_open(home: Home):
    old, new = renewed(home, FILE + '[lending]\nplaces = ["own"]\n')

    assert new is not old
    assert new.backend is old.backend
    assert new.kept is old.kept
    assert new.audit is old.audit
    assert new.lending is not old.lending


def test_it_speaks_as_the_one_before(home: Home):
    said: list[str] = []
    old = App(home.environ, say=said.append)

    Renewal(old, lambda: App(home.environ))(old).say("heard")

    assert said == ["heard"]


def test_another_backend_is_another_one(home: Home):
    old, new = renewed(home, '[credentials]\nbackend = "sealed"\n')

    assert new.kept is old.kept
    assert new.backend is not old.backend


def test_another_way_of_keeping_records_leaves_the_rest(home: Home):
    old, new = renewed(home, FILE + "[audit]\nenabled = false\n")

    assert new.audit is not old.audit
    assert new.backend is old.backend


def test_another_ledger_takes_what_hangs_on_it_along(home: Home):
    old, new = renewed(home, FILE + '[ledger]\nurl = "redis://localhost:1/0"\n')

    assert new.kept is not old.kept
    assert new.backend is not old.backend


def test_settings_that_are_wrong_make_no_app(home: Home):
    with pytest.raises(ConfigError):
        renewed(home, '[ledger]\nprefix = "not a name"\n')


@pytest.mark.parametrize("kind", ["providers", "agents"])
def test_a_catalog_that_is_wrong_makes_no_app(home: Home, kind: str):
    (home.config / kind).mkdir()
    (home.config / kind / "mine.toml").write_text("name = ")

    with pytest.raises(ConfigError):
        renewed(home, FILE)
