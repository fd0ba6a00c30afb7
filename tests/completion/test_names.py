from __future__ import annotations

import os
import sqlite3
import sys
from typing import TYPE_CHECKING

import pytest

from ringlet_py.catalog import Catalog, ready_made
from ringlet_py.completion.candidates import candidates
from ringlet_py.completion.scripts import SHELLS
from ringlet_py.profiles import ProfileStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.completion.world import World

INSERT = "INSERT INTO entries (provider, alias, backend, created_at, replaced_at) VALUES (?, ?, 'file', '', '')"


def test_profiles_are_those_that_ringlet_lists(world: World) -> None:
    for name in ("work", "play", "w.2_x-y"):
        world.profile(name)
    (world.profiles / "empty").mkdir()
    (world.profiles / ".lock").touch()

    assert world.offers("run", "") == ["play", "w.2_x-y", "work"] == ProfileStore(str(world.profiles)).names()
    assert world.offers("profiles", "run", "wo") == ["work"]
    assert world.offers("audit", "list", "--profile", "pl") == ["play"]
    assert world.offers("profiles", "create", "") == []


@pytest.mark.parametrize(
    "name", ["a b", "$(touch x)", "`touch x`", "a\nb", "-rf", "a;b", "é", ".hidden", "a'b", 'a"b', "a\tb", "x" * 65]
)
def test_a_folder_whose_name_is_none_is_not_offered(world: World, name: str) -> None:
    world.profile(name)

    assert world.offers("run", "") == []
    assert world.offers("run", name[:1]) in ([], world.offers("run", "-"))


def test_agents_and_providers_are_those_of_the_catalog_and_of_the_config_folder(world: World) -> None:
    world.document("agents/mine.toml")
    world.document("agents/notes.txt")
    world.document("agents/$(x).toml")
    world.document("providers/ours.toml")
    packaged = Catalog(str(world.home / "none"))

    assert world.offers("catalog", "providers", "--agent", "") == sorted([*packaged.agents, "mine"])
    assert world.offers("profiles", "create", "x", "--provider", "") == sorted([*packaged.providers, "ours"])


def test_pools_and_tiers_are_those_of_the_ledger(world: World) -> None:
    world.pool("images")
    world.tier("gold")

    assert world.offers("pools", "edit", "") == ["images"]
    assert world.offers("pools", "claim", "--pool", "im") == ["images"]
    assert world.offers("pools", "create", "") == []
    assert world.offers("pools", "explain", "i") == ["images"]
    assert world.offers("pools", "explain", "openai") == ["openai"]
    assert world.offers("pools", "create", "more", "--tier", "") == ["gold"]
    assert world.offers("tiers", "delete", "") == ["gold"]


def test_tokens_are_those_of_the_ledger(world: World) -> None:
    world.token("ci")
    world.token("$(x)")

    assert world.offers("tokens", "revoke", "") == ["ci"]
    assert world.offers("tokens", "rotate", "c") == ["ci"]
    assert world.offers("tokens", "edit", "") == ["ci"]
    assert world.offers("tokens", "create", "") == []
    assert world.offers("tokens", "create", "x", "--token-file", "") is None


def test_policies_and_outcomes_are_those_that_there_are(world: World) -> None:
    assert world.offers("pools", "create", "more", "--policy", "round") == ["round-robin"]
    assert world.offers("pools", "report", "openai", "a", "rate") == ["rate-limited"]


def test_a_provider_that_has_a_key_is_offered_too(world: World) -> None:
    world.key("elsewhere/work")

    assert world.offers("keychain", "remove", "else") == ["elsewhere"]


def test_ready_made_profiles_are_offered(world: World) -> None:
    assert world.offers("profiles", "create", "x", "--from", "") == sorted(ready_made())


def test_aliases_are_those_of_the_provider_that_was_named(world: World) -> None:
    for address in ("openai/home", "openai/office", "anthropic/default"):
        world.key(address)

    assert world.offers("keychain", "set", "openai", "") == ["home", "office"]
    assert world.offers("keychain", "status", "--json", "anthropic", "") == ["default"]
    assert world.offers("profiles", "create", "x", "--provider", "openai", "--key-alias", "o") == ["office"]
    assert world.offers("profiles", "edit", "x", "--provider=openai", "--key-alias=o") == ["--key-alias=office"]
    assert world.offers("profiles", "edit", "x", "--key-alias", "") == []


def test_addresses_are_offered_with_the_variable_that_stands_before_them(world: World) -> None:
    world.key("openai/office")

    assert world.offers("run", "--key", "open") == ["openai/office"]
    assert world.offers("run", "--key", "OPENAI_API_KEY=") == ["OPENAI_API_KEY=openai/office"]
    assert world.offers("run", "--key=K=open") == ["--key=K=openai/office"]
    assert world.offers("audit", "list", "--key", "") == ["openai/office"]


@pytest.mark.parametrize("front", ["a b=", "$(x)=", "a\nb=", "é=", "="])
def test_what_is_no_variable_is_not_repeated(world: World, front: str) -> None:
    world.key("openai/office")

    assert world.offers("run", "--key", front) == []


def test_choices_and_endpoints_are_offered(world: World) -> None:
    new = ("profiles", "create", "x")

    assert world.offers(*new, "--inherit-env", "") == ["all", "clean", "filtered"]
    assert world.offers(*new, "--isolation=c") == ["--isolation=config"]
    assert world.offers(*new, "--provider", "minimax", "--endpoint", "") == ["china", "international"]
    assert world.offers(*new, "--endpoint", "") == ["china", "coding", "general", "international"]
    assert world.offers(*new, "--provider", "openai", "--endpoint", "") == []
    assert world.offers("completion", "") == sorted(SHELLS)


def test_the_endpoints_of_a_profile_are_those_of_its_provider(world: World) -> None:
    for name, provider in {"work": "zai", "play": "openai"}.items():
        world.profile(name)
        (world.profiles / name / "ringlet.toml").write_text(f'agent = "claude"\nprovider = "{provider}"\n')

    assert world.offers("profiles", "edit", "work", "--endpoint", "") == ["coding", "general"]
    assert world.offers("profiles", "edit", "play", "--endpoint", "") == []
    assert world.offers("profiles", "edit", "work", "--provider", "minimax", "--endpoint", "c") == ["china"]
    assert world.offers("profiles", "edit", "..", "--endpoint", "g") == ["general"]


def test_help_is_about_commands(world: World) -> None:
    assert world.offers("help", "keych") == ["keychain"]
    assert world.offers("help", "keychain", "s") == ["set", "status"]
    assert world.offers("help", "keychain", "set", "") == []
    assert world.offers("help", "nothing", "") == []
    assert world.offers("help", "--a") == ["--all"]


def test_settings_and_the_values_that_each_may_have_are_offered(world: World) -> None:
    assert world.offers("config", "set", "audit.") == ["audit.enabled", "audit.max-size", "audit.on-error"]
    assert world.offers("config", "set", "audit.enabled", "") == ["false", "true"]
    assert world.offers("config", "set", "credentials.backend", "s") == ["sealed", "system", "system-only"]
    assert world.offers("config", "set", "--json", "audit.on-error", "w") == ["warn"]
    assert world.offers("config", "set", "lending.places", "own,e") == ["own,environment", "own,everyone"]
    assert world.offers("config", "set", "lending.places", "own,everyone,") == [
        "own,everyone,channel",
        "own,everyone,environment",
    ]
    assert world.offers("config", "set", "credentials.backend", "file,") == []
    assert world.offers("config", "set", "ledger.url", "") == []
    assert world.offers("config", "set", "nothing", "") == []


# the ledger


def test_a_home_that_was_never_used_stays_so(world: World) -> None:
    for words in (["run", ""], ["keychain", "set", ""], ["keychain", "set", "openai", ""], ["run", "--key", ""]):
        world.offers(*words)

    assert not world.files()


def test_reading_the_ledger_leaves_no_file_behind(world: World) -> None:
    world.key("openai/office")
    before = world.files()

    assert world.offers("run", "--key", "") == ["openai/office"]
    assert world.files() == before


def test_a_ledger_that_somebody_writes_is_read_without_waiting(world: World) -> None:
    world.key("openai/office")
    writer = sqlite3.connect(world.ledger, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    writer.execute("DELETE FROM entries")
    try:
        assert world.offers("run", "--key", "") == ["openai/office"]
    finally:
        writer.close()


def test_what_a_running_program_has_not_yet_put_into_the_file_is_offered(world: World) -> None:
    world.key("openai/office")
    daemon = sqlite3.connect(world.ledger, isolation_level=None)
    try:
        daemon.execute(INSERT, ("openai", "fresh"))
        before = world.files()
        assert world.offers("run", "--key", "") == ["openai/fresh", "openai/office"]
        assert world.files() == before
        daemon.execute("BEGIN EXCLUSIVE")
        assert world.offers("run", "--key", "") == ["openai/fresh", "openai/office"]
    finally:
        daemon.close()


@pytest.mark.skipif(sys.platform == "win32", reason="modes as on POSIX")
def test_a_log_that_others_could_have_written_is_not_read(world: World) -> None:
    world.key("openai/office")
    daemon = sqlite3.connect(world.ledger, isolation_level=None)
    try:
        daemon.execute(INSERT, ("openai", "fresh"))
        world.ledger.with_name("ledger.sqlite-wal").chmod(0o666)
        assert world.offers("run", "--key", "") == ["openai/office"]
    finally:
        daemon.close()


def unreadable(path: Path) -> None:
    path.chmod(0o644)


def not_sqlite(path: Path) -> None:
    path.write_bytes(b"nonsense" * 1000)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def somebody_elses(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE entries (unlike TEXT)")
    connection.close()
    path.chmod(0o600)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    assert sys.platform != "win32"
    path.unlink()
    os.mkfifo(path, 0o600)


def a_link(path: Path) -> None:
    path.rename(path.with_name("other"))
    path.symlink_to("other")


@pytest.mark.skipif(sys.platform == "win32", reason="modes, links and pipes as on POSIX")
@pytest.mark.parametrize("damage", [unreadable, not_sqlite, cut_off, empty, somebody_elses, a_folder, a_pipe, a_link])
def test_a_ledger_that_cannot_be_trusted_or_read_offers_nothing_and_says_nothing(
    world: World, damage: object, capfd: pytest.CaptureFixture[str]
) -> None:
    world.key("openai/office")
    assert callable(damage)
    damage(world.ledger)

    assert world.offers("run", "--key", "") == []
    assert world.offers("keychain", "set", "openai", "") == []
    assert world.offers("keychain", "set", "anth") == ["anthropic"]
    assert capfd.readouterr() == ("", "")


def test_names_in_the_ledger_that_are_none_are_not_offered(world: World) -> None:
    world.key("openai/office")
    with sqlite3.connect(world.ledger) as connection:
        odd = [("openai", "$(touch x)"), ("openai", b"bytes"), ("a b", "x"), ("openai", 7), ("-x", "y")]
        connection.executemany(INSERT, odd)
    connection.close()

    assert world.offers("run", "--key", "") == ["openai/7", "openai/office"]
    assert world.offers("keychain", "set", "openai", "") == ["7", "office"]


@pytest.mark.parametrize("environ", [{"HOME": "relative"}, {"HOME": "/dev/null"}, {"HOME": "/no/such\udcff/home"}])
def test_a_home_that_cannot_be_offers_what_comes_with_ringlet(environ: dict[str, str]) -> None:
    assert candidates(["run", ""], environ) == {}
    assert candidates(["keychain", "set", "openai", ""], environ) == {}
    assert list(candidates(["keychain", "set", "anth"], environ) or {}) == ["anthropic"]
