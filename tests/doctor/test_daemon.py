from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py import __version__
from ringlet_py.doctor import daemon
from tests.doctor.around import made, states, told, write

if TYPE_CHECKING:
    from tests.end_to_end.program import Home


@pytest.mark.parametrize(("version", "state"), [(__version__, "ok"), ("", "ok"), ("0.0.1", "warning")])
def test_a_daemon_of_another_version_is_seen(home: Home, version: str, state: str) -> None:
    assert states(daemon.state(made(home, daemon=lambda: version))) == [state]


def test_what_a_killed_one_has_left_can_be_taken_away(home: Home) -> None:
    left = write(home.state / "run/daemon.json", "{}")
    (finding,) = daemon.state(made(home))

    assert (finding.state, finding.mend) == ("note", f"rm {left}")
    assert [repair.path for repair in finding.repairs] == [str(left)]


def test_nothing_of_a_running_one_is_taken_away(home: Home) -> None:
    write(home.state / "run/daemon.json", "{}")

    assert "rm" not in told(daemon.state(made(home, daemon=lambda: __version__)))
