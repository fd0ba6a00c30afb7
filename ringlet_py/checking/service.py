"""Checks a key: claims it, sends it to its provider alone, and records what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.checking.asking import ask
from ringlet_py.checking.places import host_and_path, place_of
from ringlet_py.checking.verdicts import judged
from ringlet_py.lease import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.audit import Recorder
    from ringlet_py.broker import Broker
    from ringlet_py.catalog import Catalog
    from ringlet_py.checking.asking import Answer
    from ringlet_py.checking.verdicts import Verdict
    from ringlet_py.entry import Entry
    from ringlet_py.secret import Secret

PURPOSE = "check"


class Checking:
    """Checks keys; `asks` sends the request (see `asking.ask`)."""

    def __init__(
        self, broker: Broker, audit: Recorder, catalog: Catalog, *, asks: Callable[[str, str, Secret], Answer] = ask
    ) -> None:
        self._broker = broker
        self._audit = audit
        self._catalog = catalog
        self._ask = asks

    def place(self, entry: Entry, endpoint: str = "") -> str:
        """The URL that the key would be sent to; raises CheckImpossible, and CatalogNotFound."""
        return place_of(self._catalog.provider(entry.address.provider), entry, endpoint)[1]

    def check(self, entry: Entry, endpoint: str = "") -> Verdict:
        """Asks the provider now, at its first endpoint or the one that is named.

        Raises CheckImpossible where nothing is known to ask, and what a claim raises.
        """
        check, url = place_of(self._catalog.provider(entry.address.provider), entry, endpoint)
        lease = self._broker.claim(Request(entry.address, purpose=PURPOSE))
        verdict = judged(check, self._ask(url, check.shape, lease.secret))
        self._audit.append(
            "check",
            "ok" if verdict.works else verdict.outcome,
            address=str(entry.address),
            backend=lease.backend,
            purpose=f"{verdict.outcome}: {host_and_path(url)}",
            secrets=(lease.secret,),
        )
        return verdict
