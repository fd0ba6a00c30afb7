"""A ledger that vanishes under a running daemon is an error that says so, for everybody, and never an empty new one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ringlet_py.entry import Address
from ringlet_py.secret import Secret
from tests.daemon.keypooler_world import SEALED, World
from tests.end_to_end.program import FILE_BACKEND, store_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.daemon.keypooler_world import Answer
    from tests.daemon.running import RealDaemon


@pytest.fixture(params=[FILE_BACKEND, SEALED], ids=["file", "sealed"])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    world = World(tmp_path, request.param)
    world.app.keychain.set(Address("openai"), Secret("made-up-openai-0123456789"), force=True)
    yield world
    world.close()


def away(folder: str) -> Path:
    """The folder, after all that the ledger has in it was moved elsewhere."""
    elsewhere = Path(folder).with_name("elsewhere")
    elsewhere.mkdir()
    for each in Path(folder).glob("ledger.sqlite*"):
        each.rename(elsewhere / each.name)
    return Path(folder)


def test_nobody_gets_anything_until_it_is_put_back(world: World) -> None:
    _, secret = world.app.tokens.create("bot", scope="provider=*")
    token = secret.reveal()
    for each in (None, token):
        assert world.key(provider="openai", token=each).status == 200
    folder = away(world.app.folders.state)

    asked: list[Callable[[], Answer]] = [
        lambda: world.key(provider="openai"),
        lambda: world.key(provider="openai", token=token),
        lambda: world.key(provider="groq"),
        lambda: world.ask("GET", "/leases", token=token),
        lambda: world.ask("POST", "/leases", {"provider": "openai"}),
        lambda: world.ask("POST", "/tokens", {"name": "other", "scope": "provider=*"}),
        lambda: world.ask("PUT", "/users/1/keys/openai", {"key": "made-up-openai-another-0123456789"}),
        lambda: world.ask("GET", "/admin/keys"),
    ]
    answers = [ask() for ask in asked]

    assert {(each.status, each.json["code"]) for each in answers} == {(503, "ledger-missing")}
    assert not any(str(folder) in each.body.decode() for each in (answers[1], answers[3]))
    assert world.ask("GET", "/health").status == 200
    assert not [each for each in folder.glob("ledger.sqlite*") if each.suffix == ".sqlite"]
    for kept in folder.with_name("elsewhere").iterdir():
        kept.rename(folder / kept.name)
    assert world.key(provider="openai", token=token).status == 200


def test_a_new_home_gets_its_first_ledger(tmp_path: Path) -> None:
    (tmp_path / "fresh").mkdir()
    fresh = World(tmp_path / "fresh")
    fresh.app.kept.expect()

    assert fresh.key(provider="openai").status == 404
    assert fresh.ask("PUT", "/users/1/keys/openai", {"key": "made-up-openai-0123456789"}).status == 201
    assert fresh.key(provider="openai", user="1").status == 200
    fresh.close()


@pytest.mark.slow
def test_a_daemon_that_has_asked_it_nothing_yet_knows_that_it_was_there(made_daemon: Callable[..., RealDaemon]) -> None:
    daemon = made_daemon()
    store_key(daemon.home, "openai/default", "made-up-openai-0123456789")
    daemon.start()
    folder = away(str(daemon.home.state))

    answer = daemon.request("GET", "/key?provider=openai", token=daemon.admin)

    assert (answer.status, answer.json["code"]) == (503, "ledger-missing")
    assert not (folder / "ledger.sqlite").exists()
