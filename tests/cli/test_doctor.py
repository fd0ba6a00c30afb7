from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from ringlet_py.cli.doctor import _marks
from tests.doctor.around import write
from tests.end_to_end.program import KEY, store_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.program import Home, Outcome, Terminal


def look(home: Home, *options: str, **environ: str) -> Outcome:
    return home.here("doctor", *options, environ=environ)


def test_a_home_that_is_as_it_should_be_exits_with_0(home: Home) -> None:
    store_key(home)
    done = look(home)

    assert done.status == 0, done.out
    assert "0 problems, 0 warnings" in done.out
    assert done.err == ""


def test_findings_exit_with_1_and_have_their_command(home: Home) -> None:
    done = look(home, ANTHROPIC_API_KEY=KEY)

    assert done.status == 1
    assert "ringlet migrate scan\n" in done.out
    assert KEY not in done.out + done.err


def test_json_has_every_finding_and_a_summary(home: Home) -> None:
    document = json.loads(look(home, "--json", ANTHROPIC_API_KEY=KEY).out)
    finding = next(each for each in document["findings"] if each["check"] == "shell")

    assert document["schema_version"] == 1
    assert set(document) == {"schema_version", "system", "findings", "mended", "summary"}
    assert set(finding) == {"check", "state", "what", "why", "mend", "fixable"}
    assert document["summary"]["warning"] == 1


def test_fix_asks_first(home: Home) -> None:
    path = write(home.credentials, mode=0o644)
    done = look(home, "--fix")

    assert done.status == 4
    assert f"to do: chmod 600 {path}" in done.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_fix_mends_says_so_and_looks_again(home: Home) -> None:
    path = write(home.credentials, mode=0o644)
    done = look(home, "--fix", "--yes")

    assert done.status == 0, done.out
    assert f"done: chmod 600 {path}" in done.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "there is nothing that --fix can mend" in look(home, "--fix", "--yes").err


def test_fix_tells_programs_what_it_did(home: Home) -> None:
    path = write(home.credentials, mode=0o644)

    assert json.loads(look(home, "--fix", "--yes", "--json").out)["mended"] == [f"chmod 600 {path}"]


def test_a_broken_configuration_is_a_finding(home: Home) -> None:
    home.configure("[[[")
    done = look(home)

    assert done.status == 1
    assert "is not valid TOML" in done.out


def test_nothing_is_left_behind_by_looking(home: Home) -> None:
    before = sorted(home.files())
    look(home)

    assert sorted(home.files()) == before


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", "✔"), ("ascii", "ok"), ("latin-1", "ok"), (None, "ok")])
def test_marks_are_plain_where_the_terminal_has_no_others(
    monkeypatch: pytest.MonkeyPatch, encoding: str | None, mark: str
) -> None:
    class Terminal:
        def __init__(self) -> None:
            self.encoding = encoding

    monkeypatch.setattr("sys.stdout", Terminal())

    assert _marks()["ok"] == mark


@pytest.mark.slow
def test_at_a_terminal_it_asks_and_mends_after_a_yes(home: Home, terminal: Callable[..., Terminal]) -> None:
    path = write(home.credentials, mode=0o644)
    child = terminal("doctor", "--fix")
    child.expect("mend this?")
    child.sendline("y")
    child.expect("done: chmod 600")
    child.expect("0 problems")
    child.close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
