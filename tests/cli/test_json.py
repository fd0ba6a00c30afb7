"""Every command that offers --json: one object with its schema version, in success and in failure, and no value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import typer

from ringlet_py.cli.main import build
from ringlet_py.cli.output import SCHEMA_VERSION
from ringlet_py.errors import DaemonNotRunning
from tests.end_to_end.program import KEY, Home, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

PROFILE = "profiles create tool --agent generic --provider anthropic --command true"
# what has to be there first, and then each command as somebody would type it; `|` stands for a key that is piped in
BEFORE = (
    "keychain set anthropic |",
    "keychain set anthropic other --force |",
    PROFILE,
    f"{PROFILE.replace('tool', 'leased')} --lease 8h",
    "tokens create gone --scope provider=anthropic",
)
COMMANDS = (
    "help --all",
    "run tool --dry-run",
    "init",
    "keychain set openai --force |",
    "keychain rename openai default other",
    "keychain remove openai other",
    "keychain list",
    "keychain edit anthropic default --label x",
    "keychain status",
    "profiles create second --agent generic --provider anthropic --command true",
    "profiles edit second --model x",
    "profiles rename second third",
    "profiles delete third",
    "profiles list",
    "profiles inspect tool",
    "profiles run tool --dry-run",
    "profiles env tool",
    "pools create images --provider anthropic",
    "pools edit images --policy random",
    "pools list",
    "pools status",
    "pools explain images",
    "pools report anthropic default rate-limited --retry-after 1",
    "pools wake anthropic default",
    "tiers set gold image=5/minute",
    "tiers list",
    "tiers delete gold",
    "pools delete images --yes",
    "tokens create new --scope provider=anthropic",
    "tokens list",
    "tokens edit new --scope provider=openai",
    "tokens rotate new",
    "tokens revoke new",
    "leases grant leased",
    "leases list",
    "audit list",
    "audit verify",
    "catalog agents",
    "catalog providers",
    "config list",
    "config get audit.enabled",
    "config set audit.enabled true",
    "config unset audit.enabled",
    "config explain",
    "config path",
    "sealed status",
    "migrate scan",
    "migrate apply --yes",
    "migrate list",
    "migrate history",
    "daemon status",
    "daemon rotate-token",
    "daemon install",
    "daemon uninstall --yes",
    "completion fish",
    "doctor",
    "scan",
    "where anthropic default",
)
# what needs more than this home has: only their errors are looked at here
FAILING = (
    "pools claim nobody",
    "leases show 0123456789abcdef01234567",
    "leases renew 0123456789abcdef01234567 --ttl 1h",
    "leases revoke 0123456789abcdef01234567 --yes",
    "leases release 0123456789abcdef01234567",
    "leases report 0123456789abcdef01234567 --ok",
    "daemon start --foreground",
    "daemon restart --listen nowhere",
    "daemon uninstall",
    "completion tcsh",
    "daemon stop",
    "daemon reload",
    "sealed rotate --to nothing",
    "migrate undo none --yes",
    "keychain check nobody none --yes",
    "keychain move --to nowhere",
)
# where every field says something, in this order
FULL = (
    "tiers set gold image=4/minute,100/day *=10/minute",
    "keychain set acme work --force --label x --org o --tier gold --source s --login me --batch b |",
    "keychain set acme work --force --replace --owner user:7 --active |",
    "keychain edit acme work --max-uses 1000/30d --base-url https://api.example.com --weight 2",
    "keychain edit acme work --secret hook |",
    "keychain edit acme work --owner everyone --expires 2099-01-01",
    "keychain list",
    "keychain status",
    "profiles create lone --agent generic --provider anthropic --key-alias other --command true --lease 8h",
    "tiers list",
    "pools create all --provider acme --limit 2/minute --pool-limit 9/hour --org-limit 8/hour --where org=o",
    "pools edit all --where login=me --quota 30/day --bypass user:1",
    "pools list",
    "pools report acme work rate-limited --retry-after 60",
    "pools status",
    "pools status all --feature image",
    "pools explain acme",
    "config set sealed.master-key file",
    "keychain move --to sealed --all --dry-run",
    "tokens create top --scope provider=acme --max-uses 5 --quota 3/day --ttl 8h",
    "tokens list",
    "profiles create pooled --agent generic --provider anthropic --key-pool some --command true --lease 8h",
    "profiles inspect pooled",
    "run pooled --dry-run",
    "leases grant pooled",
    "leases list --all",
    "keychain rename anthropic other home --yes",
    "tiers delete gold --yes",
    "profiles list",
    "init",
    "migrate scan",
    "migrate apply --yes",
    "migrate undo --yes",
    "migrate list --all",
    "config set lending.places own,everyone",
    "config set ledger.prefix other",
    "config list",
    "config explain",
    "where anthropic default",
    "audit list",
)
# nothing but a person can use it
WITHOUT = ("keychain", "manage")


def shown(group: Any, *above: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each command that help shows, after its words."""
    for name, each in group.commands.items():
        if hasattr(each, "commands"):
            yield from shown(each, *above, name)
        elif not each.hidden:
            yield (*above, name), each


ALL = dict(shown(typer.main.get_command(build())))


def test_every_command_offers_json_and_is_looked_at() -> None:
    looked = {tuple(words.split()[:count]) for words in (*COMMANDS, *FAILING) for count in (1, 2)}
    offering = {words for words, each in ALL.items() if any("--json" in one.opts for one in each.params)}
    assert sorted(offering - looked) == []
    assert ALL.keys() - offering == {WITHOUT}


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--config", "nothing.toml")])
def test_every_command_refuses_an_unknown_option_and_a_file_that_is_not_there_with_one_object(
    home: Home, more: tuple[str, ...]
) -> None:
    found: list[str] = []
    for words in ALL:
        done = home.here(*words, *more, *(() if more else ("--no-such-option",)), "--json")
        found += problems(" ".join(words), done.err, error=True)
        found += [f"{words}: {done.status} {done.out}"] * (done.status not in (2, 11, 125) or bool(done.out))
    assert found == []


def prepared(home: Home) -> Home:
    home.environ["PATH"] = f"{home.path}/bin"
    home.program("true", "#!/bin/sh\n")
    for words in BEFORE:
        assert typed(home, words).status == 0
    return home


def typed(home: Home, words: str, *more: str) -> Outcome:
    """Types the command, with a value of its own where one is piped in."""
    stdin = (KEY + words.replace(" ", "").removesuffix("|")).encode() if words.endswith(" |") else b""
    return home.here(*words.removesuffix(" |").split(), *more, stdin=stdin)


def problems(words: str, text: str, *, error: bool) -> list[str]:
    """What is wrong with what should be one JSON object."""
    try:
        shown = json.loads(text)
    except ValueError:
        return [f"{words}: no JSON: {text!r}"]
    if not isinstance(shown, dict) or shown.get("schema_version") != SCHEMA_VERSION:
        return [f"{words}: no schema version: {text!r}"]
    if error and not {"code", "error"} <= shown.keys():
        return [f"{words}: no code or error: {text!r}"]
    return [] if KEY not in text else [f"{words}: it shows the key"]


@pytest.mark.slow
def test_json_is_one_object_with_its_schema_version_and_without_a_value(home: Home) -> None:
    prepared(home)
    found: list[str] = []
    for words in COMMANDS:
        done = typed(home, words, "--json")
        found += problems(words, done.out, error=False)
        # a status that says what was found, as of scan, is no failure
        found += [f"{words}: {done.status} {done.err}"] * (done.status not in (0, 1, DaemonNotRunning.exit_status))
    assert found == []


@pytest.mark.slow
def test_json_of_what_says_all_that_can_be_said_is_so_too(home: Home) -> None:
    prepared(home)
    home.profile("broken", "nothing")
    (home.path / ".profile").write_text(f"export GROQ_API_KEY=gsk_{KEY[-40:]}\n")
    found: list[str] = []
    for words in FULL:
        done = typed(home, words, "--json")
        found += problems(words, done.out, error=False)
        found += [f"{words}: {done.status} {done.err}"] * (done.status not in (0, 1))
    assert found == []


@pytest.mark.parametrize(
    "words", ["--json config get audit.enabled", "config --json get -- audit.enabled", "--json doctor"]
)
def test_it_may_stand_before_the_command(home: Home, words: str) -> None:
    assert problems(words, home.here(*words.split()).out, error=False) == []


@pytest.mark.parametrize("words", FAILING)
def test_an_error_is_one_object_on_standard_error(home: Home, words: str) -> None:
    done = home.here(*words.split(), "--json")
    assert (done.status != 0, done.out) == (True, "")
    assert problems(words, done.err, error=True) == []


@pytest.mark.slow
def test_what_the_parser_complains_about_is_one_object_too(home: Home) -> None:
    found: list[str] = []
    for words in COMMANDS:
        done = typed(home, words, "--json", "--no-such-option")
        found += problems(words, done.err, error=True)
        found += [f"{words}: {done.status} {done.out}"] * (done.status not in (2, 125) or bool(done.out))
    assert found == []
