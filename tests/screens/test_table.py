from __future__ import annotations

import asyncio
import gc
import importlib.util
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from ringlet_py.app import App
from ringlet_py.errors import Declined, InvalidSecret, KeychainLocked
from ringlet_py.screens.desk import Desk
from ringlet_py.secret import Secret
from tests.end_to_end.program import KEY, store_key

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from textual.pilot import Pilot

    from ringlet_py.screens.table import KeyTable
    from tests.end_to_end.program import Home

if importlib.util.find_spec("textual") is None:
    if "textual" in os.environ.get("RINGLET_REQUIRE", ""):
        raise RuntimeError("RINGLET_REQUIRE names textual, and it is not installed")
    pytest.skip("textual is not installed", allow_module_level=True)


class Person:
    """Who sits there: the values that will be typed, whether a yes is said, and what was asked."""

    def __init__(self, *values: str, agrees: bool = False) -> None:
        self.values = list(values)
        self.agrees = agrees
        self.asked: list[str] = []

    def ask(self, prompt: str) -> Secret:
        self.asked.append(prompt)
        value = self.values.pop(0)
        if value == "^C":
            raise KeyboardInterrupt
        if not value:
            raise InvalidSecret("the value is empty")
        return Secret(value)

    def agree(self, question: str) -> bool:
        self.asked.append(question)
        return self.agrees


@pytest.fixture(autouse=True)
def _no_garbage_of_the_library() -> Iterator[None]:
    yield
    gc.collect()


def seen(table: KeyTable) -> str:
    """The words on the screen, with one blank between them wherever a line ends."""
    strips = table.screen._compositor.render_strips()
    return " ".join("\n".join("".join(segment.text for segment in strip) for strip in strips).split())


class Aside:
    """The table put aside as Textual does it: what leaves the block with an error is never taken back."""

    def __init__(self) -> None:
        self.now = False

    @contextmanager
    def __call__(self) -> Iterator[None]:
        self.now = True
        yield
        self.now = False


def use(home: Home, person: Person, steps: Callable[[KeyTable, Pilot[int]], Coroutine[None, None, None]]) -> KeyTable:
    """Opens the table on a screen of 80 by 24, and does the steps there."""
    from ringlet_py.screens.table import KeyTable

    desk = Desk(app=App(home.environ), ask=person.ask, agree=person.agree)
    aside = Aside()
    table = KeyTable(desk, desk.look(), aside=aside)

    async def run() -> None:
        async with table.run_test(size=(80, 24)) as pilot:
            await steps(table, pilot)

    try:
        asyncio.run(run())
    finally:
        assert not aside.now, "the table never came back"
    return table


def type_in(home: Home, person: Person, *words: str) -> list[str]:
    """The screen at the beginning and after each word: keys with blanks between them, or `= text` for letters."""
    screens: list[str] = []

    async def steps(table: KeyTable, pilot: Pilot[int]) -> None:
        await pilot.pause()
        screens.append(seen(table))
        for word in words:
            await pilot.press(*(word[2:] if word.startswith("= ") else word.split()))
            await pilot.pause()
            screens.append(seen(table))

    use(home, person, steps)
    return screens


def type_ahead(home: Home, person: Person, *bursts: str) -> str:
    """The screen after these letters were typed, those of a burst all before the table looks at the first."""
    from textual import events

    names = {"/": "slash", " ": "space", "=": "equals_sign", "\r": "enter", "\t": "tab", "v": "down"}
    screens: list[str] = []

    async def steps(table: KeyTable, pilot: Pilot[int]) -> None:
        await pilot.pause()
        for burst in bursts:
            for event in [events.Key(names.get(c, c), c if c.isprintable() and c != "v" else None) for c in burst]:
                table.post_message(event)
            await pilot.pause()
        screens.append(seen(table))

    use(home, person, steps)
    return screens[0]


def addresses(home: Home) -> list[str]:
    return home.here("keychain", "list").out.split()


@pytest.mark.slow
def test_a_key_is_added_and_its_value_is_never_on_the_screen(home: Home) -> None:
    person = Person(KEY)
    screens = type_in(home, person, "a", "= anthropic", "tab", "= work", "enter")
    assert "there are no keys yet" in screens[0]
    assert "anthropic/work usable" in screens[-1]
    assert "stored anthropic/work in " in screens[-1]
    assert person.asked == ["Key for anthropic/work"]
    assert not [screen for screen in screens if KEY in screen]
    assert addresses(home) == ["anthropic/work"]


@pytest.mark.slow
def test_everything_has_its_place_on_80_columns(home: Home) -> None:
    store_key(home)
    first, form = type_in(home, Person(), "e")
    assert "q Quit" in first
    assert "PROVIDER USABLE RESTING EXPIRED INACTIVE TOTAL anthropic 1 0 0 0 1" in first
    assert "1 key in " in first
    assert [name for name in ("label", "expires", "max-uses", "weight", "Enter: done") if name not in form] == []


@pytest.mark.slow
def test_a_locked_keychain_is_told_and_the_keys_are_not_taken_for_gone(home: Home) -> None:
    store_key(home)
    locked = mock.Mock(side_effect=KeychainLocked("the keychain is locked"))

    async def steps(table: KeyTable, pilot: Pilot[int]) -> None:
        with mock.patch("ringlet_py.backends.file.FileBackend.names", locked):
            await pilot.press("f5")
            await pilot.pause()
        screen = seen(table)
        assert "shown as it was before: the keychain is locked. next: ringlet doctor" in screen
        assert "anthropic/default usable" in screen

    use(home, Person(), steps)


@pytest.mark.slow
def test_only_a_yes_removes(home: Home) -> None:
    store_key(home)
    home.profile("tool", 'agent = "generic"\nprovider = "anthropic"\ncommand = ["true"]\n')
    asked, left = type_in(home, Person(), "d", "enter")[1:]
    assert "anthropic/default, used by tool" in asked
    assert "anthropic/default usable" in left
    gone = type_in(home, Person(), "d", "y")[-1]
    assert "removed anthropic/default" in gone
    assert addresses(home) == []


@pytest.mark.slow
def test_a_key_is_replaced_and_the_new_value_is_kept(home: Home) -> None:
    store_key(home)
    screens = type_in(home, Person(KEY[::-1].replace("sk", "ks")), "r")
    assert "replaced anthropic/default" in screens[-1]
    assert KEY not in home.credentials.read_text()


@pytest.mark.slow
def test_what_speaks_against_a_new_key_is_said_in_the_form_before_the_value_is_asked_for(home: Home) -> None:
    store_key(home)
    person = Person()
    taken, expiry = type_in(home, person, "a", "= anthropic", "enter", "tab tab tab", "= yesterday", "enter")[3::3]
    assert "anthropic/default is already in the keychain" in taken
    assert "'yesterday' is no expiry" in expiry
    assert person.asked == []


@pytest.mark.slow
@pytest.mark.parametrize("agrees", [True, False])
def test_a_value_that_looks_wrong_is_stored_only_after_a_yes(home: Home, *, agrees: bool) -> None:
    person = Person("your-api-key-here", agrees=agrees)
    screen = type_in(home, person, "a", "= anthropic", "enter")[-1]
    assert "store it all the same?" in person.asked[-1]
    assert ("stored anthropic/default" if agrees else "nothing was changed") in screen
    assert addresses(home) == ["anthropic/default"] * agrees


@pytest.mark.slow
def test_ctrl_c_at_the_prompt_stores_nothing_and_the_table_goes_on(home: Home) -> None:
    screen = type_in(home, Person("^C"), "a", "= anthropic", "enter")[-1]
    assert "nothing was stored" in screen
    assert addresses(home) == []


@pytest.mark.slow
def test_an_empty_value_at_the_prompt_is_told_in_the_table(home: Home) -> None:
    store_key(home)
    screen = type_in(home, Person(""), "r")[-1]
    assert "the value is empty" in screen
    assert "anthropic/default usable" in screen


@pytest.mark.slow
def test_what_nobody_thought_of_at_the_prompt_ends_the_table_with_the_terminal_taken_back(home: Home) -> None:
    store_key(home)
    person = Person()
    with mock.patch.object(person, "ask", side_effect=ZeroDivisionError), pytest.raises(ZeroDivisionError):
        type_in(home, person, "r")


@pytest.mark.slow
def test_a_provider_that_is_nearly_one_of_the_catalog_is_told_before_the_value_is_asked_for(home: Home) -> None:
    person = Person()
    screen = type_in(home, person, "a", "= antropic", "enter")[-1]
    assert "is not in the catalog, but 'anthropic' is" in screen
    assert "ringlet keychain set antropic default --force" in screen
    assert person.asked == []


@pytest.mark.slow
def test_a_key_of_such_a_provider_is_replaced_after_a_yes_that_comes_before_the_value(home: Home) -> None:
    store_key(home, "antropic/default")
    person = Person(KEY[::-1], agrees=True)
    assert "replaced antropic/default" in type_in(home, person, "r")[-1]
    question, prompt = person.asked
    assert question.endswith("store it all the same?")
    assert prompt == "Key for antropic/default"


@pytest.mark.slow
@pytest.mark.parametrize("text", ["i", "x", "labl=foo", "d y", "aer"])
def test_what_is_typed_quickly_after_the_slash_is_the_filter_and_no_command(home: Home, text: str) -> None:
    store_key(home)
    before = home.here("keychain", "list", "--json").out
    person = Person()
    screen = type_ahead(home, person, f"/{text}")
    assert text in screen
    assert [said for said in ("add a key", "remove this key", "no key has expired") if said in screen] == []
    assert person.asked == []
    assert home.here("keychain", "list", "--json").out == before


@pytest.mark.slow
def test_keys_typed_quickly_act_in_their_order(home: Home) -> None:
    for alias in ("a", "b", "c"):
        store_key(home, f"openai/{alias}", KEY + alias)
    assert "openai/b inactive" in type_ahead(home, Person(), "vi")
    screen = type_ahead(home, Person(), "/openai/c\ri")
    assert "openai/c inactive" in screen
    assert "1 of 3 keys" in screen


@pytest.mark.slow
def test_a_form_that_is_filled_in_quickly_gets_each_text_into_its_own_line(home: Home) -> None:
    person = Person(KEY)
    screen = type_ahead(home, person, "aanthropic\twork\tmine\r")
    assert person.asked == ["Key for anthropic/work"]
    assert "anthropic/work usable never - mine" in screen


@pytest.mark.slow
def test_keys_typed_before_the_value_was_asked_for_or_a_question_was_there_are_not_heard(home: Home) -> None:
    store_key(home)
    assert "anthropic/default usable" in type_ahead(home, Person(KEY[::-1]), "riii")
    assert "remove this key?" in type_ahead(home, Person(), "dy")
    assert "remove this key?" not in type_ahead(home, Person(), "d", "n")
    assert addresses(home) == ["anthropic/default"]


@pytest.mark.slow
def test_a_key_switched_off_stays_in_sight_so_that_the_same_key_takes_it_back(home: Home) -> None:
    for alias in ("a", "b"):
        store_key(home, f"openai/{alias}", KEY + alias)
    off, on = type_in(home, Person(), "slash", "= active=yes", "enter", "i", "i")[4:]
    assert "openai/a inactive" in off
    assert "openai/a is inactive now; i takes it back" in off
    assert "openai/a usable" in on
    assert "openai/b usable" in on


@pytest.mark.slow
def test_fields_are_edited_and_what_was_not_touched_stays(home: Home) -> None:
    store_key(home)
    home.here("keychain", "edit", "anthropic", "default", "--org", "acme", "--expires", "30d")
    before = home.here("keychain", "list", "--json").out
    screen = type_in(home, Person(), "e", "= mine", "enter")[-1]
    assert "changed anthropic/default" in screen
    after = home.here("keychain", "list", "--json").out
    assert after == before.replace('"label": null', '"label": "mine"')


@pytest.mark.slow
def test_a_key_is_set_inactive_and_active_again(home: Home) -> None:
    store_key(home)
    off, on = type_in(home, Person(), "i", "i")[1:]
    assert "anthropic/default inactive" in off
    assert "anthropic/default usable" in on


@pytest.mark.slow
def test_all_expired_keys_are_removed_together_and_no_other(home: Home) -> None:
    for alias in ("a", "b", "c"):
        store_key(home, f"anthropic/{alias}", KEY + alias)
    for alias in ("a", "c"):
        home.here("keychain", "edit", "anthropic", alias, "--expires", "1s")
    with mock.patch("time.time", return_value=4_000_000_000.0):
        asked = []

        async def steps(table: KeyTable, pilot: Pilot[int]) -> None:
            table.desk.app.clock = lambda: 4_000_000_000.0
            await pilot.press("f5", "slash", "b", "enter", "x")
            await pilot.pause()
            asked.append(seen(table))
            await pilot.press("y")
            await pilot.pause()
            asked.append(seen(table))

        use(home, Person(), steps)
    assert "remove these 2 keys?" in asked[0]
    assert "removed 2 keys" in asked[1]
    assert addresses(home) == ["anthropic/b"]


@pytest.mark.slow
def test_a_filter_narrows_while_it_is_typed_and_escape_takes_it_back(home: Home) -> None:
    store_key(home, "anthropic/work")
    store_key(home, "openai/x", KEY + "1")
    _, _, narrow, _, wrong, back = type_in(home, Person(), "slash", "= open", "= =x", "enter", "escape")
    assert "1 of 2 keys" in narrow
    assert "there is no field 'open'" in wrong
    assert back.startswith("2 keys in ")


@pytest.mark.slow
def test_a_key_that_is_pasted_into_a_line_does_not_get_in(home: Home) -> None:
    from textual import events

    async def steps(table: KeyTable, pilot: Pilot[int]) -> None:
        await pilot.press("slash")
        table.filter.post_message(events.Paste(KEY))
        await pilot.pause()
        assert table.filter.value == ""
        table.filter.post_message(events.Paste("acme"))
        await pilot.pause()
        assert table.filter.value == "acme"

    use(home, Person(), steps)


@pytest.mark.slow
def test_an_error_that_nobody_thought_of_ends_the_table_without_a_report_of_the_library(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    store_key(home)

    failed: list[Exception | None] = []

    async def steps(table: KeyTable, pilot: Pilot[int]) -> None:
        try:
            with mock.patch.object(type(table.desk.app.keychain), "edit", side_effect=ZeroDivisionError):
                await pilot.press("i")
                await pilot.pause()
        finally:
            failed.append(table.failure)

    with pytest.raises(ZeroDivisionError):
        use(home, Person(), steps)
    assert isinstance(failed[0], ZeroDivisionError)
    assert capsys.readouterr() == ("", "")


def test_what_is_declined_is_one_of_our_errors(home: Home) -> None:
    person = Person("your-api-key-here")
    desk = Desk(app=App(home.environ), ask=person.ask, agree=person.agree)
    with pytest.raises(Declined):
        desk.store(desk.address("anthropic", ""), {})


def test_without_a_terminal_the_plain_commands_are_named(home: Home) -> None:
    done = home.here("keychain", "manage")
    assert done.status == 2
    assert "needs a terminal" in done.err
    assert "hint: ringlet keychain list\n" in done.err
