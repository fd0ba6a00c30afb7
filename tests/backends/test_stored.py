"""What the keychains of all systems share."""

from __future__ import annotations

import pytest

from ringlet_py.backends.system.stored import address_of, refuse_unfit, secret_from
from ringlet_py.entry import Address
from ringlet_py.errors import InvalidSecret, KeychainBroken
from ringlet_py.secret import Secret

WORK = Address("anthropic", "work")


@pytest.mark.parametrize("value", ["", "k\n", "k\r\n", "k\r", "k\n\n", "a\tb", "back\\slash", "schlüssel", "k\0"])
def test_a_value_that_cannot_be_a_key_is_refused_whoever_made_it(value: str) -> None:
    with pytest.raises(InvalidSecret):
        refuse_unfit(Secret(value), WORK, most=100, place="Keychain")


def test_a_value_of_the_greatest_length_is_fit_and_a_longer_one_is_not() -> None:
    refuse_unfit(Secret("k" * 100), WORK, most=100, place="Keychain")

    with pytest.raises(InvalidSecret) as raised:
        refuse_unfit(Secret("k" * 101), WORK, most=100, place="Keychain")

    assert (raised.value.what, raised.value.why) == (
        "anthropic/work was not written",
        "the Keychain takes 100 characters at most",
    )


def test_what_another_program_stored_is_read_without_its_one_line_end() -> None:
    assert secret_from(b"sk-1\n", WORK, place="Keychain").reveal() == "sk-1"


def test_an_error_about_a_stored_value_says_how_to_mend_it_and_has_no_other_error_behind_it() -> None:
    with pytest.raises(KeychainBroken) as raised:
        secret_from(b"sk-1 sk-2", WORK, place="Keychain")

    assert raised.value.what == "what the Keychain holds as anthropic/work is not a key"
    assert raised.value.hint == "ringlet keychain set anthropic work --replace"
    assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.parametrize(
    "account", ["anthropic", "a/b/c", "", "/", "a/", "/b", "-a/b", "a/b c", "a/é", "a/" + "b" * 65]
)
def test_an_account_that_is_not_written_as_an_address_is_nobody(account: str) -> None:
    assert address_of(account) is None


def test_an_account_that_is_an_address_is_that_address() -> None:
    assert address_of("anthropic/work") == WORK
