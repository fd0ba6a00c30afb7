from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pexpect
import pytest

from tests.end_to_end.program import KEY, Home, Terminal, store_key

if TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., Terminal]

pytestmark = pytest.mark.slow  # each starts programs, or asks at a terminal

OTHER = KEY[::-1]


def status_of(child: Terminal) -> int:
    """Reads the rest and returns the exit status, 128 + n for a signal."""
    child.expect(pexpect.EOF)
    child.wait()
    return 128 + (child.signalstatus or 0) if child.exitstatus is None else child.exitstatus


def test_a_prompt_takes_the_key_without_showing_it(home: Home, terminal: Start) -> None:
    child = terminal("keychain", "set", "anthropic", "work")
    child.expect_exact("Key for anthropic/work: ")
    child.sendline(KEY)
    assert status_of(child) == 0
    assert KEY not in (child.before or "")
    assert f'key = "{KEY}"' in home.credentials.read_text()


def test_with_confirm_the_key_is_asked_for_twice(home: Home, terminal: Start) -> None:
    child = terminal("keychain", "set", "anthropic", "--confirm")
    child.expect_exact("Key for anthropic/default: ")
    child.sendline(KEY)
    child.expect_exact("Key for anthropic/default, again: ")
    child.sendline(OTHER)
    child.expect_exact("the two values differ")
    assert status_of(child) == 2
    assert not home.credentials.exists()


def test_bound_secrets_are_asked_for_after_their_key(home: Home, terminal: Start) -> None:
    child = terminal("keychain", "set", "anthropic", "work", "--secret", "webhook", "--secret", "signing")
    for prompt, value in (("Key for anthropic/work", KEY), ("Secret webhook for anthropic/work", OTHER)):
        child.expect_exact(f"{prompt}: ")
        child.sendline(value)
    child.expect_exact("Secret signing for anthropic/work: ")
    child.sendline("third-0123456789")
    assert status_of(child) == 0
    assert OTHER not in (child.before or "")
    stored = home.credentials.read_text()
    assert f'[anthropic."work#webhook"]\nkey = "{OTHER}"' in stored


def test_a_field_that_cannot_be_is_said_before_the_key_is_typed(home: Home, terminal: Start) -> None:
    child = terminal("keychain", "set", "anthropic", "--expires", "yesterday")
    child.expect_exact("'yesterday' is no expiry")
    assert status_of(child) == 2


def test_a_change_of_several_keys_is_asked_for(home: Home, terminal: Start) -> None:
    store_key(home)
    child = terminal("keychain", "edit", "--where", "provider=anthropic", "--org", "acme")
    child.expect_exact("anthropic/default")
    child.expect_exact("edit 1 key? [y/N]: ")
    child.sendline("n")
    assert status_of(child) == 4
    assert "acme" not in home.here("keychain", "list", "--json").out


def test_who_would_need_replace_hears_so_before_typing_the_key(home: Home, terminal: Start) -> None:
    store_key(home)
    child = terminal("keychain", "set", "anthropic")
    child.expect_exact("ringlet keychain set anthropic default --replace")
    assert status_of(child) == 4


def test_ctrl_c_at_the_prompt_stores_nothing_and_ends_as_for_sigint(home: Home, terminal: Start) -> None:
    child = terminal("keychain", "set", "anthropic")
    child.expect_exact("Key for anthropic/default: ")
    child.sendintr()
    assert status_of(child) == 128 + signal.SIGINT
    assert "Traceback" not in (child.before or "")
    assert not home.credentials.exists()


def test_the_end_of_input_at_the_prompt_is_an_empty_value(terminal: Start) -> None:
    child = terminal("keychain", "set", "anthropic")
    child.expect_exact("Key for anthropic/default: ")
    child.sendeof()
    child.expect_exact("the value is empty")
    assert status_of(child) == 2


def test_non_interactive_never_asks(terminal: Start) -> None:
    child = terminal("keychain", "set", "anthropic", environ={"RINGLET_NON_INTERACTIVE": "1"})
    child.expect_exact("there is no value")
    assert status_of(child) == 2


def test_a_no_leaves_a_key_that_profiles_use_and_a_yes_removes_it(home: Home, terminal: Start) -> None:
    store_key(home)
    home.profile("tool", 'agent = "generic"\nprovider = "anthropic"\ncommand = ["true"]\n')
    child = terminal("keychain", "remove", "anthropic", "default")
    child.expect_exact("anthropic/default is used by tool")
    child.sendline("n")
    assert status_of(child) == 4
    assert home.here("keychain", "list").out == "anthropic/default\n"
    child = terminal("keychain", "remove", "anthropic", "default")
    child.expect_exact("anthropic/default is used by tool")
    child.sendline("y")
    assert status_of(child) == 0
    assert home.here("keychain", "list").out == ""


def test_edit_opens_the_editor_and_saves_what_is_sound(home: Home, terminal: Start) -> None:
    home.profile("tool", '# mine\nagent = "generic"\nprovider = "anthropic"\ncommand = ["true"]\n')
    editor = home.program("editor", '#!/bin/sh\nprintf \'model = "better"\\n\' >>"$1"\n')
    child = terminal("profiles", "edit", "tool", environ={"EDITOR": str(editor)})
    child.expect_exact("changed tool")
    assert status_of(child) == 0
    text = (home.path / ".ringlet/profiles/tool/ringlet.toml").read_text()
    assert text.startswith("# mine\n")
    assert 'model = "better"' in text


def test_edit_keeps_the_old_profile_if_the_new_one_is_wrong(home: Home, terminal: Start) -> None:
    document = home.profile("tool", 'agent = "generic"\nprovider = "anthropic"\ncommand = ["true"]\n')
    before = document.read_text()
    editor = home.program("editor", '#!/bin/sh\necho nonsense >"$1"\n')
    child = terminal("profiles", "edit", "tool", environ={"EDITOR": str(editor)})
    child.expect_exact("edit again?")
    child.sendline("n")
    assert status_of(child) == 4
    assert document.read_text() == before
    assert [path.name for path in document.parent.iterdir()] == ["ringlet.toml"]
