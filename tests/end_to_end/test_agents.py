"""The real agents, run through ringlet against an upstream on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end import hostile
from tests.end_to_end.agents import CASES, MODEL, Case, path_with
from tests.end_to_end.program import Home, Outcome, store_key
from tests.end_to_end.upstream import ANSWER, UnixUpstream, Upstream

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = [
    pytest.mark.agents,
    pytest.mark.slow,
    pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.agent}-{case.provider}"),
]

LIMIT = 60.0  # seconds for one question


def key_for(case: Case) -> str:
    """A made-up key that looks like the provider's."""
    return case.prefix + os.urandom(20).hex()[:35]


def ask(home: Home, case: Case, base_url: str, environ: Mapping[str, str]) -> tuple[str, Outcome]:
    """Stores a key, makes a profile as a person would, asks the agent one question: the key, and the outcome."""
    key = key_for(case)
    store_key(home, f"{case.provider}/default", key)
    options = ("--agent", case.agent, "--provider", case.provider, "--model", MODEL)
    made = home.here("profiles", "create", "work", *options, "--base-url", base_url + case.base)
    assert made.status == 0, made.err
    return key, run(home, *case.ask, environ={"PATH": path_with(case), **environ})


def run(home: Home, *args: str, environ: Mapping[str, str]) -> Outcome:
    """`ringlet profiles run work` in the project, with a limit that ends the agent's children too."""
    given = {**home.environ, **environ, "CI": "1", "NO_COLOR": "1"}
    child = home.start(
        "profiles", "run", "work", "--", *args, stdin=subprocess.DEVNULL, env=given, start_new_session=True
    )
    try:
        out, err = child.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        out, err = child.communicate()
    return Outcome(child.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


@pytest.fixture
def project(home: Home) -> Path:
    """The folder that the agent is run in, a repository as agents expect one."""
    project = home.path / "work"
    subprocess.run(["git", "init", "--quiet", str(project)], check=True)
    return project


def test_exactly_the_profiles_key_arrives_in_the_right_header(case: Case, home: Home, project: Path) -> None:
    stale = {name: "stale" for name in hostile.variables("") if name.endswith(("_API_KEY", "_TOKEN"))}
    with Upstream() as upstream:
        key, outcome = ask(home, case, upstream.url, stale)
    assert upstream.asked, f"{outcome.out}\n{outcome.err}"
    assert ANSWER in outcome.out
    assert outcome.status == 0
    for request in upstream.asked:
        assert request.keys == case.headers(key)
    assert not any(request.holds("stale") for request in upstream.requests)
    assert key not in outcome.out + outcome.err


def test_hostile_settings_move_nothing(case: Case, home: Home, project: Path) -> None:
    socket = str(home.path / "hostile.sock")
    with Upstream() as upstream, Upstream() as attacker, UnixUpstream(socket) as unix, Upstream() as proxy:
        hostile.plant(home.path, project, attacker.url, socket=socket, proxy=proxy.url)
        shell = hostile.variables(attacker.url, socket) | hostile.proxies(proxy.url)
        key, outcome = ask(home, case, upstream.url, shell)
    said = f"{outcome.out}\n{outcome.err}".replace(key, "<the key>")
    met = [request for listener in (attacker, unix) for request in listener.requests]
    assert not [(request.method, request.path, request.holds(key)) for request in met], said
    assert not attacker.errors + unix.errors, said
    # proxies may carry an agent's other errands in TLS, but nothing of what goes to the provider
    assert {request.method for request in proxy.requests} <= {"CONNECT"}, said
    assert upstream.asked, said
    for request in upstream.asked:
        assert request.keys == case.headers(key)
        assert not request.holds(hostile.STOLEN)
