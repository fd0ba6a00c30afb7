from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from ringlet_py import errors
from ringlet_py.backends.system import system_backend
from ringlet_py.doctor import keychain
from ringlet_py.secret import Secret
from ringlet_py.testing import MemoryBackend
from tests.doctor.around import NO_CONFIG, made, states, told
from tests.end_to_end.program import FILE_BACKEND, store_key
from tests.secret_services import PASSWORD, wait_until

if TYPE_CHECKING:
    from ringlet_py.doctor.surroundings import Surroundings
    from ringlet_py.entry import Address
    from tests.end_to_end.program import Home
    from tests.secret_services import GnomeKeyring

SEALED = '[credentials]\nbackend = "sealed"\n'
ONLY = '[credentials]\nbackend = "system-only"\n'
FAILURES = {
    "absent": errors.KeychainAbsent("there is no keychain service"),
    "locked": errors.KeychainLocked("the keychain is locked"),
    "denied": errors.KeychainDenied("the keychain refused"),
    "timeout": errors.KeychainTimeout("the keychain did not answer"),
    "broken": errors.KeychainBroken("the keychain talks nonsense"),
}


def failing(name: str) -> MemoryBackend:
    return MemoryBackend(failure=FAILURES[name])


def test_a_value_goes_into_the_keychain_and_out_again(home: Home) -> None:
    home.configure(NO_CONFIG)
    memory = MemoryBackend()

    assert states(keychain.state(made(home, memory=memory))) == ["ok"]
    assert [verb for verb, _ in memory.calls] == ["check", "set", "get", "remove"]
    assert memory.names() == []


def test_the_scratch_entry_is_of_no_key(home: Home) -> None:
    home.configure(NO_CONFIG)
    memory = MemoryBackend()
    keychain.state(made(home, memory=memory))
    (address,) = {address for _, address in memory.calls if address}

    assert address.key() == keychain.SCRATCH
    assert address.field


def test_a_keychain_that_locks_in_between_is_not_mended_by_asking_the_doctor_again(home: Home) -> None:
    home.configure(NO_CONFIG)
    memory = MemoryBackend(failure=FAILURES["locked"], failing=frozenset({"set"}))
    (finding,) = keychain.state(made(home, memory=memory))

    assert (finding.what, "gnome-keyring-daemon" in finding.mend) == ("the keychain is locked", True)


def test_it_is_taken_away_if_it_cannot_be_read_back(home: Home) -> None:
    home.configure(NO_CONFIG)
    memory = MemoryBackend(failure=FAILURES["broken"], failing=frozenset({"get"}))
    (finding,) = keychain.state(made(home, memory=memory))

    assert (finding.state, finding.what) == ("problem", FAILURES["broken"].what)
    assert memory.names() == []


def test_a_keychain_that_gives_back_something_else_is_a_problem(home: Home) -> None:
    class Forgetful(MemoryBackend):
        def get(self, address: Address) -> Secret:
            super().get(address)
            return Secret("another-value")

    home.configure(NO_CONFIG)
    found = keychain.state(made(home, memory=Forgetful()))

    assert states(found) == ["problem"]
    assert "another value than it was given" in told(found)
    assert "another-value" not in told(found)


@pytest.mark.parametrize(
    ("config", "failure", "state"),
    [
        (NO_CONFIG, "absent", "warning"),
        (ONLY, "absent", "problem"),
        (SEALED, "absent", "problem"),
        (FILE_BACKEND, "absent", "note"),
        (NO_CONFIG, "locked", "problem"),
        (NO_CONFIG, "denied", "problem"),
        (NO_CONFIG, "timeout", "problem"),
        (NO_CONFIG, "broken", "problem"),
        (FILE_BACKEND, "locked", "note"),
        (SEALED + '[sealed]\nmaster-key = "env"\n', "locked", "note"),
    ],
)
def test_what_is_wrong_with_the_keychain_is_as_grave_as_it_is_needed(
    home: Home, config: str, failure: str, state: str
) -> None:
    home.configure(config)
    memory = failing(failure)
    found = keychain.state(made(home, memory=memory))

    assert states(found) == [state]
    assert FAILURES[failure].what in told(found)
    assert {verb for verb, _ in memory.calls} == {"check"}


def test_a_keychain_that_is_not_needed_is_not_written_to(home: Home) -> None:
    memory = MemoryBackend()

    assert states(keychain.state(made(home, memory=memory))) == ["note"]
    assert {verb for verb, _ in memory.calls} == {"check"}


@pytest.mark.parametrize(
    ("config", "failure", "used", "reasons"),
    [
        (NO_CONFIG, "", "memory", {"file": "only for where there is no keychain", "sealed": 'backend = "sealed"'}),
        (NO_CONFIG, "absent", "credentials.toml", {"system": "there is no keychain service", "sealed": "chosen"}),
        (NO_CONFIG, "locked", "memory", {"file": "no reason to put keys into a file", "sealed": "chosen"}),
        (ONLY, "", "memory", {"file": "config.toml chooses system-only", "sealed": "chosen"}),
        (FILE_BACKEND, "", "credentials.toml", {"system": "config.toml chooses file", "sealed": "chosen"}),
        (
            SEALED,
            "",
            "the ledger, sealed",
            {"system": "config.toml chooses sealed", "file": "config.toml chooses sealed"},
        ),
    ],
)
def test_each_backend_that_is_not_in_use_says_why(
    home: Home, config: str, failure: str, used: str, reasons: dict[str, str]
) -> None:
    home.configure(config)
    found = keychain.backends(made(home, memory=failing(failure) if failure else MemoryBackend()))
    why = {finding.what.split()[2]: finding.why for finding in found if "is not used" in finding.what}

    assert used in found[0].what
    assert set(why) == set(reasons)
    assert all(reason in why[name] for name, reason in reasons.items())


def test_keys_that_still_lie_in_the_file_are_named(home: Home) -> None:
    store_key(home)
    home.configure(NO_CONFIG)
    (finding,) = (each for each in keychain.backends(made(home)) if each.state == "warning")

    assert "anthropic/default" in finding.what
    assert finding.mend == "ringlet keychain move --from file --to system --all"


@pytest.mark.parametrize(("config", "state"), [(FILE_BACKEND, "problem"), (NO_CONFIG, "note")])
def test_a_damaged_file_is_a_problem_only_where_it_is_in_use(home: Home, config: str, state: str) -> None:
    home.configure(config)
    home.credentials.write_text("[")
    home.credentials.chmod(0o600)
    (finding,) = (each for each in keychain.backends(made(home)) if "not as it should be" in each.what)

    assert finding.state == state


def test_the_master_key_is_asked_for_only_where_values_are_sealed(home: Home) -> None:
    assert keychain.master_key(made(home)) == []


def test_sealed_values_are_opened_where_nobody_has_to_be_asked(home: Home) -> None:
    pytest.importorskip("cryptography")
    home.configure(SEALED + '[sealed]\nmaster-key = "file"\n')
    store_key(home)

    assert states(keychain.master_key(made(home))) == ["ok"]
    (home.config / "master.key").unlink()
    with pytest.raises(errors.MasterKeyMissing):
        keychain.master_key(made(home))


def test_a_passphrase_is_not_asked_for(home: Home) -> None:
    home.configure(SEALED + '[sealed]\nmaster-key = "passphrase"\n')

    assert states(keychain.master_key(made(home))) == ["note"]


def of_gnome(home: Home, gnome: GnomeKeyring) -> Surroundings:
    home.configure(NO_CONFIG)
    bus = {"DBUS_SESSION_BUS_ADDRESS": gnome.environ["DBUS_SESSION_BUS_ADDRESS"]}
    environ = {**home.environ, **bus}

    return made(
        home,
        environ=bus,
        keychain=lambda: system_backend(environ, timeout=5.0, can_ask=False, say=lambda _: None),
    )


def test_of_many_keys_that_lie_in_a_file_a_few_are_named(home: Home) -> None:
    home.configure(FILE_BACKEND)
    for number in range(12):
        store_key(home, f"openai/k{number:02}", f"sk-proj-{number:040}")
    home.configure(SEALED)
    (finding,) = [each for each in keychain.backends(made(home)) if each.state == "warning"]

    assert finding.what.startswith("12 keys still lie in ")
    assert finding.what.endswith("openai/k08, openai/k09, …")


@pytest.mark.keychain
@pytest.mark.slow
def test_a_real_keychain_takes_the_value_and_forgets_it(home: Home, gnome: GnomeKeyring) -> None:
    surroundings = of_gnome(home, gnome)

    assert states(keychain.state(surroundings)) == ["ok"]
    assert surroundings.keychain().names() == []


@pytest.mark.keychain
@pytest.mark.slow
def test_a_real_keychain_that_is_locked_is_not_asked_for_its_password(home: Home, gnome: GnomeKeyring) -> None:
    gnome.lock()
    found = keychain.state(of_gnome(home, gnome))

    assert states(found) == ["problem"]
    assert "gnome-keyring-daemon --replace --unlock" in found[0].mend


@pytest.mark.keychain
@pytest.mark.slow
@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
def test_a_real_keychain_that_is_locked_opens_with_the_command_that_is_said(
    home: Home, gnome: GnomeKeyring, shell: str
) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    gnome.lock()
    (found,) = keychain.state(of_gnome(home, gnome))
    gnome.run(shell, "-c", found.mend, stdin=f"{PASSWORD.decode()}\n")

    wait_until(lambda: states(keychain.state(of_gnome(home, gnome))) == ["ok"], "the keychain is open")


@pytest.mark.keychain
@pytest.mark.slow
def test_a_bus_without_a_keychain_is_told_from_one_that_is_locked(home: Home, gnome: GnomeKeyring) -> None:
    gnome.kill()
    found = keychain.state(of_gnome(home, gnome))

    assert states(found) == ["warning"]
    assert "sudo apt install gnome-keyring" in found[0].mend
