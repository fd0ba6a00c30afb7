from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.completion.shells import RC, Shell, in_bash, in_fish, in_nu, install_ringlet
from tests.end_to_end.program import store_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.program import Home

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the shells of POSIX systems"),
]
PROFILE = 'agent = "claude"\nprovider = "anthropic"\n'


@pytest.fixture
def home(home: Home) -> Home:
    """With two profiles, a key, ringlet on PATH, and a file to be found by the shell itself."""
    install_ringlet(home)
    home.profile("work", PROFILE)
    home.profile("play", PROFILE)
    store_key(home, "anthropic/office")
    (home.path / "work/notes.txt").touch()
    return home


@pytest.fixture(params=RC)
def shell(request: pytest.FixtureRequest, home: Home) -> Iterator[Shell]:
    shell = Shell(request.param, home)
    yield shell
    shell.close()


def test_a_real_shell_completes_what_ringlet_knows_and_leaves_the_rest_to_itself(shell: Shell) -> None:
    lines = {
        "ringlet pro": "ringlet profiles ",
        "ringlet run wo": "ringlet run work ",
        "ringlet profiles edit pl": "ringlet profiles edit play ",
        "ringlet profiles rm pl": "ringlet profiles rm play ",
        "ringlet keychain remove anthropic of": "ringlet keychain remove anthropic office ",
        "ringlet run work --pur": "ringlet run work --purpose ",
        "ringlet profiles create new --provider deep": "ringlet profiles create new --provider deepseek ",
        "ringlet profiles create new --provider=deep": "ringlet profiles create new --provider=deepseek ",
        "ringlet run --key anth": "ringlet run --key anthropic/office ",
        "ringlet run --key=anth": "ringlet run --key=anthropic/office ",
        "ringlet run --key ANTHROPIC_API_KEY=anth": "ringlet run --key ANTHROPIC_API_KEY=anthropic/office ",
        "ringlet keychain set anthropic --from-file no": "ringlet keychain set anthropic --from-file notes.txt ",
        "ringlet run work -- no": "ringlet run work -- notes.txt ",
        "ringlet run no": "ringlet run no",
        "ringlet run work wo": "ringlet run work wo",
        "ringlet run -- wo": "ringlet run -- wo",
        "ringlet profiles edit --model a:b pl": "ringlet profiles edit --model a:b play ",
        "ringlet config set audit.en": "ringlet config set audit.enabled ",
        "ringlet config set audit.enabled f": "ringlet config set audit.enabled false ",
        "ringlet config set lending.places own,ch": "ringlet config set lending.places own,channel ",
    }

    assert {typed: shell.after_tab(typed) for typed in lines} == lines


def test_a_real_shell_never_runs_what_a_folder_is_called(shell: Shell) -> None:
    for name in ("$(touch ~/hacked)", "`touch ~/hacked`", "x;touch ~/hacked", "x\ntouch ~/hacked", "-x", "x y"):
        (shell.home.path / ".ringlet/profiles" / name.replace("~/", "")).mkdir()
        (shell.home.path / ".ringlet/profiles" / name.replace("~/", "") / "ringlet.toml").write_text(PROFILE)

    assert shell.after_tab("ringlet run ") == "ringlet run "
    assert shell.after_tab("ringlet run $(") == "ringlet run $("
    assert shell.after_tab("ringlet run x") == "ringlet run x"
    assert not list(shell.home.path.rglob("hacked*"))


def test_bash_offers_the_names(home: Home) -> None:
    assert in_bash(home, "ringlet", "run", "") == ["play", "work"]
    assert in_bash(home, "ringlet", "keychain", "rem") == ["remove"]


def test_bash_puts_together_what_it_took_apart(home: Home) -> None:
    assert in_bash(home, "ringlet", "run", "--key", "=", "anth") == ["anthropic/office"]
    assert in_bash(home, "ringlet", "run", "--key", "=") == ["anthropic/office"]
    assert in_bash(home, "ringlet", "run", "--key", "=", "K", "=", "a") == ["anthropic/office"]
    assert in_bash(home, "ringlet", "profiles", "edit", "--base-url", "https", ":", "//x", "pl") == ["play"]


def offers_owners(home: Home) -> Home:
    """A home whose ringlet offers names with a colon."""
    (home.path / "script").write_text(home.ringlet("completion", "bash").out)
    offering = "#!/bin/sh\n[ $1 = completion ] && exec cat ~/script\nprintf 'user:%s\\n' alice alma\n"
    home.program("ringlet", offering)
    return home


def test_bash_does_not_repeat_what_stands_before_a_colon(home: Home) -> None:
    offers_owners(home)

    assert in_bash(home, "ringlet", "x", "user", ":", "al") == ["alice", "alma"]
    assert in_bash(home, "ringlet", "x", "user", ":") == ["alice", "alma"]
    assert in_bash(home, "ringlet", "x", "us") == ["user:alice", "user:alma"]


def test_bash_completes_a_word_with_a_colon_in_place(home: Home) -> None:
    shell = Shell("bash", offers_owners(home))
    try:
        assert shell.after_tab("ringlet x user:a") == "ringlet x user:al"
    finally:
        shell.close()


def test_fish_offers_names_with_what_they_are(home: Home) -> None:
    assert in_fish(home, "ringlet run --key ") == {"anthropic/office": ""}
    assert in_fish(home, "ringlet catalog providers --agent cod") == {"codex": "Codex CLI"}
    assert in_fish(home, "ringlet run work -- no") == {"notes.txt": ""}


def test_nushell_offers_names_with_what_they_are(home: Home) -> None:
    assert in_nu(home, "ringlet", "run", "wo") == [{"value": "work", "description": ""}]
    assert in_nu(home, "ringlet", "catalog", "providers", "--agent", "cod") == [
        {"value": "codex", "description": "Codex CLI"}
    ]
    assert in_nu(home, "ringlet", "run", "work", "--", "no") is None
    assert in_nu(home, "git", "ch") is None


def test_when_ringlet_fails_a_shell_offers_nothing_of_its_and_says_nothing(home: Home) -> None:
    (home.path / "script").write_text(home.ringlet("completion", "bash").out)
    failing = "#!/bin/sh\n[ $1 = completion ] && exec cat ~/script\necho work; echo broken >&2; exit 3\n"
    home.program("ringlet", failing)

    assert in_bash(home, "ringlet", "run", "") == []
