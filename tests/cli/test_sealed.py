from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.program import KEY, Home, store_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.end_to_end.program import Terminal
    from tests.secret_services import GnomeKeyring

pytestmark = pytest.mark.slow  # each starts programs, or asks at a terminal

SEALED = '[credentials]\nbackend = "sealed"\n[sealed]\nmaster-key = "{}"\n'
MASTER = "5c" * 32
NEXT = "6d" * 32


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home", SEALED.format("file"))


def with_env(home: Home, **variables: str) -> Home:
    home.configure(SEALED.format("env"))
    home.environ.update(variables)
    return home


def data_keys(home: Home) -> list[dict[str, object]]:
    done = home.here("sealed", "status", "--json")
    assert done.status == 0, done.err
    keys: list[dict[str, object]] = json.loads(done.out)["data_keys"]
    return keys


def test_an_agent_gets_the_sealed_key(home: Home):
    store_key(home)
    home.program("agent", '#!/bin/sh\nprintf %s "$ANTHROPIC_API_KEY" >"$HOME/got"\n')
    done = home.ringlet("run", "--key", "anthropic", "--", "agent")

    assert done.status == 0, done.err
    assert (home.path / "got").read_text() == KEY
    (home.path / "got").unlink()
    assert not [path for path in home.files() if KEY.encode() in path.read_bytes()]


def test_status_says_that_nothing_is_sealed_yet(home: Home):
    done = home.here("sealed", "status")

    assert (done.status, done.out, done.err) == (0, "", "nothing is sealed yet\n")
    found = json.loads(home.here("sealed", "status", "--json").out)
    assert found == {"schema_version": 1, "master_key": None, "configured": "file", "data_keys": []}
    assert not home.state.exists()


def test_status_and_rotate_show_no_secret(home: Home):
    with_env(home, RINGLET_MASTER_KEY=MASTER)
    store_key(home)
    shown = [home.here("sealed", "status"), home.here("sealed", "status", "--json")]
    home.environ["RINGLET_NEW_MASTER_KEY"] = NEXT
    shown += [home.here("sealed", "rotate", "--reseal"), home.here("sealed", "status")]

    assert [done.status for done in shown] == [0] * 4
    assert not [done for done in shown for text in (KEY, MASTER, NEXT) if text in done.out + done.err]
    assert "now set RINGLET_MASTER_KEY" in shown[2].err


def test_rotate_moves_to_the_kind_that_is_asked_for_and_is_recorded(home: Home):
    store_key(home)
    done = home.here("sealed", "rotate", "--to", "env", environ={"RINGLET_MASTER_KEY": MASTER})

    assert done.status == 0, done.err
    assert 'config.toml still says [sealed] master-key = "file"' in done.err
    assert json.loads(home.here("sealed", "status", "--json").out)["master_key"] == "env"
    [record] = json.loads(home.here("audit", "list", "--action", "rotate", "--json").out)["records"]
    assert (record["outcome"], record["backend"]) == ("ok", "sealed")


def test_a_failed_rotation_is_recorded_too(home: Home):
    store_key(home)
    done = home.here("sealed", "rotate", "--to", "env")

    assert done.status == 9
    [record] = json.loads(home.here("audit", "list", "--action", "rotate", "--json").out)["records"]
    assert record["outcome"] == "master-key-missing"


def test_reseal_makes_a_new_data_key(home: Home):
    store_key(home)
    [before] = data_keys(home)
    done = home.here("sealed", "rotate", "--reseal", "--json")
    [after] = data_keys(home)

    assert done.status == 0, done.err
    assert f"sealed anew: {before['values']}" in done.err
    assert json.loads(done.out)["resealed"] == before["values"]
    assert (after["values"], after["id"] != before["id"]) == (before["values"], True)


def test_an_unknown_kind_is_a_usage_error_with_the_nearest_one(home: Home):
    done = home.here("sealed", "rotate", "--to", "flie")

    assert done.status == 2
    assert "did you mean 'file'?" in done.err


def test_rotating_nothing_says_so(home: Home):
    done = home.here("sealed", "rotate")

    assert done.status == 3
    assert "nothing is sealed yet" in done.err


@pytest.mark.parametrize(
    ("variable", "status", "code"),
    [("", 9, "master-key-missing"), ("7e" * 32, 9, "master-key-wrong"), ("7e", 11, "config")],
)
def test_what_is_wrong_with_the_master_key_is_said_and_is_never_no_such_key(
    home: Home, variable: str, status: int, code: str
):
    with_env(home, RINGLET_MASTER_KEY=MASTER)
    store_key(home)
    home.environ["RINGLET_MASTER_KEY"] = variable
    assert home.here("keychain", "set", "openai", "--force", stdin=KEY.encode()).status == status
    ran = home.ringlet("run", "--key", "anthropic", "--", "true")

    assert ran.status == 125
    assert "no such" not in ran.err
    assert "is not in the ledger" not in ran.err
    record = json.loads(home.here("audit", "list", "--action", "claim", "--json").out)["records"][-1]
    assert record["outcome"] == code


@pytest.mark.parametrize("inherit", ["filtered", "clean", "all"])
def test_no_agent_inherits_the_master_key(home: Home, inherit: str):
    with_env(home, RINGLET_MASTER_KEY=MASTER, RINGLET_NEW_MASTER_KEY=NEXT)
    store_key(home)
    home.program("agent", '#!/bin/sh\nenv >"$HOME/got"\n')
    text = f'agent = "generic"\nprovider = "anthropic"\ncommand = ["agent"]\ninherit-env = "{inherit}"\n'
    home.profile("x", text)
    done = home.ringlet("run", "x")

    assert done.status == 0, done.err
    got = (home.path / "got").read_text()
    assert KEY in got
    assert MASTER not in got
    assert NEXT not in got


def test_a_passphrase_is_typed_at_the_terminal_and_not_echoed(home: Home, terminal: Callable[..., Terminal]):
    home.configure(SEALED.format("passphrase"))
    home.program("agent", "#!/bin/sh\nexit 0\n")
    child = terminal("keychain", "set", "anthropic", "--force")
    child.expect("Key for anthropic/default: ")
    child.sendline(KEY)
    for prompt in ("New passphrase for the sealed keys: ", "New passphrase, again: "):
        child.expect_exact(prompt)
        child.sendline("a long passphrase")
    child.expect("stored anthropic/default")
    child.wait()
    child = terminal("run", "--key", "anthropic", "--", "agent")
    child.expect_exact("Passphrase of the sealed keys: ")
    child.sendline("another passphrase")
    child.expect_exact("does not open the data key")

    assert "passphrase\r" not in (child.before or "")


def test_without_a_terminal_a_passphrase_is_refused(home: Home):
    home.configure(SEALED.format("passphrase"))
    done = home.ringlet("keychain", "set", "anthropic", "--force", stdin=KEY.encode())

    assert done.status == 5
    assert "can only be typed at a terminal" in done.err


def test_the_master_key_file_lies_beside_the_configuration(home: Home):
    store_key(home)

    assert (home.config / "master.key").stat().st_mode & 0o777 == 0o600
    os.unlink(home.config / "master.key")
    assert home.here("keychain", "list").status == 0
    assert home.here("sealed", "rotate").status == 9
    assert not (home.config / "master.key").exists()


@pytest.mark.keychain
def test_the_master_key_in_a_real_keychain_is_no_key_of_anybodys(keychain_home: Home):
    keychain_home.configure(SEALED.format("system"))
    store_key(keychain_home)
    assert keychain_home.here("sealed", "rotate", "--reseal").status == 0
    assert keychain_home.here("keychain", "list").out == "anthropic/default\n"
    ran = keychain_home.ringlet("run", "--key", "anthropic", "--", "true")
    assert ran.status == 0, ran.err

    keychain_home.configure('[credentials]\nbackend = "system-only"\n')
    listed = keychain_home.here("keychain", "list")
    assert ".ringlet" not in listed.out + listed.err


@pytest.mark.keychain
def test_a_locked_keychain_is_locked_and_not_empty(keychain_home: Home, gnome: GnomeKeyring):
    keychain_home.configure(SEALED.format("system"))
    store_key(keychain_home)
    gnome.lock()
    ran = keychain_home.ringlet("--non-interactive", "run", "--key", "anthropic", "--", "true")
    stored = keychain_home.ringlet("--non-interactive", "keychain", "set", "openai", "--force", stdin=KEY.encode())

    assert ran.status == 125
    assert "lock" in ran.err
    assert stored.status == 5
