"""`GET /metrics`: what happened since the start, in numbers, as Prometheus reads them; no key, token or person in it.

The names in labels are those of pools and providers that there are; whatever else was asked for counts as `other`.
All of it is counted in the event loop, so nothing is locked.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ringlet_py.daemon.access import admin_of
from ringlet_py.daemon.answers import text
from ringlet_py.daemon.contract import Contract, Told, Who
from ringlet_py.errors import AccessError, KeychainDenied, KeyUnusable, NotFound, PoolExhausted, RingletError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

    from ringlet_py.app import App
    from ringlet_py.daemon.calls import Call
    from ringlet_py.daemon.parts import Daemon
    from ringlet_py.lease import Lease, Request

    Sample = tuple[str, dict[str, str], float]  # what stands after the family's name, labels, value

OTHER = "other"
_KIND = "text/plain; version=0.0.4; charset=utf-8"
LENT, DENIED, EXHAUSTED, MISSING, FAILED = "lent", "denied", "exhausted", "missing", "failed"
OUTCOMES = (LENT, DENIED, EXHAUSTED, MISSING, FAILED)
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


@dataclass(slots=True)
class _Counts:
    """The claims of one pool or provider."""

    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0


class Metrics:
    """The numbers of one daemon; `steady` is in seconds and never goes back."""

    def __init__(self, *, steady: Callable[[], float] = time.monotonic) -> None:
        self.steady = steady
        self.refused = 0  # tokens
        self._since = steady()
        self._known: set[str] = set()
        self._claims: defaultdict[str, _Counts] = defaultdict(_Counts)
        self._now: dict[str, Callable[[], int]] = {}

    def claimed(self, call: Call, lease: Lease | None = None, problem: Exception | None = None) -> None:
        """Counts the claim, unless it is none: it was not understood, or goes along with another one."""
        request = call.request
        if request is None or (request.address is not None and request.address.field):
            return
        name = _name(request, lease)
        if lease is not None:
            self._known.add(name)  # there is such a one
        self.count(name, _outcome(problem), self.steady() - call.since)

    def watch(self, **now: Callable[[], int]) -> None:
        """Numbers that are asked for when somebody looks: `connections`, `requests`."""
        self._now |= now

    def learn(self, names: Iterable[str]) -> None:
        """Names of pools, and of providers as `provider:NAME`, that may stand in labels."""
        self._known.update(names)

    def count(self, name: str, outcome: str, seconds: float) -> None:
        """One claim more."""
        found = self._claims[name if name in self._known else OTHER]
        found.outcomes[outcome] += 1
        found.buckets[bisect_left(BUCKETS, seconds)] += 1
        found.seconds += seconds

    def exposed(self) -> str:
        """All numbers in the text format, https://prometheus.io/docs/instrumenting/exposition_formats/."""
        uptime = self.steady() - self._since
        now = [_family(f"ringlet_{name}", "gauge", f"{name} right now", ask()) for name, ask in self._now.items()]
        parts = [
            _family("ringlet_claims_total", "counter", "claims by how they ended", self._by_outcome()),
            _family("ringlet_claim_seconds", "histogram", "from a claim to its answer, with waiting", self._by_time()),
            _family("ringlet_tokens_refused_total", "counter", "requests without a token that is valid", self.refused),
            *now,
            _family("ringlet_uptime_seconds", "gauge", "since the daemon was started", uptime),
        ]
        return "".join(parts)

    def _by_outcome(self) -> Iterator[Sample]:
        for pool, counts in sorted(self._claims.items()):
            for outcome, number in counts.outcomes.items():
                yield "", {"pool": pool, "outcome": outcome}, number

    def _by_time(self) -> Iterator[Sample]:
        for pool, counts in sorted(self._claims.items()):
            total = 0
            for most, number in zip((*BUCKETS, "+Inf"), counts.buckets, strict=True):
                total += number
                yield "_bucket", {"pool": pool, "le": str(most)}, total
            yield "_sum", {"pool": pool}, counts.seconds
            yield "_count", {"pool": pool}, total


def routes() -> list[Told]:
    """What `/metrics` answers."""
    return [Told("GET", "/metrics", show, Contract(who=Who.ADMIN, answers={200: str}, kind="text/plain"))]


async def show(request: HttpRequest) -> Response:
    """Numbers for Prometheus, for the admin alone, since they tell which pools there are."""
    await admin_of(request)
    daemon: Daemon = request.app.state.daemon
    with suppress(RingletError):  # without the ledger there are still numbers
        daemon.metrics.learn(await daemon.look(names_of, daemon.app))
    return text(daemon.metrics.exposed(), kind=_KIND)


def names_of(app: App) -> set[str]:
    """The pools and providers that there are, as labels name them; it may ask the ledger."""
    known = app.lending.known()
    providers = {*app.catalog.providers, *(entry.address.provider for entry in known.entries.values())}
    return {*known.pools, *map(_provider, providers)}


def _name(request: Request, lease: Lease | None) -> str:
    if request.pool:
        return request.pool
    if request.provider:
        return _provider(request.provider)
    address = request.address or (lease.address if lease else None)
    return _provider(address.provider if address else "")


def _provider(name: str) -> str:
    return f"provider:{name}"  # no pool has a colon in its name


def _outcome(problem: Exception | None) -> str:
    if problem is None:
        return LENT
    if isinstance(problem, PoolExhausted):
        return EXHAUSTED
    if isinstance(problem, AccessError | KeyUnusable | KeychainDenied):
        return DENIED
    return MISSING if isinstance(problem, NotFound) else FAILED


def _family(name: str, kind: str, about: str, samples: Iterable[Sample] | float) -> str:
    """The lines of one metric; a number alone is its only sample."""
    found = [("", {}, samples)] if isinstance(samples, int | float) else samples
    lines = [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
    lines += [f"{name}{part}{_labels(labels)} {value}" for part, labels, value in found]
    return "\n".join([*lines, ""])


def _labels(labels: dict[str, str]) -> str:
    said = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items())
    return f"{{{said}}}" if said else ""
