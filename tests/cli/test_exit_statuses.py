"""Every exit status of ringlet's own, each reached by a real command on the file backend or without a keychain."""

from __future__ import annotations

import signal

import pytest

from tests.end_to_end.program import KEY, Home, store_key

STUB = '#!/bin/sh\ncase "$1" in signal) kill -s "$2" $$ ;; *) exit "$1" ;; esac\n'


@pytest.fixture
def tool(home: Home) -> Home:
    """A home with a key and a profile whose agent ends as its arguments say."""
    store_key(home)
    home.program("tool", STUB)
    home.profile("work", 'agent = "generic"\nprovider = "anthropic"\ncommand = ["tool"]\n')
    return home


def test_0_is_success(home: Home) -> None:
    assert home.here("keychain", "list").status == 0


def test_1_is_a_failure_that_nothing_more_precise_is_known_of(home: Home) -> None:
    (home.path / ".ringlet").mkdir()
    (home.path / ".ringlet/profiles").write_text("a file where a folder should be")
    assert home.here("profiles", "list").status == 1


def test_2_is_a_command_that_was_not_understood(home: Home) -> None:
    assert home.here("keychain", "lst").status == 2


def test_3_is_something_that_is_not_there(home: Home) -> None:
    assert home.here("keychain", "remove", "anthropic", "default").status == 3


def test_4_wants_replace_force_or_yes(tool: Home) -> None:
    assert tool.here("keychain", "set", "anthropic", stdin=KEY.encode()).status == 4


def test_7_is_no_keychain(home: Home) -> None:
    home.configure('[credentials]\nbackend = "system-only"\n')
    assert home.here("keychain", "list").status == 7


def test_9_is_a_store_that_cannot_be_read(tool: Home) -> None:
    tool.credentials.write_text("not toml")
    assert tool.here("keychain", "list").status == 9


def test_10_is_a_file_that_others_can_read(tool: Home) -> None:
    tool.credentials.chmod(0o640)
    assert tool.here("keychain", "list").status == 10


def test_11_is_a_wrong_config(home: Home) -> None:
    home.configure("[credentials]\nbackend = 1\n")
    assert home.here("keychain", "list").status == 11


def test_12_is_an_audit_that_was_changed(tool: Home) -> None:
    log = tool.state / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b"set", b"get", 1))
    assert tool.here("audit", "verify").status == 12


@pytest.mark.slow
@pytest.mark.parametrize("status", [1, 125])
def test_under_run_the_status_is_the_agents(tool: Home, status: int) -> None:
    assert tool.ringlet("run", "work", "--", str(status)).status == status


@pytest.mark.parametrize(
    "name", ["TERM", pytest.param("KILL", marks=pytest.mark.slow), pytest.param("PIPE", marks=pytest.mark.slow)]
)
def test_an_agent_killed_by_a_signal_is_seen_as_just_that(tool: Home, name: str) -> None:
    assert tool.ringlet("run", "work", "--", "signal", name).status == -signal.Signals[f"SIG{name}"]


def test_a_shell_sees_128_plus_the_signal(tool: Home) -> None:
    tool.profile("shell", 'agent = "generic"\nprovider = "anthropic"\ncommand = ["sh"]\n')
    assert tool.ringlet("run", "shell", "--", "-c", "tool signal TERM; exit $?").status == 128 + signal.SIGTERM


def test_125_is_everything_that_fails_before_the_agent_starts(tool: Home) -> None:
    assert tool.here("run", "wrok").status == 125
    assert tool.here("run", "work", "word").status == 125
    assert tool.here("profiles", "run", "work", "--jsno").status == 125
    tool.credentials.chmod(0o640)
    assert tool.here("run", "work").status == 125
    tool.configure("nonsense")
    assert tool.here("profiles", "run", "work").status == 125


@pytest.mark.slow
def test_126_is_an_agent_that_cannot_be_executed(tool: Home) -> None:
    tool.program("tool", STUB, mode=0o644)
    assert tool.here("run", "work").status == 126
    tool.program("tool", "#!/no/such/interpreter\n")
    assert tool.ringlet("run", "work").status == 126


def test_127_is_an_agent_that_is_not_there(tool: Home) -> None:
    (tool.path / "bin/tool").unlink()
    assert tool.here("run", "work").status == 127


def test_130_is_an_interruption(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ringlet_py.keychain.Keychain.entries", interrupt)
    assert home.here("keychain", "list").status == 130
