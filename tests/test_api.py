from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import ringlet_py
from ringlet_py import AsyncRinglet, Ringlet, errors
from ringlet_py.api.values import Fields, Wishes
from ringlet_py.audit.reading import find
from ringlet_py.entry import FIELDS
from ringlet_py.lease import Request
from ringlet_py.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ringlet_py.api import AsyncLease, ClaimedLease

pytestmark = pytest.mark.skipif(os.name == "nt", reason="looks for the folders of POSIX")
KEYS = {name: "sk-proj-" + (name * 48)[:48] for name in ("a1", "b2", "c3")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A home whose keys are in a file."""
    config = tmp_path / ".config/ringlet"
    config.mkdir(parents=True, mode=0o700)
    (config / "config.toml").write_text('[credentials]\nbackend = "file"\n')
    return tmp_path


@pytest.fixture
def ringlet(folder: Path) -> Iterator[Ringlet]:
    with Ringlet({}, home=folder) as ringlet:
        yield ringlet


def audit(folder: Path) -> list[tuple[Any, ...]]:
    """Action, address and outcome of each record."""
    found = find(str(folder / ".local/state/ringlet"))
    return [(record["action"], record["address"], record["outcome"]) for record in found]


def aliases(ringlet: Ringlet, where: dict[str, str] | None = None) -> list[str]:
    found = ringlet.keys(where)
    return [entry.address.alias for entry in found]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors as Linux shows them")
def test_close_leaves_nothing_open_and_another_claim_opens_it_again(ringlet: Ringlet, folder: Path):
    ringlet.add("openai", "a1", KEYS["a1"])
    ringlet.claim("openai")
    state = str(folder / ".local/state/ringlet")
    ringlet.claim("openai")
    assert {"audit.head", "audit.jsonl"} <= opened_in(state)
    ringlet.close()
    assert opened_in(state) == set()
    ringlet.claim("openai")
    assert len(audit(folder)) == 4


def opened_in(folder: str) -> set[str]:
    """The names of the files in the folder that this process has open."""
    links = (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd"))
    paths = [os.readlink(link) for link in links if os.path.lexists(link)]
    return {os.path.basename(path) for path in paths if os.path.dirname(path) == folder}


# the package


def test_importing_the_package_imports_nothing_else():
    code = "import sys; had = set(sys.modules); import ringlet_py; print(sorted(set(sys.modules) - had))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "['ringlet_py']\n"


def test_the_package_offers_what_programs_use_and_nothing_that_it_does_not_have():
    assert ringlet_py.Ringlet is Ringlet
    assert ringlet_py.errors.PoolExhausted is errors.PoolExhausted
    with pytest.raises(AttributeError, match="has no attribute 'Ringlte'"):
        _ = ringlet_py.Ringlte


def test_what_may_be_said_is_what_requests_and_entries_know():
    not_said = {"address", "provider", "limited", "profile", "agent", "scopes", "bearers"}
    assert set(Wishes.__annotations__) == {*Request.__slots__, "alias"} - not_said
    given = {"created_at", "replaced_at", "secrets", "fingerprint"}
    assert set(Fields.__annotations__) == {"expires" if name == "expires_at" else name for name in FIELDS} - given


# claiming


def test_a_claimed_key_is_there_within_its_block_and_not_after_it(ringlet: Ringlet, folder: Path):
    ringlet.add("openai", "work", KEYS["a1"])

    with ringlet.claim("openai", feature="image", purpose="pictures") as lease:
        assert lease.secret.reveal() == KEYS["a1"]
        assert str(lease.address) == "openai/work"

    for use in (lambda: lease.secret, lambda: lease.base_url, lease.ok, lease.release, lease.__enter__):
        with pytest.raises(errors.UsageError, match="the lease of openai/work has ended"):
            use()
    assert audit(folder)[-1] == ("claim", "openai/work", "ok")
    assert not [name for name, value in vars(lease).items() if "ecret" in name or KEYS["a1"] in repr(value)]


def test_an_exception_in_the_block_gives_nothing_back_by_itself(ringlet: Ringlet):
    ringlet.add("openai", "work", KEYS["a1"], max_uses="1/1h")

    with pytest.raises(ZeroDivisionError), ringlet.claim("openai"):
        _ = 1 / 0

    with pytest.raises(errors.PoolExhausted):
        ringlet.claim("openai")


def test_release_gives_the_use_back_once_and_ends_the_lease(ringlet: Ringlet):
    ringlet.add("openai", "work", KEYS["a1"], max_uses="1/1h")
    with ringlet.claim("openai") as lease:
        lease.release()
        lease.release()
        with pytest.raises(errors.UsageError):
            _ = lease.secret

    ringlet.claim("openai")
    with pytest.raises(errors.PoolExhausted):
        ringlet.claim("openai")


def test_the_lease_knows_what_programs_ask_in_their_own_types(ringlet: Ringlet):
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    ringlet.add(
        "openai", "work", KEYS["a1"], base_url="https://git.example", max_uses="5/1h", expires=expires.isoformat()
    )

    lease = ringlet.claim("openai")

    assert (lease.base_url, lease.expires_at, lease.remaining) == ("https://git.example", expires, 4)
    assert (lease.ready_at, lease.backend, lease.reason) == (None, "file", "everyone, openai: round-robin")


def test_a_key_without_limits_and_dates_says_so(ringlet: Ringlet):
    ringlet.add("openai", "work", KEYS["a1"])
    lease = ringlet.claim("openai")

    assert (lease.remaining, lease.expires_at, lease.base_url) == (None, None, "")


def test_one_key_may_be_asked_for(ringlet: Ringlet):
    for alias, key in KEYS.items():
        ringlet.add("openai", alias, key)

    assert {str(ringlet.claim("openai", alias="b2").address) for _ in range(3)} == {"openai/b2"}
    with pytest.raises(errors.KeyNotFound, match="openai/b3"):
        ringlet.claim("openai", alias="b3")


def test_soonest_ready_says_when(ringlet: Ringlet):
    ringlet.add("openai", "work", KEYS["a1"])
    with ringlet.claim("openai") as lease:
        lease.rate_limited(retry_after=50)

    late = ringlet.claim("openai", soonest_ready=True)

    assert late.ready_at is not None
    assert timedelta(seconds=40) < late.ready_at - datetime.now(UTC) <= timedelta(seconds=50)


def test_bound_secrets_travel_with_the_key(ringlet: Ringlet, folder: Path):
    ringlet.add("openai", "work", KEYS["a1"], bound={"webhook": KEYS["b2"]})

    with ringlet.claim("openai") as lease:
        assert lease.bound_secret("webhook").reveal() == KEYS["b2"]
        with pytest.raises(errors.KeyNotFound):
            lease.bound_secret("webhok")
    assert ("claim", "openai/work#webhook", "ok") in audit(folder)


def test_the_environments_key_has_no_bound_secrets_though_a_stored_key_is_called_that(folder: Path):
    with Ringlet({"OPENAI_API_KEY": KEYS["a1"]}, home=folder) as ringlet:
        ringlet.add("openai", "environment", KEYS["b2"], owner="user:7", bound={"webhook": KEYS["c3"]})
        with ringlet.claim("openai") as lease:
            assert (lease.backend, lease.secret.reveal()) == ("environment", KEYS["a1"])
            with pytest.raises(errors.KeyNotFound, match="the environment's key of openai has no bound secrets"):
                lease.bound_secret("webhook")
            lease.invalid()
        with ringlet.claim("openai", user="7") as lease:
            assert lease.bound_secret("webhook").reveal() == KEYS["c3"]


def test_a_key_that_is_asked_for_on_behalf_of_another_is_refused(ringlet: Ringlet):
    ringlet.add("openai", "alice", KEYS["a1"], owner="user:alice")

    with pytest.raises(errors.UsageError, match="the key openai/alice is user:alice's, not user:bob's"):
        ringlet.claim("openai", alias="alice", user="bob")
    with pytest.raises(errors.UsageError, match="is user:alice's"):
        ringlet.explain("openai", alias="alice", user="bob")
    assert ringlet.claim("openai", alias="alice", user="alice").address.alias == "alice"


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"featur": "image"}, "a claim has no 'featur'"),
        ({"alias": "work", "pool": "p"}, "either a key or a pool"),
        ({"wait": -1}, "a wait of -1"),
        ({"alias": "a b"}, "has a character that is not allowed"),
    ],
)
def test_what_cannot_be_asked_for_is_a_clear_error(ringlet: Ringlet, wishes: dict[str, Any], message: str):
    with pytest.raises(errors.UsageError, match=message):
        ringlet.claim("openai", **wishes)


def test_exhausted_says_when_and_why(ringlet: Ringlet):
    ringlet.add("openai", "work", KEYS["a1"], max_uses="1/1h")
    ringlet.claim("openai")

    with pytest.raises(errors.PoolExhausted) as caught:
        ringlet.claim("openai")
    assert 3590 < caught.value.retry_at - time.time() < 3601
    assert "openai/work: own" in caught.value.why


def test_a_claim_waits_for_a_key(ringlet: Ringlet):
    ringlet.add("openai", "work", KEYS["a1"], max_uses="1/0.3s")
    ringlet.claim("openai")
    start = time.monotonic()

    ringlet.claim("openai", wait=20)
    assert 0.25 < time.monotonic() - start < 10


# reporting


def test_a_report_is_heard_by_every_other_program(ringlet: Ringlet, folder: Path):
    for alias, key in KEYS.items():
        ringlet.add("openai", alias, key)
    with ringlet.claim("openai", alias="a1") as lease:
        lease.rate_limited(retry_after="30")
    with ringlet.claim("openai", alias="b2") as lease:
        lease.invalid()

    with Ringlet({}, home=folder) as other:
        assert {other.claim("openai").address.alias for _ in range(4)} == {"c3"}
    assert ("report", "openai/b2", "ok") in audit(folder)

    ringlet.wake("openai", "b2")
    assert {ringlet.claim("openai").address.alias for _ in range(4)} == {"b2", "c3"}


@pytest.mark.parametrize("verb", ["rate_limited", "quota_spent"])
def test_until_is_a_moment_with_its_zone(ringlet: Ringlet, verb: str):
    ringlet.add("openai", "work", KEYS["a1"])
    lease = ringlet.claim("openai")
    moment = datetime.now(UTC) + timedelta(minutes=5)

    with pytest.raises(errors.UsageError, match="needs its zone"):
        getattr(lease, verb)(until=moment.replace(tzinfo=None))
    getattr(lease, verb)(until=moment)

    with pytest.raises(errors.PoolExhausted) as caught:
        ringlet.claim("openai")
    assert caught.value.retry_at == pytest.approx(moment.timestamp(), abs=1)


def test_a_header_may_be_a_date(ringlet: Ringlet):
    ringlet.add("openai", "work", KEYS["a1"])
    lease = ringlet.claim("openai")
    lease.rate_limited((datetime.now(UTC) + timedelta(minutes=5)).strftime("%a, %d %b %Y %H:%M:%S GMT"))

    with pytest.raises(errors.PoolExhausted) as caught:
        ringlet.claim("openai")
    assert caught.value.retry_at == pytest.approx(time.time() + 300, abs=3)


@pytest.mark.parametrize("seconds", [float("nan"), -1, "-1", "nan", "soon", 1e12])
def test_a_cooldown_that_cannot_be_right_is_refused_and_changes_nothing(ringlet: Ringlet, seconds: float | str):
    ringlet.add("openai", "work", KEYS["a1"])
    lease = ringlet.claim("openai")

    with pytest.raises(errors.UsageError):
        lease.rate_limited(retry_after=seconds)
    ringlet.claim("openai")


# keeping


def test_keys_are_added_edited_listed_and_removed(ringlet: Ringlet):
    ringlet.add("openai", "work", KEYS["a1"], org="acme", expires="30d")
    ringlet.add("openai", "home", KEYS["b2"].encode())
    after = ringlet.edit("openai", "work", label="the one", active=False)

    assert (after.label, after.active, after.org) == ("the one", False, "acme")
    assert aliases(ringlet) == ["home", "work"]
    assert aliases(ringlet, {"org": "acme", "active": "no"}) == ["work"]
    ringlet.remove("openai", "work")
    assert aliases(ringlet) == ["home"]


def test_what_ringlet_shows_of_keys_holds_no_value(ringlet: Ringlet):
    ringlet.add("openai", "work", KEYS["a1"])
    shown = [ringlet.keys(), ringlet.explain("openai"), ringlet.claim("openai"), vars(ringlet.claim("openai"))]

    assert KEYS["a1"] not in repr(shown)


@pytest.mark.parametrize("field", ["colour", "fingerprint", "created_at", "expires_at"])
def test_a_field_that_there_is_not_is_refused(ringlet: Ringlet, field: str):
    with pytest.raises(errors.InvalidField, match=f"keys have no field '{field}'"):
        ringlet.add("openai", "work", KEYS["a1"], **{field: "x"})  # type: ignore[arg-type]
    assert ringlet.keys() == []


@pytest.mark.parametrize("said", [{"weight": -1}, {"weight": 0}, {"active": "perhaps"}, {"owner": None}, {"tier": 5}])
def test_a_field_that_cannot_be_is_refused_and_nothing_is_stored(ringlet: Ringlet, said: dict[str, Any]):
    with pytest.raises(errors.InvalidField, match=next(iter(said))):
        ringlet.add("openai", "work", KEYS["a1"], **said)
    assert not ringlet.keys()


def test_fields_may_be_of_the_types_that_programs_have(ringlet: Ringlet):
    ringlet.add("openai", "work", KEYS["a1"], weight=2, active="no")
    ((entry),) = ringlet.keys()
    assert (entry.weight, entry.active) == (2.0, False)

    assert ringlet.edit("openai", "work", active=True, weight="0.5").active is True
    assert ringlet.claim("openai").address.alias == "work"


def test_a_value_that_cannot_be_a_key_is_refused_and_not_repeated(ringlet: Ringlet):
    bad = KEYS["a1"] + " and more"

    with pytest.raises(errors.InvalidSecret) as caught:
        ringlet.add("openai", "work", bad)
    assert KEYS["a1"] not in repr(caught.value) + caught.value.why + caught.value.hint


def test_explaining_takes_nothing(ringlet: Ringlet):
    ringlet.add("openai", "work", KEYS["a1"], max_uses="1/1h")
    for _ in range(3):
        (found, _) = ringlet.explain("openai")
        assert found.address == "openai/work"

    assert ringlet.claim("openai").remaining == 0


# where it looks


def test_the_environment_is_the_process_s_own_unless_given(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("OPENAI_API_KEY", KEYS["c3"])

    with Ringlet() as ringlet:
        assert ringlet.claim("openai").secret.reveal() == KEYS["c3"]
    with Ringlet({}, home=folder) as ringlet, pytest.raises(errors.KeyNotFound):
        ringlet.claim("openai")


def test_two_homes_share_nothing(folder: Path, tmp_path_factory: pytest.TempPathFactory):
    other = tmp_path_factory.mktemp("other")
    (other / ".config/ringlet").mkdir(parents=True, mode=0o700)
    (other / ".config/ringlet/config.toml").write_text('[credentials]\nbackend = "file"\n')
    around = {"XDG_STATE_HOME": str(folder / "elsewhere")}
    with Ringlet(around, home=folder) as one, Ringlet(around, home=other) as two:
        for ringlet in (one, two):
            ringlet.add("openai", "work", KEYS["a1"], max_uses="1/1h")
        one.claim("openai").rate_limited(retry_after=60)

        assert two.claim("openai").remaining == 0
    assert not (folder / "elsewhere").exists()


def test_a_wrong_configuration_is_an_error_at_the_start(folder: Path):
    (folder / ".config/ringlet/config.toml").write_text('[credentials]\nbackend = "fiel"\n')

    with pytest.raises(errors.ConfigError):
        Ringlet({}, home=folder)


def test_what_ringlet_has_to_say_is_logged_and_not_printed(
    folder: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    (folder / ".config/ringlet/config.toml").write_text("")
    environ = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/no-bus"}
    with caplog.at_level(logging.WARNING), Ringlet(environ, home=folder) as ringlet:
        ringlet.add("openai", "work", KEYS["a1"])
        ringlet.claim("openai")

    assert [record.name for record in caplog.records] == ["ringlet_py"]
    assert capfd.readouterr() == ("", "")


def test_the_audit_can_be_switched_off_by_who_may(folder: Path):
    with Ringlet({}, home=folder, audit=False) as ringlet:
        ringlet.add("openai", "work", KEYS["a1"])
        ringlet.claim("openai")

    assert audit(folder) == []


def test_the_clock_can_be_another(folder: Path):
    clock = FakeClock()
    with Ringlet({}, home=folder, clock=clock) as ringlet:
        ringlet.add("openai", "work", KEYS["a1"], expires="30d")
        ringlet.claim("openai")
        clock.advance(31 * 86_400)

        with pytest.raises(errors.PoolEmpty):
            ringlet.claim("openai")


def test_it_works_again_after_it_was_closed(ringlet: Ringlet):
    ringlet.add("openai", "work", KEYS["a1"])
    ringlet.claim("openai")
    ringlet.close()
    ringlet.close()

    ringlet.claim("openai")


# threads and processes


def test_many_threads_share_one_and_no_use_too_many_is_lent(ringlet: Ringlet):
    for alias, key in KEYS.items():
        ringlet.add("openai", alias, key, max_uses="10/1h")
    leases: list[ClaimedLease] = []
    refused: list[Exception] = []
    begin = threading.Barrier(8)

    def work() -> None:
        begin.wait()
        for _ in range(5):
            try:
                leases.append(ringlet.claim("openai"))
            except errors.PoolExhausted as problem:
                refused.append(problem)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(leases), len(refused)) == (30, 10)
    assert all(lease.secret.reveal() == KEYS[lease.address.alias] for lease in leases)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_claims_on_its_own_and_leaves_the_parents_alone(ringlet: Ringlet, folder: Path):
    ringlet.add("openai", "work", KEYS["a1"], max_uses="20/1h")
    ringlet.claim("openai")
    children = []
    for _ in range(3):
        pid = os.fork()
        if not pid:
            status = 1
            try:
                status = int({ringlet.claim("openai").secret.reveal() for _ in range(5)} != {KEYS["a1"]})
            finally:
                os._exit(status)
        children.append(pid)
        ringlet.claim("openai")

    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
    assert ringlet.claim("openai").remaining == 20 - 3 * 5 - 3 - 2
    assert len([action for action, _, _ in audit(folder) if action == "claim"]) == 20


# asyncio


async def claimed(folder: Path, count: int, **wishes: Any) -> list[AsyncLease]:
    async with AsyncRinglet({}, home=folder) as ringlet:
        return await asyncio.gather(*(_one(ringlet, **wishes) for _ in range(count)))


async def _one(ringlet: AsyncRinglet, **wishes: Any) -> AsyncLease:
    return await ringlet.claim("openai", **wishes)


def test_a_lease_in_an_event_loop_has_the_same_verbs(ringlet: Ringlet, folder: Path):
    ringlet.add("openai", "work", KEYS["a1"], max_uses="9/1h", bound={"webhook": KEYS["b2"]})

    async def program() -> None:
        async with AsyncRinglet({}, home=folder) as another:
            async with another.claim("openai", feature="image") as lease:
                assert lease.secret.reveal() == KEYS["a1"]
                assert (await lease.bound_secret("webhook")).reveal() == KEYS["b2"]
                assert (str(lease.address), lease.remaining, lease.backend) == ("openai/work", 8, "file")
                assert (lease.base_url, lease.expires_at, lease.ready_at) == ("", None, None)
                assert lease.reason
                await lease.ok()
            with pytest.raises(errors.UsageError, match="has ended"):
                _ = lease.secret
            async with await another.claim("openai") as lease:
                await lease.release()
            lease = await another.claim("openai")
            await lease.rate_limited(retry_after=5)
            await lease.quota_spent(datetime.now(UTC) + timedelta(minutes=1))
            await lease.invalid()
            with pytest.raises(errors.PoolEmpty):
                await another.claim("openai", wait=60)
            await another.wake("openai", "work")
            assert [str(entry.address) for entry in await another.keys()] == ["openai/work"]
            assert (await another.explain("openai"))[0].address == "openai/work"

    asyncio.run(program())


@pytest.mark.slow
def test_waiting_claims_block_neither_the_loop_nor_its_threads(ringlet: Ringlet, folder: Path):
    ringlet.add("openai", "work", KEYS["a1"], max_uses="40/1.5s")
    for _ in range(40):
        ringlet.claim("openai")

    async def program() -> tuple[int, int]:
        waiting = asyncio.ensure_future(claimed(folder, 40, wait=30))
        ticks = 0
        while not waiting.done():
            await asyncio.to_thread(time.sleep, 0.001)
            ticks += 1
        return len(await waiting), ticks

    count, ticks = asyncio.run(program())
    assert count == 40
    assert ticks > 40  # each would take as long as a pause if pauses occupied the loop or its threads


@pytest.mark.slow
def test_a_claim_that_is_cancelled_while_it_waits_takes_nothing(ringlet: Ringlet, folder: Path):
    ringlet.add("openai", "work", KEYS["a1"], max_uses="1/0.5s")
    ringlet.claim("openai")

    async def program() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await claimed(folder, 1, wait=30)

    asyncio.run(program())
    time.sleep(0.55)
    assert ringlet.claim("openai").remaining == 0


@pytest.mark.parametrize("when", ["while", "after"])
def test_a_claim_that_is_cancelled_as_it_takes_a_key_gives_it_back(
    ringlet: Ringlet, folder: Path, when: str, monkeypatch: pytest.MonkeyPatch
):
    ringlet.add("openai", "work", KEYS["a1"], max_uses="1/1h")

    async def program() -> None:
        async with AsyncRinglet({}, home=folder) as another:
            broker = another._ringlet._broker
            reached, go_on = threading.Event(), threading.Event()
            claim = type(broker)._lease

            def slowly(*arguments: Any) -> Any:
                lease = claim(broker, *arguments)
                reached.set()
                go_on.wait(10)
                return lease

            monkeypatch.setattr(type(broker), "_lease", lambda _self, *arguments: slowly(*arguments))
            task = asyncio.ensure_future(_one(another))
            await asyncio.to_thread(reached.wait, 10)
            if when == "after":
                go_on.set()
                time.sleep(0.3)  # noqa: ASYNC251 - the thread ends while the loop does not look
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            go_on.set()

    asyncio.run(program())
    monkeypatch.undo()
    assert ringlet.claim("openai").remaining == 0


def test_errors_come_through(ringlet: Ringlet, folder: Path):
    ringlet.add("openai", "work", KEYS["a1"], max_uses="1/1h")
    ringlet.claim("openai")

    with pytest.raises(errors.PoolExhausted):
        asyncio.run(claimed(folder, 1))
    with pytest.raises(errors.PoolNotFound):
        asyncio.run(claimed(folder, 1, pool="p", wait=60))
