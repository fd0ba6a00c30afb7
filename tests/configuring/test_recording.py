from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ringlet_py.configuring.known import setting_named
from ringlet_py.configuring.recording import change_recorded
from ringlet_py.errors import AuditUnwritable
from tests.end_to_end.program import store_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.program import Home

SECRET = "correct-horse-battery-staple-0123456789"


def recorded(home: Home) -> Iterator[tuple[str, str, str]]:
    log = home.state / "audit.jsonl"
    for line in log.read_text().splitlines() if log.exists() else ():
        fields = json.loads(line)
        yield fields["action"], fields["outcome"], fields["purpose"]


def test_a_change_is_recorded_with_what_it_was_and_what_it_is(home: Home) -> None:
    home.here("config", "set", "audit.max-size", "8192")
    home.here("config", "set", "lending.places", "own,everyone")
    home.here("config", "unset", "audit.max-size")

    assert list(recorded(home)) == [
        ("config-set", "ok", "audit.max-size: (default) -> 8192"),
        ("config-set", "ok", "lending.places: (default) -> own,everyone"),
        ("config-unset", "ok", "audit.max-size: 8192 -> (default)"),
    ]


def test_what_changes_nothing_or_is_refused_is_not_recorded(home: Home) -> None:
    home.here("config", "set", "credentials.backend", "file")
    home.here("config", "set", "credentials.backend", "flie")
    home.here("config", "unset", "audit.max-size")

    assert list(recorded(home)) == []


def test_who_switches_the_audit_off_is_its_last_record(home: Home) -> None:
    home.here("config", "set", "audit.enabled", "false")
    home.here("config", "set", "audit.max-size", "8192")

    assert list(recorded(home)) == [("config-set", "ok", "audit.enabled: (default) -> false")]


def test_who_switches_it_on_is_its_first(home: Home) -> None:
    home.configure("[audit]\nenabled = false\n")
    home.here("config", "set", "audit.enabled", "true")

    assert list(recorded(home)) == [("config-set", "ok", "audit.enabled: false -> true")]


def test_mending_a_wrong_file_is_recorded(home: Home) -> None:
    home.configure(f'[credentials]\nbackend = "{SECRET}"\n')

    assert home.here("config", "set", "credentials.backend", "file").status == 0
    assert list(recorded(home)) == [("config-set", "ok", "credentials.backend: (not shown) -> file")]


@pytest.mark.parametrize(
    ("name", "value"), [("ledger.url", f"redis://:{SECRET}@127.0.0.1:1/0"), ("ledger.prefix", SECRET)]
)
def test_what_could_be_a_secret_is_not_recorded(home: Home, name: str, value: str) -> None:
    assert home.here("config", "set", name, "-", stdin=value.encode()).status == 0
    assert home.here("config", "unset", name).status == 0

    assert list(recorded(home)) == [
        ("config-set", "ok", f"{name}: (default) -> (not shown)"),
        ("config-unset", "ok", f"{name}: (not shown) -> (default)"),
    ]
    assert SECRET not in (home.state / "audit.jsonl").read_text()


def test_what_cannot_be_recorded_is_not_changed(home: Home) -> None:
    home.state.mkdir(parents=True, mode=0o700)
    (home.state / "audit.jsonl").mkdir()

    with pytest.raises(AuditUnwritable):
        change_recorded(home.environ, setting_named("audit.max-size"), 8192)
    assert "max-size" not in (home.config / "config.toml").read_text()
    assert change_recorded(home.environ, setting_named("audit.max-size"), 8192, audit=False)


def test_keys_that_all_move_take_the_setting_along_and_that_is_recorded(home: Home) -> None:
    home.configure('[credentials]\nbackend = "file"\n\n[sealed]\nmaster-key = "file"\n')
    store_key(home, "anthropic/work")
    assert home.here("keychain", "move", "--to", "sealed", "--all", "--yes").status == 0

    assert ("config-set", "ok", "credentials.backend: file -> sealed") in list(recorded(home))
