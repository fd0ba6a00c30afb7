"""One canary key through every command and every failure: afterwards it is in its store, and nowhere else."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
import typer

from ringlet_py.app import App
from ringlet_py.cli.main import build
from ringlet_py.entry import Address
from ringlet_py.secret import Secret
from tests.end_to_end.leaks import CommandLines, Search, canary, leaking_build
from tests.end_to_end.program import PATIENCE, Home, Outcome, command
from tests.killing import kill_at_every_step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.secret_services import GnomeKeyring

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="command lines are read from /proc"),
]

TOOL = ("--agent", "generic", "--provider", "anthropic", "--command", "sleep", "--command", "0.05")
# (what is typed, how the key comes in): "" not at all, "|" by a pipe, "$" in the variable CANARY
WALK: tuple[tuple[str, str], ...] = (
    ("keychain set anthropic", "|"),
    ("keychain set anthropic", "|"),
    ("keychain set anthropic --replace", "|"),
    ("keychain set anthropic work --from-env CANARY --force --label walk", "$"),
    ("keychain set anthropic file --from-file /dev/stdin --force", "|"),
    ("keychain set anthropic again", "|"),
    ("keychain set openai", "|"),
    ("keychain set openai --force", "|"),
    ("keychain set antropic", "|"),
    ("keychain edit anthropic work --secret webhook", "|"),
    ("keychain edit anthropic work --org acme --json", ""),
    ("tiers set gold image=5/minute", ""),
    ("tiers list --json", ""),
    ("tiers ls", ""),
    ("tiers rm silver", ""),
    ("tokens create walk --scope provider=anthropic --quota 9/day", ""),
    ("tokens create two --scope alias=work --json", ""),
    ("tokens create walk --scope pool=images", ""),
    ("tokens create three --token-file /dev/stdin", "|"),
    ("tokens list", ""),
    ("tokens ls --json", ""),
    ("tokens edit walk --scope provider=*", ""),
    ("tokens edit walk --ttl 8h --max-uses 5 --quota none --json", ""),
    ("tokens rotate walk", ""),
    ("tokens revoke two", ""),
    ("tokens rm two", ""),
    ("tokens remove walk", ""),
    ("tokens delete none", ""),
    ("daemon start --socket", ""),
    ("daemon status --json", ""),
    ("leases list --all --json", ""),
    ("leases ls", ""),
    ("leases show 0123456789abcdef01234567", ""),
    ("leases renew 0123456789abcdef01234567", ""),
    ("leases report 0123456789abcdef01234567 --ok", ""),
    ("leases release 0123456789abcdef01234567", ""),
    ("leases revoke 0123456789abcdef01234567", ""),
    ("leases grant none", ""),
    ("daemon rotate-token", ""),
    ("daemon install", ""),
    ("daemon uninstall --yes", ""),
    ("daemon reload", ""),
    ("daemon restart", ""),
    ("daemon stop", ""),
    ("tiers remove gold --yes", ""),
    ("tiers delete gold", ""),
    ("pools create images --provider anthropic --limit 100/minute --where org=acme", ""),
    ("pools edit images --policy random", ""),
    ("pools list --json", ""),
    ("pools ls", ""),
    ("pools status images --json", ""),
    ("pools explain images --user 7 --json", ""),
    ("pools claim anthropic --pool images --purpose walk -- sleep 0.05", "$"),
    ("pools report anthropic work rate-limited --retry-after 1", ""),
    ("pools wake anthropic work", ""),
    ("pools rm image", ""),
    ("pools remove images --yes", ""),
    ("pools delete images", ""),
    ("sealed status --json", ""),
    ("sealed rotate", ""),
    ("migrate scan", "$"),
    ("migrate scan --json", "$"),
    ("migrate apply --dry-run", "$"),
    ("migrate apply --select CANARY", "$"),
    ("migrate apply --yes --no-profile", "$"),
    ("migrate list --all", ""),
    ("migrate ls --json", ""),
    ("migrate undo", ""),
    ("migrate undo --yes --json", ""),
    ("migrate history", ""),
    ("migrate history --remove --yes --json", ""),
    ("keychain list", ""),
    ("keychain list --where org=acme --json", ""),
    ("keychain ls --json", ""),
    (f"profiles create tool {' '.join(TOOL)} --env EXTRA=ringlet:anthropic/work", ""),
    (f"profiles create home {' '.join(TOOL)} --isolation home", ""),
    ("profiles create wrong --agent codex --provider anthropic", ""),
    ("profiles list", ""),
    ("profiles ls --json", ""),
    ("profiles inspect tool", ""),
    ("profiles inspect tool --json", ""),
    ("profiles env tool", ""),
    ("profiles env tool --json", ""),
    ("profiles edit tool --model x", ""),
    ("profiles run tool --dry-run", "$"),
    ("run tool --dry-run --json", "$"),
    ("profiles run tool --purpose walk", "$"),
    ("run tool", ""),
    ("run home", ""),
    ("run --key anthropic/work --json -- sleep 0.05", ""),
    ("run --key T=anthropic/default -- no-such-program", ""),
    ("run --key T=anthropic/default -- plain", ""),
    ("run --key T=anthropic/none -- true", ""),
    ("run --key T=anthropic/default -v -- true", ""),
    ("-v run nobody", ""),
    ("run nobody", ""),
    ("keychain status", ""),
    ("keychain status anthropic work --json", ""),
    ("run --key T=anthropic/work#webhook -- sleep 0.05", ""),
    ("keychain edit anthropic work --base-url http://127.0.0.1:9", ""),  # nobody listens there
    ("keychain check anthropic work", ""),
    ("keychain check anthropic work --report --json", ""),
    ("keychain edit anthropic work --base-url=", ""),
    ("keychain move --to sealed --all --dry-run", ""),
    ("keychain move --to file --from sealed --select org=acme --yes --json", ""),
    ("keychain rename anthropic work team", ""),
    ("keychain rename anthropic work team --yes", ""),
    ("keychain edit anthropic team --drop-secret webhook", ""),
    ("profiles rename home house", ""),
    ("profiles delete house", ""),
    ("profiles rm house --yes", ""),
    ("profiles remove house", ""),
    ("keychain remove anthropic default", ""),
    ("keychain remove anthropic default --yes", ""),
    ("keychain rm anthropic default --yes", ""),
    ("keychain delete openai default", ""),
    ("audit list", ""),
    ("audit ls --json", ""),
    ("audit verify", ""),
    ("audit verify --json", ""),
    ("keychain manage", "|"),
    ("init", "$"),
    ("init --json", "$"),
    ("init -y", "$"),
    ("help keychain", ""),
    ("help --all", ""),
    ("completion bash", ""),
    ("__complete keychain remove anthropic", ""),
    ("config list", ""),
    ("config ls --json", ""),
    ("config get ledger.url", ""),
    ("config explain --json", ""),
    ("config path", ""),
    ("config set audit.max-size 8192", ""),
    ("config set ledger.url -", "|"),
    ("config set ledger.prefix - -v", "|"),
    ("config unset ledger.prefix -q", ""),
    ("help --all --json", ""),
    ("config unset audit.max-size --json", ""),
    ("doctor", "$"),
    ("doctor --json", "$"),
    ("doctor --fix", ""),
    ("scan", ""),
    ("scan --agents --json", ""),
    ("scan --staged", ""),
    ("scan --hook status", ""),
    ("where anthropic default", ""),
    ("where anthropic team --json --below .", ""),
    ("catalog agents", ""),
    ("catalog providers --json", ""),
)


@dataclass(frozen=True)
class Walker:
    """Types commands in a home, and has each one's output searched."""

    search: Search
    perform: Callable[..., Outcome]

    def __call__(self, words: str, way: str = "", **environ: str) -> Outcome:
        """Types one command; the key comes in as `way` says."""
        stdin = self.search.key.encode() if way == "|" else b""
        given = environ | ({"CANARY": self.search.key} if way == "$" else {})
        return self.search.output(words, self.perform(*words.split(), stdin=stdin, environ=given))


@pytest.fixture
def search(home: Home) -> Search:
    """A search in a home that keeps its keys in the file backend."""
    home.program("plain", "", mode=0o644)
    return Search(home, canary())


@pytest.fixture
def walker(search: Search) -> Walker:
    """Types commands in this process; those that start an agent, in one of their own."""
    home = search.home

    def perform(*argv: str, **how: Any) -> Outcome:
        starts = ("run" in argv[:2] and "--dry-run" not in argv) or argv[:2] == ("pools", "claim")
        return home.ringlet(*argv, **how) if starts else home.here(*argv, **how)

    return Walker(search, perform)


def every_command(group: Any, *above: str) -> set[tuple[str, ...]]:
    """The words of each command of the command line."""
    found: set[tuple[str, ...]] = set()
    for name, each in group.commands.items():
        below = hasattr(each, "commands")
        found |= every_command(each, *above, name) if below else {(*above, name)}
    return found


def test_the_walk_passes_every_command() -> None:
    walked = {tuple(words.split()[:count]) for words, _ in WALK for count in (1, 2)}
    assert not every_command(typer.main.get_command(build())) - walked


def test_no_command_leaks(search: Search, walker: Walker) -> None:
    statuses = {walker(words, way).status for words, way in WALK}
    search.files(search.home.credentials)
    assert search.found == []
    assert statuses >= {0, 2, 3, 4, 11, 125, 126, 127} - {2}
    assert search.holds(search.home.credentials.read_bytes())


def test_a_token_is_on_standard_output_once_and_nowhere_else(search: Search) -> None:
    home = search.home
    home.here("keychain", "set", "anthropic", stdin=search.key.encode())
    first = home.here("tokens", "create", "first", "--scope", "provider=anthropic")
    search.use(first.out.strip())
    walk = Walker(search, lambda *argv, **how: (home.ringlet if "claim" in argv else home.here)(*argv, **how))
    with CommandLines(search):
        for words in (
            "pools claim anthropic --token-file - -- sleep 0.2",
            "tokens create first --scope pool=x",
            "tokens create second --token-file -",
            "tokens create third --token-file - --scope pool=*",
            "tokens list",
            "tokens list --json",
            "tokens edit first --scope provider=*",
            "tokens rotate first",
            "tokens create fourth --token-file -",
            "audit list --json",
            "tokens revoke first",
            "tokens revoke first --yes",
            "pools claim anthropic --token-file - -- true",
        ):
            walk(words, "|")
    # what somebody pastes in a name's place goes no further either
    for words in ("create --scope pool=x", "rotate", "revoke", "edit --scope pool=x"):
        walk(f"tokens {words} {search.key} --json")
        walk(f"tokens {words} {search.key}")
    search.files()
    assert search.found == []


@pytest.mark.parametrize(
    "shape", [pytest.param("{}", marks=pytest.mark.slow), "AbC+/{}/=="], ids=["plain", "with-slashes"]
)
def test_a_key_typed_as_an_argument_by_mistake_goes_no_further(search: Search, walker: Walker, shape: str) -> None:
    search.use(shape.format(search.key))
    for words in (
        f"keychain set anthropic {search.key}",
        f"keychain set {search.key}",
        f"keychain set anthropic default {search.key}",
        f"keychain set anthropic --from-file {search.key}",
        f"keychain set anthropic --from-env={search.key}",
        f"keychain set anthropic --key {search.key}",
        f"keychain remove {search.key} default",
        f"keychain status anthropic {search.key}",
        f"keychain {search.key}",
        f"{search.key}",
        f"--{search.key}",
        f"profiles create {search.key}",
        f"profiles create tool --agent {search.key} --provider anthropic",
        f"profiles create tool --agent claude --provider anthropic --base-url {search.key}",
        f"profiles create tool --agent claude --provider anthropic --key-alias {search.key} --shape x",
        f"profiles inspect {search.key}",
        f"run {search.key}",
        f"run --key {search.key} -- true",
        f"run --key X={search.key} -- true",
        f"run nobody {search.key}",
        f"audit list --since {search.key}",
        f"audit list --key {search.key} --jsn",
    ):
        walker(words)
        walker(f"{words} --json")
    search.files()
    assert search.found == []


def test_no_failure_of_the_file_backend_leaks(search: Search, walker: Walker) -> None:
    home = search.home
    walker("keychain set anthropic", "|")
    walker(f"profiles create tool {' '.join(TOOL)}")
    for break_it in (_readable_by_all, _cut_off, _in_the_wrong_place, _not_utf8, _a_key_as_name, _linked):
        sound = home.credentials.read_bytes()
        break_it(home.credentials, search.key)
        for words in (
            "keychain list",
            "keychain set anthropic --replace",
            "run tool",
            "keychain status",
            "profiles list",
        ):
            walker(words, "|")
        home.credentials.unlink()
        home.credentials.write_bytes(sound)
        home.credentials.chmod(0o600)
    search.files(home.credentials, home.path / "elsewhere")
    assert search.found == []


def _readable_by_all(path: Path, key: str) -> None:
    path.chmod(0o644)


def _cut_off(path: Path, key: str) -> None:
    path.write_bytes(path.read_bytes()[:-4])


def _in_the_wrong_place(path: Path, key: str) -> None:
    path.write_text(f'anthropic = "{key}"\n')


def _not_utf8(path: Path, key: str) -> None:
    path.write_bytes(path.read_bytes() + b"# \xff\n")


def _a_key_as_name(path: Path, key: str) -> None:
    path.write_text(f"[anthropic.{key}]\nkey = 1\n")


def _linked(path: Path, key: str) -> None:
    path.rename(path.parents[2] / "elsewhere")
    path.symlink_to(path.parents[2] / "elsewhere")


def test_no_failure_of_audit_and_config_leaks(search: Search, walker: Walker) -> None:
    home = search.home
    walker("keychain set anthropic", "|")
    walker(f"profiles create tool {' '.join(TOOL)}")
    (home.state / "audit.jsonl").chmod(0o644)
    for words in ("run tool", "keychain set anthropic --replace", "keychain set anthropic two", "audit verify"):
        assert walker(words, "|").status != 0
    home.configure(f'[credentials]\nbackend = "file"\nkey = "{search.key}"\n')
    assert walker("keychain set anthropic", "|").status == 11
    home.configure(f'[credentials]\nbackend = "{search.key}"\n')
    walker("keychain list")
    found = [place for place in search.found if place != "standard error of keychain list"]
    search.files(home.credentials, home.config / "config.toml")
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0, 1])
def test_a_full_disk_leaks_nothing(search: Search, limit: int) -> None:
    home = search.home

    def perform(*argv: str, stdin: bytes = b"", environ: dict[str, str]) -> Outcome:
        done = subprocess.run(
            ["sh", "-c", f'ulimit -f {limit}; exec "$@"', "sh", *command(), *argv],
            input=stdin,
            capture_output=True,
            text=False,
            env=home.environ | environ,
            cwd=home.path / "work",
            timeout=PATIENCE,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    full = Walker(search, perform)
    for words in ("keychain set anthropic", "keychain set anthropic --replace", "run --key anthropic/default -- true"):
        assert full(words, "|").status not in (0, 1)
    search.files(home.credentials)
    assert search.found == []


@pytest.mark.slow
def test_a_kill_at_any_step_leaves_the_key_in_its_folder_alone(search: Search) -> None:
    home = search.home
    address, secret = Address("anthropic"), Secret(search.key)

    def store() -> None:
        App(home.environ).keychain.set(address, secret, replace=True)

    def look() -> None:
        # a writer that was killed leaves its temporary file, private like the store; the next one sweeps it away
        search.files(*home.config.glob("*credentials.toml*"), *home.config.glob(".credentials.toml.*"))
        assert search.found == []
        assert all(path.stat().st_mode & 0o077 == 0 for path in home.config.iterdir() if "credentials" in path.name)

    assert kill_at_every_step(store, look) > 20
    store()
    search.files(home.credentials)
    assert search.found == []


@pytest.mark.slow
def test_no_process_shows_the_key_in_its_command_line(search: Search) -> None:
    walk = Walker(search, search.home.ringlet)
    with CommandLines(search) as lines:
        for words, way in WALK:
            walk(words, way)
        for delay in (0.05, 0.1, 0.15, 0.2):
            with search.home.start("keychain", "set", "anthropic", f"killed-{delay}", "--force") as child:
                assert child.stdin
                child.stdin.write(search.key.encode())
                child.stdin.close()
                time.sleep(delay)  # somewhere in the middle: no sound of it reaches us
                child.kill()
    search.files(search.home.credentials, *search.home.config.glob(".credentials.toml.*"))
    assert search.found == []
    assert lines.looks > 100


@pytest.mark.slow
@pytest.mark.keychain
def test_nothing_leaks_around_a_real_keychain(keychain_home: Home, gnome: GnomeKeyring) -> None:
    keychain_home.program("plain", "", mode=0o644)
    search = Search(keychain_home, canary())
    walk = Walker(search, keychain_home.ringlet)
    with CommandLines(search):
        for words, way in WALK:
            walk(words, way)
        gnome.kill()
        gnome.start(unlocked=False)
        locked = {walk(words, way).status for words, way in WALK[:10]}
        gnome.daemon.send_signal(signal.SIGSTOP)
        late = [walk(words, way, RINGLET_KEYCHAIN_TIMEOUT="1").status for words, way in WALK[:1]]
    Search(replace(keychain_home, path=gnome.folder), search.key, search.found).files()
    search.files()
    assert search.found == []
    assert 5 in locked
    assert late == [8]


LEAKS = {
    "a log": "import sys; print('debug: ' + secret, file=sys.stderr)",
    "a message": "print({'key': secret}, flush=True)",
    "a traceback": "raise RuntimeError(secret)",
    "an error": "from ringlet_py.errors import KeychainBroken; raise KeychainBroken('odd value ' + secret)",
    "a temporary file": "import tempfile; open(tempfile.mkstemp()[1], 'w').write(secret)",
    "a file in base64": "import base64; open('cache', 'wb').write(base64.b64encode(b'Bearer ' + secret.encode()))",
    "a file in hexadecimal": "open('core', 'w').write(secret.encode().hex())",
    "a file's name": "open(secret, 'w').close()",
    "an audit record": "import base64; self._audit.append('x', base64.b64encode(secret.encode()).decode())",
    "the ledger": (
        "import os, sqlite3; c = sqlite3.connect(os.environ['HOME'] + '/.local/state/ringlet/ledger.sqlite');"
        "c.execute('UPDATE entries SET created_at = ?', (secret,)); c.commit(); c.close()"
    ),
    "a helper's arguments": "import subprocess; subprocess.run(['sh', '-c', 'sleep 0.3', secret])",
}
IN_BROKER = """
def _leaking(before):
    def claim(self, request):
        lease = before(self, request)
        secret = lease.secret.reveal()
        {leak}
        return lease
    return claim


Broker.claim = _leaking(Broker.claim)
"""
IN_LAUNCHER = """
def _leaking(before):
    return lambda binary, argv, env: before(binary, [*argv, env["ANTHROPIC_API_KEY"]], env)


become = _leaking(become)
"""


def watched_run(search: Search, tmp_path: Path, module: str, addition: str) -> Search:
    """Stores the canary with a sound build and runs an agent with one that has lines added."""
    home = search.home
    assert home.here("keychain", "set", "anthropic", stdin=search.key.encode()).status == 0
    environ = {"PYTHONPATH": leaking_build(tmp_path / "build", module, addition)}
    with CommandLines(search):
        words = ("run", "--key", "anthropic", "--", "sh", "-c", "sleep 0.2")
        search.output("run", home.ringlet(*words, environ=environ))
    search.files(home.credentials)
    return search


def test_the_search_finds_nothing_in_a_sound_build(search: Search, tmp_path: Path) -> None:
    assert watched_run(search, tmp_path, "broker.py", IN_BROKER.format(leak="pass")).found == []


@pytest.mark.slow
@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS.keys())
def test_the_search_finds_what_a_leaking_build_leaves_in(search: Search, tmp_path: Path, leak: str) -> None:
    assert watched_run(search, tmp_path, "broker.py", IN_BROKER.format(leak=leak)).found


@pytest.mark.slow
def test_the_search_finds_a_key_in_the_agents_arguments(search: Search, tmp_path: Path) -> None:
    assert any(
        place.startswith("command line") for place in watched_run(search, tmp_path, "launcher.py", IN_LAUNCHER).found
    )


@pytest.mark.slow
def test_a_crash_in_the_middle_shows_no_value(search: Search, tmp_path: Path) -> None:
    crash = "1 / 0  # a traceback shows source lines, never what the variables held"
    watched_run(search, tmp_path, "broker.py", IN_BROKER.format(leak=crash))
    assert search.found == []
