"""Refused tokens: how many, from whom, and what is written down of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.daemon.access import FAILURES, WINDOW, Failures, TooManyFailures
from ringlet_py.testing import FakeClock

if TYPE_CHECKING:
    from tests.daemon.running import RealDaemon

WRONG = "rlt_" + "a" * 43


class Records:
    """An audit that remembers."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, str]] = []

    def append(self, action: str, outcome: str, *, caller: str, purpose: str) -> None:
        assert (action, outcome) == ("authenticate", "token-refused")
        self.found.append((action, caller, purpose))


class World:
    """Failures on a clock of the test's."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.audit: Any = Records()
        self.failures = Failures(steady=self.clock)

    def fail(self, times: int = 1, peer: str = "loopback") -> int:
        """How many of so many failures were too many."""
        too_many = 0
        for _ in range(times):
            try:
                self.failures.count(peer, "/key", self.audit)
            except TooManyFailures as problem:
                too_many += problem.retry_after >= 1
        return too_many

    @property
    def purposes(self) -> list[str]:
        return [purpose for _, _, purpose in self.audit.found]


def test_so_many_failures_are_taken_for_slips():
    world = World()

    assert world.fail(FAILURES) == 0
    assert world.fail(5) == 5


def test_they_are_forgiven_one_after_the_other():
    world = World()
    world.fail(FAILURES + 3)

    world.clock.advance(WINDOW / FAILURES + 0.01)

    assert world.fail(3) == 2


def test_it_is_said_how_long_to_wait():
    world = World()
    world.fail(FAILURES)
    with pytest.raises(TooManyFailures) as caught:
        world.failures.count("loopback", "/key", world.audit)

    world.clock.advance(caught.value.retry_after)

    assert world.fail() == 0


def test_peers_are_counted_apart():
    world = World()
    world.fail(FAILURES + 1)

    assert world.fail(peer="uid:1000") == 0


def test_as_many_as_may_fail_are_recorded_and_the_others_counted():
    world = World()
    world.fail(500)
    assert world.purposes == ["/key"] * FAILURES

    world.clock.advance(WINDOW + 1)
    world.failures.flush(world.audit)

    assert world.purposes[FAILURES:] == [f"{500 - FAILURES} more were not recorded"]
    world.failures.flush(world.audit)
    assert len(world.purposes) == FAILURES + 1


def test_the_next_window_begins_with_what_the_last_left_out():
    world = World()
    world.fail(FAILURES + 2)
    world.clock.advance(WINDOW + 1)
    world.fail()

    assert world.purposes[FAILURES:] == ["2 more were not recorded", "/key"]


def test_what_was_left_out_is_recorded_at_the_end_too():
    world = World()
    world.fail(FAILURES + 2)
    world.failures.flush(world.audit, is_last=True)

    assert world.purposes[-1] == "2 more were not recorded"


def test_no_record_holds_the_token_and_each_has_the_peer():
    world = World()
    world.fail(peer="uid:7")

    assert world.audit.found == [("authenticate", "uid:7", "/key")]


def test_wrong_tokens_are_refused_then_slowed_and_a_right_one_is_let_through(daemon: RealDaemon):
    paths = ["/key?provider=x", "/leases/lease-1", "/admin/tiers"]
    # who says that it comes from elsewhere is not believed
    claims = [{"X-Forwarded-For": f"10.0.0.{number}"} for number in range(FAILURES + 2)]
    found = [daemon.request("GET", paths[n % 3], token=WRONG, headers=said) for n, said in enumerate(claims)]

    assert [answer.status for answer in found] == [401] * FAILURES + [429, 429]
    assert found[0].headers["www-authenticate"] == "Bearer"
    assert int(found[-1].headers["retry-after"]) >= 1
    assert all(answer.headers["cache-control"] == "no-store" for answer in found)
    assert found[-1].json["code"] == "token-refused"
    assert daemon.request("GET", "/admin/tiers", token=daemon.admin).status == 200
    assert daemon.request("GET", "/admin/tiers", token=WRONG, unix=True).status == 401

    daemon.stop()

    records = daemon.home.here("audit", "list", "--action", "authenticate").out
    assert WRONG not in (daemon.home.state / "audit.jsonl").read_text()
    assert records.count("token-refused") == FAILURES + 2  # one from the socket, one for those left out
    assert "2 more were not recorded" in records
    assert "/leases/{id}" in records
    assert "lease-1" not in records
    assert "uid:" in records


@pytest.mark.parametrize(
    "header",
    ["", "Basic abc", "Bearer", "Bearer  ", "Bearer " + "a" * 600, WRONG, "Bearer \xe9"],
)
def test_what_is_no_bearer_token_is_refused(shared_daemon: RealDaemon, header: str):
    headers = {"Authorization": header} if header else {}

    assert shared_daemon.request("GET", "/admin/tiers", headers=headers).status == 401


def test_two_tokens_are_none(shared_daemon: RealDaemon):
    lines = f"Host: localhost:{shared_daemon.port}\r\nConnection: close\r\n"
    lines += f"Authorization: Bearer {shared_daemon.admin}\r\n" * 2
    raw = shared_daemon.raw(f"GET /admin/tiers HTTP/1.1\r\n{lines}\r\n".encode())

    assert raw.split()[1] == b"401"
