from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.daemon.metrics import BUCKETS, OTHER, OUTCOMES, Metrics
from ringlet_py.entry import Address
from ringlet_py.secret import Secret
from tests.daemon.keypooler_world import Asked, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon.running import RealDaemon

VALUE = "made-up-openai-value-0123456789"
ODD = 'images"} 1\nringlet_claims_total{pool="\\evil'
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? ([0-9.e+-]+|\+Inf)')
LABEL = re.compile(r'([a-z]+)="((?:[^"\\\n]|\\[\\"n])*)"')


def parsed(text: str) -> dict[tuple[str, ...], float]:
    """Name and values of labels to number; every line is one that the format knows, under its family's heading."""
    found: dict[tuple[str, ...], float] = {}
    family = ""
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("#"):
            heading = re.fullmatch(r"# (?:HELP ([a-z_]+) .+|TYPE ([a-z_]+) (?:counter|gauge|histogram))", line)
            assert heading, line
            family = heading[1] or heading[2]
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        assert sample[1].startswith(family)
        key = (sample[1], *(value for _, value in LABEL.findall(sample[2] or "")))
        assert key not in found
        found[key] = float(sample[3])
    return found


def claims(found: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """Pool and outcome of what was claimed, how often."""
    return {key[1:]: number for key, number in found.items() if key[0] == "ringlet_claims_total" and number}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One key of openai in a pool, for five uses an hour."""
    world = World(tmp_path)
    world.app.keychain.set(Address("openai", "a"), Secret(VALUE), force=True)
    world.app.lending.pools.create("images", {"provider": "openai", "limits": ["5/hour"]})
    yield world
    world.close()


def numbers(world: World) -> dict[tuple[str, ...], float]:
    return parsed(world.ask("GET", "/metrics").body.decode())


def key(world: World, *, token: str | None = None, **query: str) -> int:
    return world.key(token=token, **query).status


def test_only_the_admin_reads_them(world: World):
    _, secret = world.app.tokens.create("bot", scope="provider=*")

    assert [world.ask("GET", "/metrics", token=token).status for token in ("", secret.reveal())] == [401, 403]
    answer = world.ask("GET", "/metrics")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"


def test_each_claim_is_counted_once_by_pool_and_outcome(world: World):
    _, secret = world.app.tokens.create("bot", scope="provider=nothing")
    asked = [Asked("GET", "/key", token=world.admin, query="pool=images")] * 40
    statuses = Counter(answer.status for answer in world.ask_all(asked))
    key(world, pool="images", token=secret.reveal())
    key(world, pool="imagse")

    found = numbers(world)

    assert statuses == {200: 5, 429: 35}
    expected = {("images", "lent"): 5, ("images", "exhausted"): 35, ("images", "denied"): 1, (OTHER, "missing"): 1}
    assert claims(found) == expected
    assert found["ringlet_claim_seconds_count", "images"] == 41
    assert found["ringlet_claim_seconds_bucket", "images", "+Inf"] == 41
    assert found["ringlet_claim_seconds_sum", "images"] > 0


def test_leases_are_counted_as_well(world: World):
    assert world.ask("POST", "/leases", {"pool": "images"}).status == 201
    assert world.ask("POST", "/leases", {"provider": "openai", "alias": "a"}).status == 201

    assert claims(numbers(world)) == {("images", "lent"): 1, ("provider:openai", "lent"): 1}


def test_a_claim_that_waits_is_counted_when_it_ends(world: World):
    for _ in range(5):
        key(world, pool="images")

    assert world.ask("POST", "/leases", {"pool": "images", "wait": 0.01}).status == 429
    assert claims(numbers(world))["images", "exhausted"] == 1


def test_a_bound_secret_is_no_claim_of_its_own(world: World):
    world.add_tier(image=5)
    world.add_key(secrets={"s": "made-up"})

    assert key(world, feature="image") == 200
    assert claims(numbers(world)) == {("provider:custom", "lent"): 1}


def test_who_cannot_say_what_it_wants_has_claimed_nothing(world: World):
    assert key(world, nonsense="1") == 400

    assert claims(numbers(world)) == {}


@pytest.mark.parametrize("name", [ODD, "x" * 9000, "none-such", "other"])
def test_a_name_that_is_nobodys_is_in_no_label(world: World, name: str):
    for wish in ("pool", "provider", "feature"):
        key(world, **{wish: name})

    labels = {label for label, _ in claims(numbers(world))}

    assert labels <= {OTHER}


def test_an_odd_name_cannot_end_its_label():
    metrics = Metrics()
    metrics.learn([ODD])
    metrics.count(ODD, OUTCOMES[0], 1)

    (labels,) = claims(parsed(metrics.exposed()))

    assert labels == (ODD.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"), OUTCOMES[0])


def test_a_pool_that_never_lent_has_its_name_once_somebody_has_looked(world: World):
    _, secret = world.app.tokens.create("bot", scope="provider=nothing")
    numbers(world)

    key(world, pool="images", token=secret.reveal())

    assert claims(numbers(world)) == {("images", "denied"): 1}


def test_refused_tokens_are_counted(world: World):
    for _ in range(15):  # more than are recorded one by one
        key(world, pool="images", token="rla_" + "x" * 43)

    assert numbers(world)[("ringlet_tokens_refused_total",)] == 15


def test_no_secret_and_nobodys_name_is_inside(world: World):
    _, secret = world.app.tokens.create("bot", scope="provider=* user=* channel=*")
    key(world, provider="openai", user="u-4711", channel="c-4712", feature="some-feature", token=secret.reveal())
    world.ask(
        "POST", "/leases", {"pool": "images", "purpose": "a-purpose", "agent": "an-agent", "session": "a-session"}
    )

    text = world.ask("GET", "/metrics").body.decode()

    hidden = [VALUE, secret.reveal(), world.admin, "bot", "u-4711", "c-4712", "some-feature", "a-purpose", "an-agent"]
    assert not [each for each in hidden if each in text]
    assert '"provider:openai"' in text


def test_counts_outlive_reloading(world: World):
    key(world, pool="images")
    world.daemon.reload()
    key(world, pool="images")

    assert claims(numbers(world)) == {("images", "lent"): 2}


@pytest.mark.parametrize(("seconds", "bucket"), [(0, BUCKETS[0]), (BUCKETS[3], BUCKETS[3]), (61, "+Inf")])
def test_a_time_is_counted_in_its_bucket_and_all_above(seconds: float, bucket: Any):
    metrics = Metrics()
    metrics.count("images", OUTCOMES[0], seconds)

    found = parsed(metrics.exposed())
    bounds = [str(most) for most in (*BUCKETS, "+Inf")]

    cumulated = [found["ringlet_claim_seconds_bucket", OTHER, most] for most in bounds]
    assert cumulated == [0] * bounds.index(str(bucket)) + [1] * (len(bounds) - bounds.index(str(bucket)))


def test_what_is_now_is_asked_for_when_somebody_looks():
    now = [100.0, 3.0]
    metrics = Metrics(steady=lambda: now[0])
    metrics.watch(connections=lambda: int(now[1]))
    now[:] = [160.5, 4]

    found = parsed(metrics.exposed())

    assert (found[("ringlet_uptime_seconds",)], found[("ringlet_connections",)]) == (60.5, 4)


@pytest.mark.slow
def test_a_running_daemon_tells_its_connections_and_requests(shared_daemon: RealDaemon):
    idle = shared_daemon.connection()
    idle.request("GET", "/health")
    idle.getresponse().read()  # and keeps its connection
    found = parsed(shared_daemon.request("GET", "/metrics", token=shared_daemon.admin).raw.decode())
    idle.close()

    assert (found[("ringlet_requests",)], found[("ringlet_connections",)]) == (1, 2)
