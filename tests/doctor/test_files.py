from __future__ import annotations

import os
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.doctor import files
from ringlet_py.doctor.finding import Repair
from ringlet_py.moving.made import receipts
from ringlet_py.moving.receipts import FileReceipt
from tests.doctor.around import made, states, told, write

if TYPE_CHECKING:
    from tests.end_to_end.program import Home

OLD = 1_700_000_000
TEMPORARY = ".credentials.toml.0123456789ab.tmp"


@pytest.fixture
def lived_in(home: Home) -> Home:
    """A home with every kind of file."""
    write(home.credentials)
    write(home.config / "http_token")
    write(home.config / "config.toml", '[credentials]\nbackend = "file"\n', mode=0o644)
    write(home.config / "agents/mine.toml", mode=0o644)
    write(home.state / "ledger.sqlite")
    write(home.state / "audit.jsonl")
    write(home.path / ".cache/ringlet/plans/work")
    write(home.path / ".ringlet/profiles/work/ringlet.toml", mode=0o644)
    write(home.path / ".ringlet/profiles/work/home/.bashrc", mode=0o666)
    return home


def test_what_ringlet_makes_is_as_it_should_be(lived_in: Home) -> None:
    assert files.modes(made(lived_in)) == []
    assert files.leftovers(made(lived_in)) == []
    assert files.writable(made(lived_in)) == []


def test_a_home_without_any_of_it_is_too(home: Home) -> None:
    assert files.modes(made(home)) == []


@pytest.mark.parametrize(
    ("name", "mode", "repaired"),
    [
        (".config/ringlet/credentials.toml", 0o644, 0o600),
        (".config/ringlet/http_token", 0o640, 0o600),
        (".config/ringlet/config.toml", 0o666, 0o644),
        (".config/ringlet/agents/mine.toml", 0o664, 0o644),
        (".config/ringlet", 0o777, 0o755),
        (".local/state/ringlet", 0o770, 0o750),
        (".local/state/ringlet/ledger.sqlite", 0o660, 0o600),
        (".local/state/ringlet/audit.jsonl", 0o604, 0o600),
        (".cache/ringlet/plans/work", 0o644, 0o600),
        (".ringlet/profiles/work/ringlet.toml", 0o662, 0o640),
    ],
)
def test_what_is_open_to_others_is_a_problem_that_can_be_mended(
    lived_in: Home, name: str, mode: int, repaired: int
) -> None:
    path = lived_in.path / name
    path.chmod(mode)
    (finding,) = files.modes(made(lived_in))

    assert finding.state == "problem"
    assert finding.repairs == (Repair(verb="chmod", path=str(path), mode=repaired),)
    assert finding.mend == f"chmod {repaired:o} {path}"


def test_what_belongs_to_somebody_else_is_not_for_us_to_mend(lived_in: Home) -> None:
    found = files.modes(made(lived_in, user=os.geteuid() + 1))

    assert set(states(found)) == {"problem"}
    assert not any(finding.fixable for finding in found)
    assert "sudo chown" in told(found)


def test_what_others_keep_below_the_config_folder_is_theirs(lived_in: Home) -> None:
    write(lived_in.config / ".git/objects/ab", mode=0o666)

    assert files.modes(made(lived_in)) == []


def test_behind_a_link_in_the_place_of_a_folder_nothing_is_mended(lived_in: Home) -> None:
    elsewhere = lived_in.path / "precious"
    lived_in.state.rename(elsewhere)
    lived_in.state.symlink_to(elsewhere)
    write(elsewhere / "sub/theirs", mode=0o644)
    write(elsewhere / ".secret.0123456789ab.tmp", mode=0o600)
    os.utime(elsewhere / ".secret.0123456789ab.tmp", (0, 0))

    found = [*files.modes(made(lived_in)), *files.leftovers(made(lived_in))]
    assert not [each for each in found for repair in each.repairs if "precious" in repair.path or "sub" in repair.path]
    assert not any(".tmp" in each.what for each in found)


def test_the_runtime_folder_may_not_even_be_entered(lived_in: Home) -> None:
    folder = lived_in.path / "run/ringlet"
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "daemon.sock"))
        (finding,) = files.modes(made(lived_in, environ={"XDG_RUNTIME_DIR": str(lived_in.path / "run")}))

    assert finding.mend == f"chmod 700 {folder}"


def test_a_folder_above_that_everybody_can_write_is_seen(lived_in: Home) -> None:
    (lived_in.path / ".local").chmod(0o777)

    assert f"{lived_in.path}/.local is writable by everybody" in told(files.modes(made(lived_in)))


def test_the_remains_of_an_interrupted_write_can_be_taken_away(home: Home) -> None:
    left = write(home.config / TEMPORARY)
    os.utime(left, (OLD, OLD))
    (finding,) = files.leftovers(made(home))

    assert finding.state == "warning"
    assert finding.repairs == (Repair(verb="rm", path=str(left)),)


def test_what_a_killed_undo_left_beside_a_file_can_be_taken_away(home: Home) -> None:
    app = made(home).app
    named: dict[str, Any] = {
        "path": "/elsewhere",
        "real": str(home.path / ".bashrc"),
        "mode": 0o600,
        "before": "",
        "after": "",
    }
    kept = receipts(app.folders)
    kept.save(replace(kept.new(now=OLD, backend="file"), files=(FileReceipt(removed=(), **named),)))
    write(home.state / "receipts/damaged.json", "{")
    left, *others = [
        write(home.path / name, "export KEY=x")
        for name in ("..bashrc.0123456789ab.ringlet", "..zshrc.0123456789ab.ringlet", "..bashrc.0123.ringlet")
    ]
    for path in (left, *others):
        os.utime(path, (OLD, OLD))
    write(home.path / "..bashrc.ba9876543210.ringlet")
    (home.path / "..bashrc.aaaaaaaaaaaa.ringlet").symlink_to(left)

    (finding,) = files.leftovers(made(home))

    assert finding.repairs == (Repair(verb="rm", path=str(left)),)


def test_what_is_being_written_now_is_left_alone(home: Home) -> None:
    write(home.config / TEMPORARY)

    assert files.leftovers(made(home)) == []


def unwritable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for somebody who is not root, who can write everywhere."""
    monkeypatch.setattr("os.access", lambda *_: False)


def test_a_folder_that_cannot_be_written_is_a_problem(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    unwritable(monkeypatch)
    found = files.writable(made(home))

    assert set(states(found)) == {"problem"}
    assert f"chmod u+wx {home.config}" in told(found)


def test_nobody_is_told_to_take_over_a_folder_of_the_system(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    unwritable(monkeypatch)
    surroundings = made(home, environ={"HOME": "/no/such/home"}, user=65534)
    found = [*files.modes(surroundings), *files.writable(surroundings)]

    assert [finding.mend for finding in found] == ["sudo install -d -m 700 -o 65534 /no/such/home"]
