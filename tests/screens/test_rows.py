from __future__ import annotations

import pytest

from ringlet_py.entry import Address, Entry
from ringlet_py.errors import KeychainLocked, UsageError
from ringlet_py.screens import rows
from ringlet_py.status import EXPIRED, Status, groups

NOW = 1_800_000_000.0


def known(address: str, state: str = "usable", profiles: tuple[str, ...] = (), **fields: object) -> Status:
    entry = Entry(Address.parse(address), backend="file", **fields)
    return Status(entry=entry, last_used_at="", profiles=profiles, state=state)


def test_a_row_says_what_there_is_and_a_dash_for_what_there_is_not() -> None:
    one = known("anthropic/work", profiles=("a", "b"), expires_at="2027-06-15T23:59:59.999Z")
    assert rows.cells(one) == ("anthropic/work", "usable", "2027-06-15", "-", "-", "a, b")


def test_a_row_cannot_rewrite_the_terminal() -> None:
    assert "\x1b" not in "".join(rows.cells(known("anthropic/work", label="\x1b[2Jgone")))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("", ["anthropic/old", "anthropic/work", "openai/x"]),
        ("anthropic", ["anthropic/old", "anthropic/work"]),
        ("ANTHROPIC acme", ["anthropic/work"]),
        ("org=a1", ["openai/x"]),
        ("expired", ["anthropic/old"]),
        ("active=no", ["anthropic/work"]),
        ("provider=anthropic old", ["anthropic/old"]),
        ("nothing", []),
    ],
)
def test_a_filter_leaves_what_fits_all_of_its_words(text: str, left: list[str]) -> None:
    keys = [
        known("anthropic/old", EXPIRED, expires_at="2020-01-01T00:00:00.000Z"),
        known("anthropic/work", label="of Acme", active=False),
        known("openai/x", org="a1"),
    ]
    assert [str(one.entry.address) for one in rows.filtered(keys, text, now=NOW)] == left


def test_a_key_that_is_held_stays_in_its_place_whatever_the_filter_says() -> None:
    keys = [known("anthropic/a"), known("anthropic/b", active=False), known("anthropic/c")]
    left = rows.filtered(keys, "active=yes", now=NOW, held="anthropic/b")
    assert left == keys


def test_a_filter_on_a_field_that_there_is_not_is_told_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        rows.checked_filter("lable=x")
    assert "did you mean 'label'?" in rows.words(caught.value)


def test_the_form_gives_back_only_what_was_written_anew() -> None:
    entry = known("anthropic/work", label="old").entry
    before = rows.form_of(entry)
    assert rows.changes(before, before) == {}
    assert rows.changes(before, before | {"label": "new", "org": "acme"}) == {"label": "new", "org": "acme"}


def test_an_expiry_that_is_there_stays_when_the_form_is_left_as_it_is() -> None:
    entry = known("anthropic/work", expires_at="2027-06-15T23:59:59.999Z").entry
    assert rows.form_of(entry)["expires_at"] == "2027-06-15T23:59:59.999Z"


def test_the_counts_have_a_number_for_every_state() -> None:
    entries = [known("a/1").entry, known("a/2", active=False).entry]
    assert [rows.count_cells(group) for group in groups(entries, now=NOW)] == [("a", "1", "0", "0", "1", "2")]


def test_an_error_is_told_with_why_and_what_next() -> None:
    problem = KeychainLocked("the keychain is locked", why="nobody unlocked it", hint="unlock it")
    assert rows.words(problem) == "the keychain is locked (nobody unlocked it). next: unlock it"
    assert rows.words(OSError(28, "No space left", "/x\n")) == "/x\\n: No space left"
