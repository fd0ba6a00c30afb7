from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringlet_py.errors import InsecurePermissions, KeychainBroken, KeychainTimeout, StoreCorrupt
from ringlet_py.files.queue import Queue
from ringlet_py.ledger.claims import Claim, Rest, Taken
from ringlet_py.ledger.clock import SystemClock
from ringlet_py.ledger.sealed_values import SqliteSealedValues
from ringlet_py.ledger.sqlite import SqliteLedger
from ringlet_py.ledger.sqlite_callers import SqliteCallers
from ringlet_py.ledger.sqlite_claims import SqliteClaims
from ringlet_py.ledger.sqlite_file import SqliteFile
from ringlet_py.ledger.sqlite_moment import SLEW
from ringlet_py.ledger.sqlite_session import Session
from tests.ledger.claims_contract import Asked, ClaimsContract, member, rates, turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ledger.claims_contract import PassTime

START = 1_795_000_000_000


class FakeMachine:
    """A machine's clocks, moved by hand."""

    def __init__(self) -> None:
        self.true = 0
        self.wall_ahead = START
        self.booted_at = -5_000_000
        self.name = "first-boot"
        self.counts = True

    def wall(self) -> int:
        return self.true + self.wall_ahead

    def since_boot(self) -> int | None:
        return self.true - self.booted_at if self.counts else None

    def boot(self) -> str:
        return self.name

    def pass_time(self, milliseconds: int) -> None:
        self.true += milliseconds

    def set_wall(self, ahead: int) -> None:
        """Sets the wall clock forward, or with a negative number back."""
        self.wall_ahead += ahead

    def reboot(self, after: int = 30_000) -> None:
        self.true += after
        self.booted_at = self.true
        self.name = f"boot-{self.true}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite"


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine()


@pytest.fixture
def claims(path: Path, machine: FakeMachine) -> Iterator[SqliteClaims]:
    claims = SqliteClaims(Session(SqliteFile(str(path))), machine)
    yield claims
    claims.close()


@pytest.fixture
def ledger(path: Path) -> SqliteLedger:
    return SqliteLedger(str(path))


@pytest.fixture
def callers(claims: SqliteClaims) -> SqliteCallers:
    return SqliteCallers(claims.session)


@pytest.fixture
def values(claims: SqliteClaims) -> SqliteSealedValues:
    return SqliteSealedValues(claims.session)


@pytest.fixture
def pass_time(machine: FakeMachine) -> PassTime:
    return machine.pass_time


class TestSqliteClaims(ClaimsContract):
    pass


MINUTE = 60_000
DAY = 86_400_000


class TestTheSteadyClock:
    def test_a_step_of_the_wall_clock_opens_no_sliding_window(self, claims: SqliteClaims, machine: FakeMachine):
        asked = Asked(claims, [member("a", "1/hour")])
        asked.take()
        for step in (10 * DAY, -20 * DAY):
            machine.set_wall(step)
            refused = asked.refusal()
            assert refused.retry_at - refused.now == 60 * MINUTE + 1
            assert refused.retry_wall == machine.wall() + 60 * MINUTE + 1

    def test_a_cooldown_keeps_its_length_when_the_wall_clock_is_set(self, claims: SqliteClaims, machine: FakeMachine):
        asked = Asked(claims, [member("a")])
        claims.rest(Rest(provider="openai", address="openai/a", milliseconds=MINUTE))
        machine.set_wall(-DAY)
        machine.pass_time(MINUTE - 1)
        asked.refusal()
        machine.pass_time(1)

        assert asked.take() == "a"

    def test_when_the_wall_clock_is_set_whose_window_opened_is_taken_at_once(
        self, claims: SqliteClaims, machine: FakeMachine
    ):
        asked = Asked(claims, [member("a", "1/day@UTC"), member("b", "9/day@UTC")])
        claims.rest(Rest(provider="openai", address="openai/a", milliseconds=1))
        machine.pass_time(1)
        assert [asked.take(), asked.take()] == ["a", "b"]
        machine.set_wall(DAY)

        assert asked.take() == "a"

    def test_a_reboot_with_a_wall_clock_in_the_past_never_goes_back(self, claims: SqliteClaims, machine: FakeMachine):
        asked = Asked(claims, [member("a", "1/hour")])
        asked.take()
        before = asked.refusal().now
        machine.reboot()
        machine.set_wall(-1000 * DAY)
        refused = asked.refusal()

        assert refused.now >= before
        assert refused.retry_at - refused.now <= 60 * MINUTE + 1

    def test_a_reboot_goes_on_with_the_wall_clock(self, claims: SqliteClaims, machine: FakeMachine):
        asked = Asked(claims, [member("a", "1/hour")])
        asked.take()
        machine.reboot(after=60 * MINUTE + SLEW)
        assert asked.refusal().reason == "members"
        machine.pass_time(1)

        assert asked.take() == "a"

    def test_without_a_time_since_boot_the_clock_still_never_goes_back(
        self, claims: SqliteClaims, machine: FakeMachine
    ):
        machine.counts = False
        asked = Asked(claims, [member("a", "1/hour")])
        asked.take()
        machine.set_wall(-DAY)
        refused = asked.refusal()
        machine.set_wall(-DAY)

        assert asked.refusal().now == refused.now
        assert refused.retry_at - refused.now <= 60 * MINUTE + 1

    def test_forgetting_a_pool_does_not_forget_how_late_it_was(self, claims: SqliteClaims, machine: FakeMachine):
        asked = Asked(claims, [member("a")])
        machine.pass_time(DAY)
        answer = asked.claim()
        assert isinstance(answer, Taken)
        claims.forget_document("pool", "p")
        machine.reboot()
        machine.set_wall(-1000 * DAY)
        asked.enlist([member("a", "1")])
        asked.take()

        assert asked.refusal().now >= answer.now

    def test_when_the_wall_clock_is_set_forward_a_new_day_begins(self, claims: SqliteClaims, machine: FakeMachine):
        asked = Asked(claims, [member("a", "1/day@UTC"), member("b")])
        assert [asked.take(), asked.take()] == ["a", "b"]
        machine.set_wall(DAY)

        assert [asked.take(), asked.take()] == ["a", "b"]
        machine.set_wall(-DAY)
        assert asked.take() == "b"

    def test_the_systems_clock_goes_forward_and_knows_its_boot(self):
        clock = SystemClock(time.time)
        first, second = clock.since_boot(), clock.since_boot()

        assert abs(clock.wall() - time.time() * 1000) < 5000
        if sys.platform == "linux":
            assert first is not None
            assert second is not None
            assert first <= second
            assert len(clock.boot()) == 36


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.integers(0, 90)),
        st.tuples(st.just("pass"), st.integers(0, 90)),
        st.tuples(st.just("claim"), st.integers(1, 4)),
        st.tuples(st.just("claim"), st.integers(1, 4)),
        st.tuples(st.just("wall"), st.integers(-(10**9), 10**9)),
        st.tuples(st.just("boot"), st.integers(0, 60)),
        st.tuples(st.just("back"), st.integers(0, 3)),
    ),
    max_size=60,
)


class TestOverAdmission:
    @given(events=EVENTS, amount=st.integers(1, 4), window=st.integers(40, 300))
    @settings(max_examples=60, deadline=None)
    def test_no_true_window_sees_more_than_the_amount_whatever_the_clocks_do(
        self, tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, int]], amount: int, window: int
    ):
        machine = FakeMachine()
        path = tmp_path_factory.mktemp("ledger") / "state" / "ledger.sqlite"
        with closing(SqliteClaims(Session(SqliteFile(str(path))), machine)) as claims:
            asked = Asked(claims, [member("a", f"{amount}/0.{window:03}s")])
            taken: dict[str, int] = {}
            for event, value in events:
                if event == "pass":
                    machine.pass_time(value)
                elif event == "wall":
                    machine.set_wall(value)
                    # a step that nobody saw before the machine was restarted looks like time that it was off
                    claims.rest(Rest(provider="groq", address="groq/a"))
                elif event == "boot":
                    # at the first use after a boot the wall clock is all there is: one that is ahead would be believed
                    machine.wall_ahead = min(machine.wall_ahead, START)
                    machine.reboot(value)
                    claims.rest(Rest(provider="groq", address="groq/a"))
                elif event == "back" and taken:
                    lease = sorted(taken)[value % len(taken)]
                    claims.give_back(lease)
                    del taken[lease]
                elif event == "claim":
                    for _ in range(value):
                        if isinstance(asked.claim(), Taken):
                            taken[asked.lease] = machine.true
        assert_no_window_has_more(sorted(taken.values()), amount=amount, window=window)


def assert_no_window_has_more(moments: list[float], *, amount: int, window: float) -> None:
    """No `amount` + 1 of the moments lie within less than the window."""
    close = [later - early for early, later in zip(moments, moments[amount:], strict=False) if later - early < window]

    assert not close


WORKER = """
import json, sys, time
sys.path.insert(0, sys.argv[5])
from ringlet_py.ledger.claims import Claim, Member, Taken, Turn
from ringlet_py.ledger.clock import SystemClock
from ringlet_py.ledger.sqlite_claims import SqliteClaims
from ringlet_py.ledger.sqlite_moment import SLEW
from ringlet_py.ledger.sqlite_file import SqliteFile
from ringlet_py.ledger.sqlite_session import Session
from ringlet_py.limits import Rate
path, me, seconds, rate = sys.argv[1:5]
claims = SqliteClaims(Session(SqliteFile(path)), SystemClock(time.time))
turn = Turn(pool="p", provider="openai", feature="image", policy="round-robin")
version = claims.version()
claims.enlist(turn, [Member(address=f"openai/{a}", rates=(Rate.parse(rate),)) for a in "abc"], version=version)
print("ready", flush=True)
sys.stdin.readline()
end = time.monotonic() + float(seconds)
now = lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME)
number = longest = 0
while time.monotonic() < end:
    number += 1
    before = now()
    answer = claims.claim(Claim(turn=turn, version=version, lease=f"{me}-{number}"))
    after = now()
    longest = max(longest, after - before)
    if isinstance(answer, Taken):
        print(json.dumps([answer.address, f"{me}-{number}", before, after]), flush=True)
print(json.dumps(["end", number, longest]), flush=True)
"""


class Hammer:
    """A process that claims as fast as it can, and writes down what it was given."""

    def __init__(self, path: Path, name: str, rate: str, seconds: float) -> None:
        self.output = path.parent.parent / name
        arguments = [str(path), name, str(seconds), rate, str(Path(__file__).parents[2])]
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", WORKER, *arguments], stdin=subprocess.PIPE, stdout=output, text=True
            )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 30
        while not self.output.read_text() and time.monotonic() < deadline:
            time.sleep(0.01)

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def said(self) -> list[list[object]]:
        """What it acknowledged, once it has ended; a line that was cut off by its death was not."""
        self.process.communicate()
        lines = self.output.read_text().splitlines(keepends=True)[1:]
        return [json.loads(line) for line in lines if line.endswith("\n")]


def hammer(path: Path, rate: str, *, seconds: float, processes: int, name: str = "hammer") -> list[Hammer]:
    hammers = [Hammer(path, f"{name}-{number}", rate, seconds) for number in range(processes)]
    for each in hammers:
        each.wait_until_ready()
    for each in hammers:
        each.go()
    return hammers


def assert_true_windows(lines: list[list[object]], *, amount: int, window: float) -> None:
    """By the machine's own clock around each claim: even the shortest time that may have been between was enough."""
    for alias in "abc":
        own = sorted((line for line in lines if line[0] == f"openai/{alias}"), key=lambda line: float(str(line[2])))
        assert len(own) > amount
        for start in range(len(own) - amount):
            together = own[start : start + amount + 1]
            longest = max(float(str(line[3])) for line in together) - float(str(together[0][2]))
            assert longest / 1e6 >= window


@pytest.mark.slow
class TestManyProcesses:
    def test_together_they_take_no_more_than_the_amount_in_any_true_window(self, path: Path):
        lines = [line for each in hammer(path, "7/0.2s", seconds=5, processes=4) for line in each.said()]

        assert_true_windows([line for line in lines if line[0] != "end"], amount=7, window=200)

    def test_they_take_turns(self, path: Path):
        ends = [each.said()[-1] for each in hammer(path, "1000000/minute", seconds=4, processes=4)]
        counts = [int(str(end[1])) for end in ends]

        # a busy machine gives processes unequal time; what the queue must not do is starve one
        assert max(counts) / min(counts) <= 2
        assert max(float(str(end[2])) for end in ends) / 1e6 < 1000

    def test_a_kill_loses_no_claim_that_was_acknowledged(self, path: Path):
        acknowledged: set[object] = set()
        for number in range(5):
            running = hammer(path, "100000/day", seconds=30, processes=3, name=f"round-{number}")
            time.sleep(0.2 + number * 0.05)
            for each in running:
                each.process.send_signal(signal.SIGKILL)
            acknowledged.update(line[1] for each in running for line in each.said())
        with closing(sqlite3.connect(path)) as raw:
            counted = [lease for (lease,) in raw.execute("SELECT lease FROM uses")]
            assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)

        assert len(acknowledged) > 50
        assert acknowledged <= set(counted)
        assert len(counted) <= len(acknowledged) + 5 * 3  # what each was given when it was killed


class TestTheKeptConnection:
    def test_a_file_that_was_replaced_is_opened_anew(self, claims: SqliteClaims, path: Path):
        asked = Asked(claims, [member("a", "1")])
        asked.take()
        version = claims.version()
        for found in path.parent.iterdir():
            found.unlink()
        with closing(SqliteClaims(Session(SqliteFile(str(path))), FakeMachine())) as other:
            other.version()  # makes another one

        assert claims.version() != version
        asked.enlist([member("a", "1")])
        assert asked.take() == "a"

    def test_a_file_that_others_may_read_is_refused_until_it_is_ours_again(self, claims: SqliteClaims, path: Path):
        asked = Asked(claims, [member("a")])
        path.chmod(0o644)
        with pytest.raises(InsecurePermissions):
            asked.claim()
        path.chmod(0o600)

        assert asked.take() == "a"

    def test_another_process_may_give_back_what_it_did_not_take(
        self, claims: SqliteClaims, path: Path, machine: FakeMachine
    ):
        asked = Asked(claims, [member("a", "1/day", own=rates("1"))])
        asked.take()
        with closing(SqliteClaims(Session(SqliteFile(str(path))), machine)) as other:
            other.give_back(asked.lease)

        assert asked.take() == "a"

    def test_threads_may_share_it(self, claims: SqliteClaims):
        asked = Asked(claims, [member("a", "100/day")])
        wishes = [asked.wish() for _ in range(120)]
        answers: list[object] = []

        def some(part: list[Claim]) -> None:
            answers.extend(claims.claim(wish) for wish in part)

        threads = [threading.Thread(target=some, args=(wishes[start::4],)) for start in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sum(isinstance(answer, Taken) for answer in answers) == 100

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_a_child_opens_its_own(self, claims: SqliteClaims):
        asked = Asked(claims, [member("a", "3/day")])
        asked.take()
        pid = os.fork()
        if pid == 0:
            os._exit(0 if asked.take() == "a" else 1)

        assert os.waitpid(pid, 0)[1] == 0
        assert asked.take() == "a"
        assert asked.refusal().reason == "members"

    def test_whoever_holds_the_queue_is_waited_for_with_a_limit(self, path: Path, machine: FakeMachine):
        with closing(SqliteClaims(Session(SqliteFile(str(path), busy_timeout=0.05)), machine)) as claims:
            asked = Asked(claims, [member("a")])
            queue = Queue(f"{path}.queue", limit=1)
            queue.enter()
            with pytest.raises(KeychainTimeout, match="locked"):
                asked.claim()
            queue.leave()
            assert asked.take() == "a"
            queue.close()


class TestWhatIsWrong:
    def test_what_is_no_ledger_is_refused_and_left_as_it_is(self, claims: SqliteClaims, path: Path):
        path.parent.mkdir(mode=0o700)
        path.touch(mode=0o600)
        path.write_bytes(b"some text of a person's" * 100)

        for verb in (claims.version, claims.resting, lambda: claims.give_back("x"), lambda: claims.documents("pool")):
            with pytest.raises(StoreCorrupt):
                verb()
        assert path.read_bytes() == b"some text of a person's" * 100

    def test_a_newer_ledger_is_refused(self, claims: SqliteClaims, path: Path):
        claims.version()
        claims.close()
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("PRAGMA user_version = 99")

        with pytest.raises(StoreCorrupt, match="version 99"):
            claims.version()

    def test_reading_makes_no_file(self, claims: SqliteClaims, tmp_path: Path):
        assert claims.standings(turn()) == []
        assert claims.resting() == {}
        assert claims.documents("pool") == []
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_a_full_disk_is_said_and_nothing_is_lost(self, claims: SqliteClaims, path: Path):
        asked = Asked(claims, [member("a", "100000/day")])
        asked.take()
        claims.close()
        pid = os.fork()
        if pid == 0:
            os._exit(_claim_until_full(asked, path))

        assert os.WEXITSTATUS(os.waitpid(pid, 0)[1]) == 0
        assert asked.take() == "a"
        with closing(sqlite3.connect(path)) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _claim_until_full(asked: Asked, path: Path) -> int:
    """0 if a claim that finds no room says so, and takes nothing."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # the log may not grow further than this: to SQLite that is a disk without room
    most = path.stat().st_size + 40_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    taken = 0
    try:
        for _ in range(10_000):
            asked.take()
            taken += 1
    except KeychainBroken:
        left = asked.standing("a").remaining[0][1]
        return 0 if left == 100_000 - 1 - taken else 2
    except BaseException:  # noqa: BLE001 - the child must never go on with the test
        return 3
    return 4


def test_leases_whose_streams_are_no_longer_remembered_are_given_back_too(
    claims: SqliteClaims, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ringlet_py.ledger.sqlite_claims._REMEMBERED", 2)
    version = claims.version()
    claims.enlist(turn(), [member("a", own=rates("9/hour"))], version=version)
    wishes = [Claim(turn=turn(), version=version, lease=f"lease-{number}") for number in range(6)]
    for wish in wishes:
        assert isinstance(claims.claim(wish), Taken)
    assert next(iter(claims._leases)) == "lease-3"

    for wish in wishes:
        claims.give_back(wish.lease)

    [standing] = claims.standings(turn())
    assert [left for _, left in standing.remaining] == [9]


def test_a_value_that_no_ringlet_can_have_written_is_left_to_who_reads_it_next(
    claims: SqliteClaims, values: SqliteSealedValues
):
    asked = Asked(claims, [member("a")])
    with values.file.writing() as connection:
        connection.execute("INSERT INTO sealed_values VALUES ('openai/a', 's1', 7, 'text', x'00')")

    taken = asked.claim(with_value=True)
    assert isinstance(taken, Taken)
    assert taken.value is None
    with pytest.raises(StoreCorrupt, match="is not a ledger"):
        values.value("openai/a")
