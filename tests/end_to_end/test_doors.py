"""A run whose plan is compiled takes a shorter way; what comes of it must be the same."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end import stub
from tests.end_to_end.program import KEY, Home, store_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.stub import Report

CACHE = ".cache/ringlet"
PLAN = f"{CACHE}/plans/work.plan"


@pytest.fixture
def report(home: Home) -> Report:
    """A home with a profile that has been run, so that its plan is compiled."""
    store_key(home)
    report = stub.install(home)
    for _ in range(5):
        assert home.ringlet("run", "work").status == 0
        if (home.path / PLAN).exists():
            shutil.rmtree(report.folder)
            return report
    pytest.fail("no plan was compiled")


def without_key(home: Home) -> None:
    assert home.here("keychain", "remove", "anthropic", "default", "--yes").status == 0


def readable_by_all(home: Home) -> None:
    home.credentials.chmod(0o644)


def without_agent(home: Home) -> None:
    (home.path / "bin/stub").unlink()


def not_executable(home: Home) -> None:
    (home.path / "bin/stub").chmod(0o644)


def without_interpreter(home: Home) -> None:
    home.program("stub", "#!/no/such/interpreter\n")


def wrong_config(home: Home) -> None:
    home.configure("[credentials]\nbackend = 1\n")


def wrong_profile(home: Home) -> None:
    home.profile("work", "agent = 1\n")


def without_profile(home: Home) -> None:
    shutil.rmtree(home.path / ".ringlet/profiles/work")


def profile_writable_by_all(home: Home) -> None:
    (home.path / ".ringlet/profiles/work/ringlet.toml").chmod(0o666)


def audit_unwritable(home: Home) -> None:
    (home.state / "audit.jsonl").chmod(0o644)


def state_in_the_way(home: Home) -> None:
    shutil.rmtree(home.state)
    home.state.write_text("")


def wrong_provider(home: Home) -> None:
    (home.config / "providers").mkdir()
    (home.config / "providers/anthropic.toml").write_text("title = 1\n")


def damaged_plan(home: Home) -> None:
    plan = home.path / PLAN
    plan.write_bytes(plan.read_bytes()[:-9])


BREAKS = (
    without_key,
    readable_by_all,
    without_agent,
    not_executable,
    without_interpreter,
    wrong_config,
    wrong_profile,
    without_profile,
    profile_writable_by_all,
    audit_unwritable,
    state_in_the_way,
    wrong_provider,
    damaged_plan,
)


@pytest.mark.slow
@pytest.mark.parametrize("break_it", BREAKS, ids=lambda each: each.__name__)
def test_a_failure_is_the_same_by_both_ways(home: Home, report: Report, break_it: Callable[[Home], None]) -> None:
    break_it(home)
    short = home.ringlet("run", "work", "--purpose", "x")
    shutil.rmtree(home.path / CACHE)
    assert short == home.ringlet("run", "work", "--purpose", "x")
    assert "Traceback" not in short.err


@pytest.mark.slow
def test_the_agent_finds_the_same_by_both_ways(home: Home, report: Report) -> None:
    home.ringlet("run", "work", "--", "a", "--", "", environ={"OPENAI_API_KEY": "stale", "LANG": "C"})
    short = (report.environ, report.args, report.ignored, report.core_limit)
    shutil.rmtree(home.path / CACHE)
    home.ringlet("run", "work", "--", "a", "--", "", environ={"OPENAI_API_KEY": "stale", "LANG": "C"})
    assert short == (report.environ, report.args, report.ignored, report.core_limit)
    assert report.variable("ANTHROPIC_API_KEY") == KEY


@pytest.mark.slow
def test_both_ways_leave_the_same_record(home: Home, report: Report) -> None:
    home.ringlet("profiles", "run", "work", "--purpose", "both")
    shutil.rmtree(home.path / CACHE)
    home.ringlet("profiles", "run", "work", "--purpose", "both")
    short, long = (line.split()[1:] for line in home.here("audit", "list").out.splitlines()[-2:])
    assert short == long


@pytest.mark.slow
def test_another_config_folder_has_other_plans(home: Home, report: Report) -> None:
    other = home.path / "other/ringlet"
    (other / "providers").mkdir(parents=True, mode=0o700)
    other.chmod(0o700)
    other.parent.chmod(0o700)
    (other / "config.toml").write_text('[credentials]\nbackend = "file"\n[audit]\nenabled = false\n')
    shutil.copy(home.credentials, other / "credentials.toml")
    (other / "providers/anthropic.toml").write_text(
        'title = "Mine"\nkey-env = "MY_KEY"\n[endpoints.default]\nanthropic = "http://127.0.0.1:9"\n'
    )
    before = home.here("audit", "list").out
    assert home.ringlet("run", "work", environ={"XDG_CONFIG_HOME": str(other.parent)}).status == 0
    assert "ANTHROPIC_API_KEY" not in report.names
    assert report.variable("MY_KEY") == KEY
    assert home.here("audit", "list").out == before


@pytest.mark.slow
def test_a_variable_that_is_wrong_is_so_by_both_ways(home: Home, report: Report) -> None:
    short = home.ringlet("run", "work", environ={"RINGLET_KEYCHAIN_TIMEOUT": "soon"})
    shutil.rmtree(home.path / CACHE)
    assert short == home.ringlet("run", "work", environ={"RINGLET_KEYCHAIN_TIMEOUT": "soon"})
    assert short.status == 125


@pytest.mark.slow
def test_a_flag_without_its_value_is_an_error_by_both_ways(home: Home, report: Report) -> None:
    assert home.ringlet("run", "work", "--purpose").status == 125
