"""What an agent finds when ringlet has become it: everything as its caller left it, and its key."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from ringlet_py.catalog import Catalog
from tests.end_to_end import stub
from tests.end_to_end.program import COVERAGE, KEY, PATIENCE, Home, Terminal, command, store_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.stub import Report

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="the stub agent's notes come from /proc")

OTHER_KEY = "sk-ant-api03-" + os.urandom(24).hex()
ARGS = (b"--flag", b"", b"--", b"two words", b"$HOME `x` \"'\\", b"\xff\xfe", b"line\nbreak", b"--json")
STALE = {
    "ANTHROPIC_API_KEY": "stale",
    "ANTHROPIC_AUTH_TOKEN": "stale",
    "ANTHROPIC_BASE_URL": "https://example.com",
    "OPENAI_API_KEY": "stale",
    "CLAUDECODE": "1",
}
PROFILE = """agent = "generic"
provider = "anthropic"
command = ["{command}"]
provider-config = {{ key-alias = "{alias}" }}
"""
OWN = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": "https://api.anthropic.com"}
# one of each kind, so that an empty catalog cannot make these tests pass
KNOWN_ROUTING = {"ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "GEMINI_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"}
KNOWN_ROUTING |= {"CLAUDE_CODE_USE_BEDROCK", "CLAUDECODE", "XAI_API_KEY", "OPENROUTER_API_KEY", "MISTRAL_API_KEY"}


@dataclass(frozen=True)
class Run:
    """One run of the stub agent, its process, and the environment it was started from."""

    child: subprocess.Popen[bytes]
    report: Report
    home: Home
    environ: dict[str, str]


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run that many tests look at: each costs a third of a second."""
    home = Home.at(tmp_path_factory.mktemp("run") / "home")
    store_key(home)
    store_key(home, "anthropic/other", OTHER_KEY)
    report = stub.install(home)
    home.profile("other", PROFILE.format(alias="other", command="stub"))
    environ = {**home.environ, **STALE, "STUB_READS": "1", "STUB_LAST": "exit 7", "ODD": "\udcff=x"}
    child = subprocess.Popen(
        [*command(), "run", "work", "--purpose", "all of it", "--", *ARGS],
        stdin=subprocess.PIPE,
        env=environ,
        cwd=home.path / "work",
        umask=0o027,
        start_new_session=True,
    )
    child.communicate(b"first line\nsecond line\n", timeout=PATIENCE)
    return Run(child, report, home, environ)


@pytest.fixture
def report(home: Home) -> Report:
    """In the home, a key and a profile that runs the stub agent."""
    store_key(home)
    return stub.install(home)


def block(home: Home, *names: str, **changes: str) -> dict[bytes, bytes]:
    """The env block of an agent that inherits these variables of the home, or all, and gets some more."""
    kept = {name: value for name, value in home.environ.items() if name in (names or home.environ)}
    return {os.fsencode(name): os.fsencode(value) for name, value in {**kept, **changes}.items() if name != COVERAGE}


@pytest.mark.slow
def test_the_agent_is_the_very_process_that_ringlet_was(launched: Run) -> None:
    assert launched.report.pid == launched.child.pid


def test_it_stays_in_its_process_group(launched: Run) -> None:
    assert launched.report.group == launched.child.pid


def test_its_exit_status_is_the_outcome(launched: Run) -> None:
    assert launched.child.returncode == 7


def test_it_stays_in_the_folder(launched: Run) -> None:
    assert launched.report.text("cwd") == str(launched.home.path / "work")


def test_its_umask_is_the_callers(launched: Run) -> None:
    assert launched.report.text("umask") == "0027"


def test_arguments_arrive_verbatim(launched: Run) -> None:
    assert launched.report.args == list(ARGS)


def test_nothing_of_standard_input_is_taken(launched: Run) -> None:
    assert launched.report.text("stdin") == "first line\nsecond line"


def test_it_writes_no_core_files(launched: Run) -> None:
    assert launched.report.core_limit == "0 0"


def test_the_signals_that_python_ignores_are_not_ignored(launched: Run) -> None:
    assert not {signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT} & launched.report.ignored


def test_the_env_block_is_the_callers_without_routing_and_with_the_profiles_own(launched: Run) -> None:
    kept = {name: value for name, value in launched.environ.items() if name not in STALE and name != COVERAGE}
    expected = {os.fsencode(name): os.fsencode(value) for name, value in {**kept, **OWN}.items()}
    assert launched.report.environ == expected


def test_the_key_of_another_profile_is_nowhere_in_the_process(launched: Run) -> None:
    assert OTHER_KEY.encode() not in (launched.report.folder / "environ").read_bytes()


def test_every_variable_of_every_provider_and_agent_is_dropped(home: Home, report: Report) -> None:
    routing = Catalog(str(home.config)).routing
    assert not KNOWN_ROUTING - routing
    home.ringlet("run", "work", environ=dict.fromkeys(routing, "stale"))
    assert report.environ == block(home, **OWN)


@pytest.mark.slow
def test_a_clean_environment_holds_the_essentials_alone(home: Home) -> None:
    store_key(home)
    report = stub.install(home, document='inherit-env = "clean"\n')
    home.ringlet("run", "work", environ={**STALE, "LC_TIME": "C", "GITHUB_TOKEN": "x"})
    assert report.environ == block(home, "PATH", "HOME", "TERM", "LANG", "TMPDIR", LC_TIME="C", **OWN)


def test_the_whole_environment_still_comes_without_what_beats_the_profiles_key(home: Home) -> None:
    store_key(home)
    report = stub.install(home, document='inherit-env = "all"\n')
    home.ringlet("run", "work", environ={**STALE, "GITHUB_TOKEN": "x"})
    assert report.environ == block(home, OPENAI_API_KEY="stale", CLAUDECODE="1", GITHUB_TOKEN="x", **OWN)


def test_in_the_c_locale_no_variable_of_pythons_appears(home: Home, report: Report) -> None:
    home.ringlet("run", "work", environ={"LANG": "C"})
    assert report.environ == block(home, LANG="C", **OWN)


@pytest.mark.slow
def test_an_lc_ctype_of_the_callers_stays(home: Home, report: Report) -> None:
    home.ringlet("run", "work", environ={"LANG": "C", "LC_CTYPE": "C.UTF-8"})
    assert report.variable("LC_CTYPE") == "C.UTF-8"


@pytest.mark.slow
def test_references_in_env_bring_further_keys(home: Home) -> None:
    store_key(home)
    store_key(home, "github/default", "ghp_" + OTHER_KEY)
    report = stub.install(home, document='[env]\nGITHUB_TOKEN = "ringlet:github/default"\nPLAIN = "1"\n')
    home.ringlet("run", "work")
    assert report.environ == block(home, GITHUB_TOKEN="ghp_" + OTHER_KEY, PLAIN="1", **OWN)


@pytest.mark.slow
def test_a_missing_reference_starts_nothing(home: Home) -> None:
    store_key(home)
    report = stub.install(home, document='[env]\nGITHUB_TOKEN = "ringlet:github/default"\n')
    assert home.ringlet("run", "work").status == 125
    assert not report.folder.exists()


def test_a_run_with_a_key_needs_no_profile(home: Home, report: Report) -> None:
    keys = ("--key", "anthropic/default", "--key", "EXTRA=anthropic")
    home.ringlet("run", *keys, "--", "stub", "a", "--", "b", environ=STALE)
    assert report.environ == block(home, EXTRA=KEY, **OWN)
    assert report.args == [b"a", b"--", b"b"]


def test_relative_entries_of_path_are_skipped(home: Home, report: Report) -> None:
    for name in ("work/stub", "work/bin/stub"):
        (home.path / name).parent.mkdir(exist_ok=True)
        (home.path / name).write_text("#!/bin/sh\nexit 66\n")
        (home.path / name).chmod(0o755)
    path = f".::bin:{home.environ['PATH']}"
    assert home.ringlet("run", "work", environ={"PATH": path}).status == 0
    assert report.variable("PATH") == path


@pytest.mark.slow
def test_an_isolated_agent_gets_a_private_folder_and_the_files_of_its_mapping(home: Home) -> None:
    (home.config / "agents").mkdir()
    (home.config / "agents/stub.toml").write_text(
        'title = "Stub"\nbinary = "stub"\nconfig-folder = "STUB_CONFIG"\n'
        '[[shapes]]\nshape = "anthropic"\nargs = ["--config", "{config-folder}/stub.json"]\n'
        'env = { STUB_KEY = "{key}" }\nisolation = "config"\n'
        '[shapes.files]\n"{config-folder}/stub.json" = \'{"key":"$STUB_KEY","url":"{base-url}"}\'\n'
    )
    store_key(home)
    report = stub.install(home)
    document = home.profile("work", 'agent = "stub"\nprovider = "anthropic"\nbase-url = "http://127.0.0.1:9"\n')
    folder = document.parent / "config"
    assert home.ringlet("run", "work", "--", "hi").status == 0
    assert report.args == [b"--config", os.fsencode(folder / "stub.json"), b"hi"]
    assert report.variable("STUB_CONFIG") == str(folder)
    assert (folder / "stub.json").read_text() == '{"key":"$STUB_KEY","url":"http://127.0.0.1:9"}'
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "stub.json").stat().st_mode) == 0o600


@pytest.mark.slow
def test_an_agent_may_have_a_home_of_its_own(home: Home) -> None:
    store_key(home)
    report = stub.install(home, document='isolation = "home"\n')
    home.ringlet("run", "work")
    folder = home.path / ".ringlet/profiles/work/home"
    assert report.variable("HOME") == str(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_at_a_terminal_the_agent_has_it(home: Home, report: Report, terminal: Callable[..., Terminal]) -> None:
    child = terminal("run", "work", environ={"STUB_LAST": 'echo "ready?"; read -r line; echo "<$line>"; tty'})
    child.expect_exact("ready?")
    child.sendline("typed")
    child.expect_exact("<typed>")
    child.expect_exact("/dev/pts/")
    assert report.pid == report.group == child.pid
    assert report.terminal != 0


@pytest.mark.slow
def test_two_profiles_run_side_by_side_on_their_own_keys(home: Home) -> None:
    store_key(home)
    store_key(home, "anthropic/other", OTHER_KEY)
    for name, alias in (("one", "default"), ("two", "other")):
        home.profile(name, PROFILE.format(alias=alias, command="sh"))
    show = ("--", "-c", 'echo "$ANTHROPIC_API_KEY"; read -r line')
    both = [home.start("run", name, *show) for name in ("one", "two")]
    shown = [child.stdout.readline().decode().strip() for child in both if child.stdout]
    for child in both:
        child.communicate(b"\n", timeout=PATIENCE)
    assert shown == [KEY, OTHER_KEY]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "trap", "status"), [(signal.SIGTERM, "", -15), (signal.SIGINT, "trap 'exit 3' INT;", 3)]
)
def test_a_signal_is_the_agents_business(home: Home, number: int, trap: str, status: int) -> None:
    store_key(home)
    home.profile("work", PROFILE.format(alias="default", command="sh"))
    child = home.start("run", "work", "--", "-c", f"{trap} echo ready; while :; do sleep 0.02; done")
    assert child.stdout
    assert child.stdout.readline() == b"ready\n"
    child.send_signal(number)
    child.communicate(timeout=PATIENCE)
    assert child.returncode == status
