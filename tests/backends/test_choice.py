from __future__ import annotations

import pytest

from ringlet_py.backends.choice import WARNING, SystemOrFile
from ringlet_py.entry import Address
from ringlet_py.errors import (
    InsecurePermissions,
    KeychainAbsent,
    KeychainBroken,
    KeychainDenied,
    KeychainLocked,
    KeychainTimeout,
    KeyNotFound,
    RingletError,
)
from ringlet_py.secret import Secret
from ringlet_py.testing import MemoryBackend

WORK, HOME = Address("anthropic", "work"), Address("anthropic", "home")
ABSENT = KeychainAbsent("there is none")


class Both:
    def __init__(self, failure: RingletError | None = None) -> None:
        self.said: list[str] = []
        self.system = MemoryBackend(failure=failure)
        self.file = MemoryBackend()
        self.chosen = SystemOrFile(self.system, self.file, self.said.append)


def test_the_keychain_is_used_where_there_is_one() -> None:
    both = Both()
    both.chosen.set(WORK, Secret("v"))

    assert both.chosen.get(WORK).same_as(Secret("v"))
    assert both.chosen.names() == [WORK]
    both.chosen.check()
    both.chosen.remove(WORK)
    assert both.file.names() == []
    assert both.said == []


def test_without_a_keychain_the_file_is_used_with_one_warning() -> None:
    both = Both(ABSENT)
    both.chosen.set(WORK, Secret("v"))

    assert both.chosen.get(WORK).same_as(Secret("v"))
    assert both.chosen.names() == [WORK]
    assert both.said == [WARNING.format(path="memory")]
    assert both.said[0].splitlines() == [
        "⚠ Using file-backed credentials (memory).",
        "  For better security on multi-user systems, install GNOME Keyring or set up a service-mode keychain.",
    ]


@pytest.mark.parametrize("failure", [KeychainLocked, KeychainDenied, KeychainTimeout, KeychainBroken])
@pytest.mark.parametrize("verb", ["get", "set", "remove", "names", "check"])
def test_a_keychain_in_trouble_is_not_an_absent_one(failure: type[RingletError], verb: str) -> None:
    both = Both(failure("trouble"))
    both.file.set(WORK, Secret("v"))
    arguments: dict[str, list[object]] = {"get": [WORK], "set": [WORK, Secret("n")], "remove": [WORK]}

    with pytest.raises(failure):
        getattr(both.chosen, verb)(*arguments.get(verb, []))
    assert both.file.get(WORK).same_as(Secret("v"))


def test_the_file_is_not_read_while_the_keychain_is_there_but_it_is_named() -> None:
    both = Both()
    both.file.set(WORK, Secret("v"))

    with pytest.raises(KeyNotFound):
        both.chosen.get(WORK)
    assert both.said == ["note: not used, but still in memory: anthropic/work"]


def test_what_lies_in_the_file_is_named_with_the_list() -> None:
    both = Both()
    both.system.set(HOME, Secret("v"))
    both.file.set(WORK, Secret("v"))

    assert both.chosen.names() == [HOME]
    assert both.chosen.names() == [HOME]
    assert both.said == ["note: not used, but still in memory: anthropic/work"]


def test_another_key_in_the_file_is_no_news_when_one_is_not_found() -> None:
    both = Both()
    both.file.set(HOME, Secret("v"))

    with pytest.raises(KeyNotFound):
        both.chosen.get(WORK)
    assert both.said == []


def test_a_file_in_trouble_does_not_stop_the_keychain() -> None:
    both = Both()
    both.system.set(WORK, Secret("v"))
    both.file.failure = InsecurePermissions("0644")

    assert both.chosen.names() == [WORK]
    assert "cannot be read" in both.said[0]


def test_the_name_says_which_one_was_used() -> None:
    both = Both(ABSENT)
    both.chosen.names()

    assert both.chosen.name == both.file.name
    assert both.chosen.place == both.file.place
    assert both.chosen.max_length == both.file.max_length


def test_of_what_is_left_in_the_file_the_keys_are_named_and_not_their_bound_secrets() -> None:
    both = Both()
    webhook = Address("anthropic", "work", "webhook")
    for address in (WORK, webhook):
        both.file.set(address, Secret("v"))
    with pytest.raises(KeyNotFound):
        both.chosen.get(webhook)
    assert both.said == []

    both.chosen.names()

    assert both.said == ["note: not used, but still in memory: anthropic/work"]


class Foresighted(MemoryBackend):
    """A backend that can be asked beforehand."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def expect(self, address: Address) -> None:
        self.told.append(f"expect {address}")

    def dismiss(self) -> None:
        self.told.append("dismiss")


def test_what_is_expected_of_it_is_expected_of_the_keychain() -> None:
    both = Both()
    system = Foresighted()
    both.chosen = SystemOrFile(system, both.file, both.said.append)
    both.chosen.expect(WORK)
    both.chosen.dismiss()

    assert system.told == [f"expect {WORK}", "dismiss"]


def test_one_that_cannot_be_asked_beforehand_is_not() -> None:
    both = Both(ABSENT)
    both.chosen.expect(WORK)
    both.chosen.dismiss()

    assert both.said == []
