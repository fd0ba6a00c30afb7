from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ringlet_py.doctor.examining import CHECKS, Check, examine
from ringlet_py.doctor.finding import REMOVE, STATES, Repair, counted, fine, needs_attention, note, problem, warning
from ringlet_py.doctor.fixing import mend, repairs_of, still_needed
from ringlet_py.errors import ConfigError, InsecurePermissions, KeychainTimeout
from ringlet_py.testing import MemoryBackend
from tests.doctor.around import made, states, told, write
from tests.end_to_end.program import store_key

if TYPE_CHECKING:
    from pathlib import Path

    from ringlet_py.doctor.surroundings import Surroundings
    from tests.end_to_end.program import Home

OLD = 1_700_000_000


def raising(error: Exception) -> Check:
    def look(_: Surroundings) -> list:  # type: ignore[type-arg]
        raise error

    return Check("raising", "Test", look)


def test_every_check_has_a_name_of_its_own() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_every_check_says_something_of_a_home_that_is_as_it_should_be(home: Home) -> None:
    found = examine(made(home))

    assert not needs_attention(found), told(found)
    silent = {"variables", "master-key", "leftovers", "writable", "clock", "profiles"}
    assert {finding.check for finding in found} == {check.name for check in CHECKS} - silent


def test_an_error_is_a_finding_and_hides_no_other_check(home: Home) -> None:
    error = ConfigError("config.toml is wrong", why="it is", hint="edit it")
    found = examine(made(home), checks=[raising(error), Check("next", "Test", lambda _: [fine("fine")])])

    assert [(each.check, each.state) for each in found] == [("raising", "problem"), ("next", "ok")]
    assert (found[0].what, found[0].why, found[0].mend) == ("config.toml is wrong", "it is", "edit it")


def test_the_same_error_again_is_only_a_note(home: Home) -> None:
    error = ConfigError("config.toml is wrong")
    found = examine(made(home), checks=[raising(error), raising(error)])

    assert states(found) == ["problem", "note"]


def test_an_error_that_nobody_thought_of_says_nothing_that_it_holds(home: Home) -> None:
    found = examine(made(home), checks=[raising(ValueError("a-key"))])

    assert states(found) == ["problem"]
    assert "ValueError" in told(found)
    assert "a-key" not in told(found)


def test_a_keychain_that_does_not_answer_is_asked_once(home: Home) -> None:
    home.configure("")
    home.profile("work", 'agent = "claude"\nprovider = "anthropic"\n')
    write(home.path / ".claude.json", json.dumps({"customApiKeyResponses": {"rejected": ["x" * 20]}}))
    late = MemoryBackend(failure=KeychainTimeout("the keychain did not answer in time"))
    found = examine(made(home, memory=late))

    assert [verb for verb, _ in late.calls] == ["check"]
    assert [each.check for each in found if each.state == "problem"] == ["keychain"]
    assert {each.check for each in found if "not looked at" in each.what} == {"missing", "declined"}


def test_findings_are_counted_by_their_states() -> None:
    found = [fine("a"), note("b"), note("c"), warning("d"), problem("e")]

    assert counted(found) == {"ok": 1, "note": 2, "warning": 1, "problem": 1}
    assert tuple(counted([])) == STATES
    assert [needs_attention([each]) for each in found] == [False, False, False, True, True]


BREAKS = {
    "config": lambda home: home.configure("[[["),
    "ledger": lambda home: write(home.state / "ledger.sqlite", "no database" * 100),
    "credentials": lambda home: write(home.credentials, "[[["),
    "folder": lambda home: write(home.path / ".local", "in the way"),
    "profile": lambda home: home.profile("work", "[[["),
    "catalog": lambda home: write(home.config / "agents/mine.toml", "[[["),
    "audit": lambda home: write(home.state / "audit.jsonl", "no record\n"),
    "open": lambda home: (write(home.credentials), home.credentials.chmod(0o666)),
    "link": lambda home: (home.config / "http_token").symlink_to("/nowhere"),
    "fifo": lambda home: os.mkfifo(home.config / "credentials.toml"),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_whatever_is_broken_every_check_is_gone_through(home: Home, broken: str) -> None:
    BREAKS[broken](home)  # type: ignore[no-untyped-call]
    found = examine(made(home))

    assert found[-1].check == CHECKS[-1].name
    assert not [each for each in found if "failed" in each.what], told(found)
    assert needs_attention(found), told(found)


@pytest.mark.parametrize("environ", [{"HOME": "relative"}, {"HOME": "/no/such/home"}, {"PATH": ""}])
def test_an_environment_that_leads_nowhere_ends_in_no_traceback(home: Home, environ: dict[str, str]) -> None:
    found = examine(made(home, environ=environ))

    assert not [each for each in found if "failed" in each.what], told(found)


def test_the_findings_are_plain_data(home: Home) -> None:
    found = [replace(each, repairs=()) for each in examine(made(home))]

    assert json.dumps([vars(each) for each in found])


def broken_modes(home: Home) -> tuple[Path, Path]:
    key = write(home.credentials, mode=0o644)
    left = write(home.config / ".config.toml.0123456789ab.tmp")
    os.utime(left, (OLD, OLD))
    return key, left


def test_what_can_be_mended_is_and_then_there_is_nothing_left_to_do(home: Home) -> None:
    key, left = broken_modes(home)
    surroundings = made(home)
    repairs = repairs_of(examine(surroundings))
    for repair in repairs:
        mend(repair, user=surroundings.user)

    assert len(repairs) == 2
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert not left.exists()
    assert repairs_of(examine(surroundings)) == []


def test_folders_are_mended_before_what_is_in_them(home: Home) -> None:
    broken_modes(home)
    home.config.chmod(0o777)

    assert repairs_of(examine(made(home)))[0].path == str(home.config)


def test_what_is_no_longer_due_is_left_alone(home: Home) -> None:
    key, _ = broken_modes(home)
    surroundings = made(home)
    agreed = repairs_of(examine(surroundings))
    key.chmod(0o600)

    assert [repair.verb for repair in still_needed(agreed, surroundings)] == [REMOVE]


def test_a_link_in_the_place_of_a_file_is_not_followed(home: Home) -> None:
    target = write(home.path / "target", mode=0o644)
    link = home.config / "link"
    link.symlink_to(target)

    with pytest.raises(OSError, match="link"):
        mend(Repair(verb="chmod", path=str(link), mode=0o600), user=os.geteuid())
    with pytest.raises(InsecurePermissions):
        mend(Repair(verb=REMOVE, path=str(link)), user=os.geteuid())
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert link.is_symlink()


def test_what_belongs_to_another_user_is_left_as_it_is(home: Home) -> None:
    key, _ = broken_modes(home)

    with pytest.raises(InsecurePermissions, match="not a file of yours"):
        mend(Repair(verb="chmod", path=str(key), mode=0o600), user=os.geteuid() + 1)
    assert stat.S_IMODE(key.stat().st_mode) == 0o644


def test_what_was_not_looked_at_is_said_in_words(home: Home) -> None:
    BREAKS["config"](home)  # type: ignore[no-untyped-call]
    unseen = [each.what for each in examine(made(home)) if "not looked at" in each.what]

    assert "not looked at: which keys expire" in unseen
    assert all(check.about for check in CHECKS)


def test_where_the_settings_cannot_be_read_nothing_is_said_of_the_backend(home: Home) -> None:
    home.configure('[credentials]\nbackend = "file\n')
    memory = MemoryBackend()
    found = examine(made(home, memory=memory))
    of_keychain = told(each for each in found if each.check in ("backend", "keychain"))

    assert of_keychain.startswith("note: which backend is in use is not known | the settings cannot be read")
    assert "keys are kept" not in of_keychain
    assert "config set" not in told(found)
    assert [verb for verb, _ in memory.calls] == ["check"]
    assert found[0].why.startswith("line 2, column 16: ")
    assert found[0].mend == '${EDITOR:-vi} "$(ringlet config path)"'


@pytest.mark.parametrize("name", [".config/ringlet", ".config/ringlet/config.toml", ".local/state/ringlet"])
def test_a_mode_that_several_checks_come_upon_has_one_command(home: Home, name: str) -> None:
    store_key(home)
    path = home.path / name
    path.chmod(0o777 if path.is_dir() else 0o666)
    found = examine(made(home))

    assert [each.mend for each in found if "chmod" in each.mend] == [
        f"chmod {0o755 if path.is_dir() else 0o644:o} {path}"
    ]
    assert states(each for each in found if each.check == "modes") == ["problem"]
    path.chmod(0o700)
