from __future__ import annotations

import pytest

from ringlet_py.doctor import keys
from ringlet_py.doctor.keychain import SCRATCH
from ringlet_py.entry import Address, Entry, utc
from ringlet_py.errors import KeychainLocked, StoreCorrupt
from ringlet_py.secret import Secret
from ringlet_py.testing import MemoryBackend
from tests.doctor.around import NO_CONFIG, made, states, told, write
from tests.end_to_end.program import Home, store_key

DAY = 86400
WORK = 'agent = "claude"\nprovider = "anthropic"\n'
KEY = Secret("sk-ant-api03-" + "k" * 40)


def with_program(home: Home, name: str = "claude") -> None:
    home.program(name, "#!/bin/sh\n")


def test_a_key_that_is_there_is_fine(home: Home) -> None:
    store_key(home)

    assert keys.missing(made(home)) == []
    assert keys.expiry(made(home)) == []


def test_a_key_that_is_listed_and_gone_is_a_problem(home: Home) -> None:
    store_key(home)
    home.credentials.unlink()
    (finding,) = keys.missing(made(home))

    assert finding.state == "problem"
    assert finding.mend == "ringlet keychain set anthropic default"


def test_a_value_in_the_file_that_cannot_be_one_is_a_problem(home: Home) -> None:
    store_key(home)
    store_key(home, "openai/home", "sk-proj-" + "x7" * 20)
    home.credentials.write_text(home.credentials.read_text().replace("sk-proj-" + "x7" * 20, ""))
    (finding,) = keys.missing(made(home))

    assert (finding.state, finding.mend) == ("problem", "ringlet keychain set openai home --replace")
    assert "the value of openai/home" in finding.what


def test_keys_in_a_backend_that_is_not_in_use_are_seen(home: Home) -> None:
    store_key(home)
    around = made(home)
    around.app.kept.entries.put(Entry(Address("xai", "there"), backend="system"))
    (finding,) = keys.missing(around)

    assert (finding.state, finding.what) == ("warning", "1 key cannot be used: xai/there")
    assert finding.mend == "ringlet keychain move --from system --to file --all"


def test_a_bound_secret_without_its_key_is_seen(home: Home) -> None:
    home.configure(NO_CONFIG)
    memory = MemoryBackend()
    memory.set(Address("anthropic", "work", "webhook"), KEY)
    (finding,) = keys.missing(made(home, memory=memory))

    assert finding.state == "warning"
    assert finding.mend == "ringlet keychain remove anthropic work"


def test_what_an_interrupted_doctor_left_is_no_more_than_a_note(home: Home) -> None:
    home.configure(NO_CONFIG)
    memory = MemoryBackend()
    memory.set(Address(SCRATCH.provider, SCRATCH.alias, "scratch-0a"), KEY)

    assert states(keys.missing(made(home, memory=memory))) == ["note"]


@pytest.mark.parametrize(
    ("days", "active", "words"),
    [(-1, True, "expired at"), (13, True, "expires at"), (15, True, ""), (-1, False, ""), (13, False, "")],
)
def test_a_key_whose_date_has_come_or_comes_soon_is_seen(home: Home, days: int, active: bool, words: str) -> None:  # noqa: FBT001
    surroundings = made(home)
    date = utc(surroundings.app.clock() + days * DAY)
    entry = Entry(Address("openai"), backend="file", expires_at=date, active=active)
    surroundings.app.kept.entries.put(entry)
    found = keys.expiry(surroundings)

    assert states(found) == ["warning"] * bool(words)
    assert words in told(found)


def test_a_profile_that_can_start_is_fine(home: Home) -> None:
    store_key(home)
    with_program(home)
    home.profile("work", WORK)

    assert told(keys.profiles(made(home))).startswith("ok: the profile work can start")


def test_without_profiles_there_is_nothing_to_say(home: Home) -> None:
    assert keys.profiles(made(home)) == []


@pytest.mark.parametrize(
    ("document", "state", "words"),
    [
        ('agent = "claude"\nprovider = "antropic"\n', "problem", "there is no provider 'antropic'"),
        ('agent = "codex"\nprovider = "anthropic"\n', "problem", "cannot start"),
        ('agnt = "claude"\n', "problem", "the profile work cannot start"),
        (WORK + "[provider-config]\nkey-pool = 'images'\n", "problem", "there is no pool 'images'"),
        (WORK + "[provider-config]\nkey-alias = 'home'\n", "problem", "anthropic/home is not there"),
        ('agent = "droid"\nprovider = "anthropic"\nmodel = "x"\n', "warning", "droid is not on PATH"),
    ],
)
def test_a_profile_that_cannot_start_says_why(home: Home, document: str, state: str, words: str) -> None:
    store_key(home)
    with_program(home)
    with_program(home, "codex")
    home.profile("work", document)
    found = keys.profiles(made(home))

    assert states(found) == [state]
    assert words in told(found)
    assert found[0].mend


def test_a_profile_that_cannot_be_read_is_mended_with_an_editor(home: Home) -> None:
    home.profile("work", "agent = 1\n")
    (finding,) = keys.profiles(made(home))

    assert finding.mend == "ringlet profiles edit work"


def test_where_the_ledger_cannot_be_read_no_profile_is_called_able_to_start(home: Home) -> None:
    with_program(home)
    home.profile("work", WORK)
    write(home.state / "ledger.sqlite", "no database " * 100)

    with pytest.raises(StoreCorrupt):
        keys.profiles(made(home))


def test_no_key_is_read_to_tell_whether_a_profile_can_start(home: Home) -> None:
    home.configure(NO_CONFIG)
    with_program(home)
    home.profile("work", WORK)
    memory = MemoryBackend()
    memory.set(Address("anthropic"), KEY)
    memory.calls.clear()

    assert states(keys.profiles(made(home, memory=memory))) == ["ok"]
    assert {verb for verb, _ in memory.calls} == {"check", "names"}


def test_a_locked_keychain_is_no_reason_to_call_every_key_missing(home: Home) -> None:
    home.configure(NO_CONFIG)
    with_program(home)
    home.profile("work", WORK)
    locked = MemoryBackend(failure=KeychainLocked("the keychain is locked"))

    assert states(keys.profiles(made(home, memory=locked))) == ["ok"]
