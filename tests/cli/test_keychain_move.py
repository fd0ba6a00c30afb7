from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pexpect
import pytest

from ringlet_py.cli import keychain_move
from ringlet_py.entry import Address, Entry
from ringlet_py.errors import KeychainLocked
from ringlet_py.keychain.relocating import Relocation
from ringlet_py.ledger.sqlite import SqliteLedger
from tests.end_to_end.program import FILE_BACKEND, KEY, store_key
from tests.redis_server import RedisProcess, needs_redis

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.keychain.relocating import Move
    from tests.end_to_end.program import Home, Terminal

pytestmark = pytest.mark.slow

SEALED = '[sealed]\nmaster-key = "file"\n'
MOVE = ("keychain", "move", "--to", "sealed")


@pytest.fixture
def home(home: Home) -> Home:
    """With two keys in the file, and a master key in a file for what is sealed."""
    home.configure(FILE_BACKEND + "\n# mine\n" + SEALED)
    store_key(home, "anthropic/work")
    store_key(home, "openai/home", "sk-proj-" + KEY[-40:])
    return home


def in_use(home: Home) -> str:
    return (home.config / "config.toml").read_text().partition('backend = "')[2].partition('"')[0]


def contents(home: Home) -> dict[str, bytes]:
    """Every file but the ledger's, in which SQLite keeps house."""
    return {str(path): path.read_bytes() for path in home.files() if "ledger" not in path.name}


def test_all_keys_move_and_the_new_backend_is_in_use(home: Home) -> None:
    home.here("keychain", "edit", "anthropic", "work", "--label", "mine")
    done = home.here(*MOVE, "--all", "--yes")

    assert (done.status, done.out) == (0, "moved anthropic/work\nmoved openai/home\n")
    assert done.err == "ringlet now uses ledger, sealed (config.toml)\n"
    assert (home.config / "config.toml").read_text() == FILE_BACKEND.replace("file", "sealed") + "\n# mine\n" + SEALED
    assert home.here("keychain", "list", "--where", "label=mine").out == "anthropic/work\n"
    assert "key" not in home.credentials.read_text()
    assert KEY not in done.out + done.err


def test_begun_again_there_is_nothing_to_do(home: Home) -> None:
    home.here(*MOVE, "--all", "--yes")
    again = home.here(*MOVE, "--all", "--yes")

    assert (again.status, again.out) == (0, "")
    assert again.err.startswith("there is nothing to move in ")
    named = home.here(*MOVE, "--select", "anthropic/work")
    assert (named.status, named.err.splitlines()[0]) == (0, "anthropic/work is in sealed already")


def test_what_lies_elsewhere_comes_to_the_backend_in_use(home: Home) -> None:
    home.configure('[credentials]\nbackend = "sealed"\n' + SEALED)
    done = home.here(*MOVE, "--all", "--yes")

    assert done.out == "moved anthropic/work\nmoved openai/home\n"
    assert done.err == ""
    assert home.here("keychain", "list").out == "anthropic/work\nopenai/home\n"


def test_without_a_yes_nothing_is_done_and_the_way_is_shown(home: Home) -> None:
    done = home.here(*MOVE, "--all")

    assert done.status == 4
    assert "and use sealed from then on needs a yes" in done.err
    assert "hint: ringlet keychain move --from file --to sealed --all --yes" in done.err
    assert in_use(home) == "file"
    assert home.here("keychain", "list").out == "anthropic/work\nopenai/home\n"


def test_some_keys_alone_are_refused_where_they_would_be_out_of_sight(home: Home) -> None:
    done = home.here(*MOVE, "--select", "anthropic/work", "--yes")

    assert done.status == 4
    assert "keys in sealed cannot be used while ringlet uses file" in done.err
    assert home.here("keychain", "list").out == "anthropic/work\nopenai/home\n"


def test_they_move_where_it_is_said_which_backend_is_in_use(home: Home) -> None:
    done = home.here(*MOVE, "--select", "provider=anthropic", "--no-switch", "--yes")

    assert done.out == "moved anthropic/work\n"
    assert "note: openai/home stays in " in done.err
    assert "to use what is in sealed: ringlet config set credentials.backend sealed" in done.err
    assert (in_use(home), home.here("keychain", "list").out) == ("file", "openai/home\n")
    home.here(*MOVE, "--select", "openai/home", "--switch", "--yes")
    assert (in_use(home), home.here("keychain", "list").out) == ("sealed", "anthropic/work\nopenai/home\n")


def test_a_condition_that_no_key_fits_is_said_with_what_was_probably_meant(home: Home) -> None:
    home.here("keychain", "edit", "anthropic", "work", "--label", "mine")
    done = home.here(*MOVE, "--select", "label=mien", "--yes")

    assert (done.status, done.out) == (0, "")
    assert done.err.splitlines()[:2] == [
        "no key there has this label",
        "note: there is no label 'mien'; did you mean 'mine'?",
    ]
    assert KEY not in home.here(*MOVE, "--select", f"label={KEY}").err


def test_a_dry_run_says_it_and_changes_nothing(home: Home) -> None:
    before = home.credentials.read_text()
    done = home.here(*MOVE, "--all", "--dry-run")

    assert done.out == "would move anthropic/work\nwould move openai/home\n"
    assert "would then use ledger, sealed" in done.err
    assert (home.credentials.read_text(), in_use(home)) == (before, "file")


def test_json_without_a_yes_is_an_error_of_one_object(home: Home) -> None:
    done = home.here(*MOVE, "--all", "--json")

    assert (done.status, done.out) == (4, "")
    assert json.loads(done.err)["hint"] == "ringlet keychain move --from file --to sealed --all --yes"


def test_json_says_what_moved_and_what_stays(home: Home) -> None:
    done = home.here(*MOVE, "--select", "anthropic/work", "--no-switch", "--yes", "--json")

    assert json.loads(done.out) == {
        "schema_version": 1,
        "source": "file",
        "target": "sealed",
        "dry_run": False,
        "moved": [{"address": "anthropic/work", "secrets": [], "copied_before": False}],
        "left": ["openai/home"],
        "backend": None,
    }


def test_another_value_there_is_refused_with_the_next_command(home: Home) -> None:
    home.configure('[credentials]\nbackend = "sealed"\n' + SEALED)
    store_key(home, "anthropic/work", KEY[:-4] + "ffff")
    home.configure(FILE_BACKEND + SEALED)
    done = home.here(*MOVE, "--all", "--yes")

    assert done.status == 4
    assert "ledger, sealed holds another value for anthropic/work" in done.err
    assert "ringlet keychain move --from file --to sealed --all --replace" in done.err
    assert home.here("keychain", "list").out == "anthropic/work\nopenai/home\n"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("--to sealed", 2, "it has to be said which keys are meant"),
        ("--to sealed --all --select openai/home", 2, "it has to be said which keys are meant"),
        ("--to seald --all", 2, "did you mean 'sealed'?"),
        ("--to file --from file --all", 2, "they are in file already"),
        ("--to sealed --select openai/hom", 3, "openai/hom is not in the keychain"),
        ("--to sealed --select provder=openai", 2, "did you mean 'provider'?"),
        ("--to sealed --select openai/$KEY", 2, "looks like a key"),
    ],
)
def test_a_mistake_is_said(home: Home, words: str, status: int, said: str) -> None:
    done = home.here("keychain", "move", *words.replace("$KEY", KEY).split())

    assert (done.status, said in done.err) == (status, True), done.err
    assert KEY not in done.err


def test_a_linked_config_stays_a_link(home: Home) -> None:
    config, real = home.config / "config.toml", home.path / "dotfiles.toml"
    config.rename(real)
    config.symlink_to(real)
    home.here(*MOVE, "--all", "--yes")

    assert config.is_symlink()
    assert 'backend = "sealed"' in real.read_text()


def test_at_a_terminal_it_is_shown_and_asked_once(home: Home, terminal: Callable[..., Terminal]) -> None:
    for typed, backend in (("n", "file"), ("y", "sealed")):
        child = terminal(*MOVE, "--all")
        child.expect_exact("anthropic/work\r\nopenai/home\r\nmove 2 keys from ")
        child.expect_exact("to ledger, sealed, and use sealed from then on? [y/N]: ")
        child.sendline(typed)
        child.expect_exact("nothing was changed" if typed == "n" else "moved openai/home")
        child.expect(pexpect.EOF)
        assert "hint" not in (child.before or "")
        assert in_use(home) == backend


@needs_redis
def test_before_keys_go_to_a_server_that_forgets_that_is_said(home: Home) -> None:
    with RedisProcess("--appendonly", "no") as server:
        done = home.here(*MOVE, "--all", environ={"RINGLET_LEDGER_URL": server.url})

    assert done.status == 4
    assert "warning: the ledger's server runs without appendonly: its restart would lose these keys" in done.err


@pytest.mark.keychain
def test_out_of_a_real_keychain_and_back_with_the_master_key_staying_there(keychain_home: Home) -> None:
    home = keychain_home
    store_key(home, "anthropic/work")
    assert home.here(*MOVE, "--all", "--yes").out == "moved anthropic/work\n"
    assert in_use(home) == "sealed"
    assert home.here("keychain", "list").out == "anthropic/work\n"
    run = home.ringlet("run", "--key", "T=anthropic/work", "--", "sh", "-c", f'[ "$T" = {KEY} ] && echo same')
    assert (run.status, run.out) == (0, "same\n"), run.err

    back = home.here("keychain", "move", "--to", "system", "--all", "--yes")

    assert (back.status, back.out) == (0, "moved anthropic/work\n"), back.err
    assert in_use(home) == "system"
    assert home.here("keychain", "list").out == "anthropic/work\n"


def test_a_dry_run_says_what_would_stop_the_run(home: Home) -> None:
    home.configure(FILE_BACKEND)  # the master key is to be in the keychain, and there is none
    nowhere = {"DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": ""}
    before = contents(home)
    dry, real = (home.here(*MOVE, "--all", how, environ=nowhere) for how in ("--dry-run", "--yes"))

    assert dry.status == real.status == 7
    assert dry.out == ""
    assert "ringlet config set sealed.master-key file" in dry.err
    assert contents(home) == before


def test_a_dry_run_changes_nothing(home: Home) -> None:
    before = contents(home)

    assert home.here(*MOVE, "--all", "--dry-run").status == 0
    assert contents(home) == before
    assert json.loads(home.here("sealed", "status", "--json").out)["master_key"] is None


def test_the_master_key_in_a_variable_is_looked_for_too(home: Home) -> None:
    home.configure(FILE_BACKEND + '[sealed]\nmaster-key = "env"\n')

    assert home.here(*MOVE, "--all", "--dry-run").status != 0
    assert home.here(*MOVE, "--all", "--dry-run", environ={"RINGLET_MASTER_KEY": "0f" * 32}).status == 0


def test_a_passphrase_that_nobody_can_type_stops_a_dry_run_too(home: Home) -> None:
    home.configure(FILE_BACKEND + '[sealed]\nmaster-key = "passphrase"\n')

    for how in ("--dry-run", "--yes"):
        done = home.here(*MOVE, "--all", how)
        assert (done.status, done.out) == (5, "")
        assert done.err.startswith("ringlet: error: the passphrase of the sealed keys can only be typed at a terminal")


def test_where_keys_would_stay_is_said(home: Home) -> None:
    done = home.here(*MOVE, "--select", "anthropic/work")

    assert "keys in sealed cannot be used while ringlet uses file, and 1 would stay in file\n" in done.err


def test_the_way_on_repeats_what_was_asked_for_as_a_shell_takes_it(home: Home) -> None:
    home.here("keychain", "edit", "anthropic", "work", "--label", "my key")
    words = ("--select", "label=my key", "--no-switch", "--replace")
    done = home.here(*MOVE, *words)

    _, _, way = done.err.partition("hint: ")
    assert way == "ringlet keychain move --from file --to sealed --select 'label=my key' --replace --no-switch --yes\n"
    assert home.here(*shlex.split(way)[1:]).out == "moved anthropic/work\n"


@pytest.mark.parametrize("ends_it", [KeyboardInterrupt(), KeychainLocked("the keychain is locked")])
def test_one_that_is_stopped_midway_says_how_it_goes_on(
    home: Home, monkeypatch: pytest.MonkeyPatch, ends_it: BaseException
) -> None:
    def end(*_: object) -> None:
        raise ends_it

    monkeypatch.setattr(keychain_move, "use_backend", end)
    done = home.here(*MOVE, "--all", "--yes")
    monkeypatch.undo()

    assert done.status == (130 if isinstance(ends_it, KeyboardInterrupt) else 5)
    _, said, way = done.err.splitlines()[0].partition("lost no key; begun again, it goes on: ")
    assert said, done.err
    assert home.here("keychain", "list").out == "anthropic/work\nopenai/home\n"
    assert home.here(*way.split()[1:], "--yes").out == (
        "moved anthropic/work (copied already)\nmoved openai/home (copied already)\n"
    )


def test_a_key_that_is_not_in_the_backend_in_use_is_said_wherever_it_is_missed(home: Home) -> None:
    home.here(*MOVE, "--select", "anthropic/work", "--no-switch", "--yes")
    listed, where = home.here("keychain", "list"), home.here("where", "anthropic", "work")

    assert (listed.out, listed.err) == (
        "openai/home\n",
        "note: anthropic/work is in the backend sealed, which is not in use\n",
    )
    assert (where.status, "it is in the backend sealed, and file is in use" in where.err) == (3, True)
    _, _, way = where.err.partition("hint: ringlet ")
    assert home.here(*way.split(), "--yes").out == "moved anthropic/work\n"


def test_keys_of_a_keychain_that_is_gone_are_not_called_none(home: Home) -> None:
    home.configure('[credentials]\nbackend = "system"\n')
    SqliteLedger(str(home.state / "ledger.sqlite")).put(Entry(Address("xai", "gone"), backend="system"))
    home.credentials.unlink()
    nowhere = {"DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": ""}
    done = home.here("keychain", "move", "--to", "file", "--all", "--yes", environ=nowhere)

    assert done.status == 7
    assert "there is no keychain service" in done.err


def test_what_another_ringlet_moved_meanwhile_is_said(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = Relocation.planned

    def overtaken(self: Relocation) -> list[Move]:
        found = planned(self)
        monkeypatch.undo()
        home.here(*MOVE, "--select", "openai/home", "--no-switch", "--yes")
        return found

    monkeypatch.setattr(Relocation, "planned", overtaken)
    done = home.here(*MOVE, "--all", "--yes")

    assert (done.status, done.out) == (1, "moved anthropic/work\n"), done.err
    assert "note: openai/home is no longer in " in done.err
    assert in_use(home) == "sealed"
    assert home.here("keychain", "list").out == "anthropic/work\nopenai/home\n"
