"""How a provider is asked whether a key works, and what its answers mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ringlet_py.profile.values import SHAPES, check_base_url, check_plain, host_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringlet_py.document import Table

VALID = "valid"
LIMITED = "limited"
RATE_LIMITED = "rate-limited"
REJECTED = "rejected"
OUT_OF_CREDIT = "out-of-credit"
UNCLEAR = "unclear"
MEANINGS = (VALID, LIMITED, RATE_LIMITED, REJECTED, OUT_OF_CREDIT, UNCLEAR)


@dataclass(frozen=True, kw_only=True)
class Telling:
    """A field of the answer (names with dots between them, through lists too) that tells more than the status.

    It does where it says `text`, or a number of at most `most` (None: any text counts alone).
    """

    field: str
    text: str
    most: int | None
    outcome: str


@dataclass(frozen=True, kw_only=True)
class Check:
    """A request that costs nothing: `path` below the base URL of `shape`, or the whole `url`.

    A good answer has the field `expects`.  `credit` is whether it tells that the credit is spent; `statuses` are those
    that mean something else than they usually do.
    """

    shape: str
    path: str
    url: str
    expects: str
    credit: bool
    source: str
    statuses: dict[int, str]
    tellings: tuple[Telling, ...]


def read_check(table: Table, endpoints: Iterable[dict[str, str]]) -> Check | None:
    """The provider's check, None if the document has none; raises the document's error for anything wrong in it."""
    if not table.values:
        return None
    check = Check(
        shape=table.choice("shape", SHAPES, ""),
        path=table.text("path", ""),
        url=table.text("url", ""),
        expects=table.text("expects"),
        credit=table.flag("credit"),
        source=table.text("source", ""),
        statuses=_statuses(table),
        tellings=tuple(_telling(each) for each in table.tables("tells")),
    )
    table.done()
    _check_place(table, check, [url for endpoint in endpoints for url in endpoint.values() if url])
    return check


def _check_place(table: Table, check: Check, known: list[str]) -> None:
    """A key goes where the provider's endpoints are, and nowhere else."""
    if bool(check.path) == bool(check.url):
        raise table.wrong("a check has either a 'path' or a 'url'", "path")
    if check.path:
        check_plain("path", check.path, partial(table.wrong, key="path"))
        if not check.path.startswith("/"):
            raise table.wrong("the path of a check begins with '/'", "path")
        return
    wrong = partial(table.wrong, key="url")
    check_base_url(check.url.partition("?")[0], wrong)
    if host_of(check.url) not in {host_of(url) for url in known}:
        raise table.wrong("the url of a check is on the host of an endpoint", "url")


def _statuses(table: Table) -> dict[int, str]:
    given = table.mapping("statuses")
    for status, outcome in given.items():
        if not (status.isdecimal() and len(status) == 3) or outcome not in MEANINGS:
            raise table.wrong(f"{status} = {outcome!r} is no status with an outcome", status, why=_there_are())
    return {int(status): outcome for status, outcome in given.items()}


def _telling(table: Table) -> Telling:
    most = table.number("at-most", -1, least=0)
    telling = Telling(
        field=table.text("field"),
        text=table.text("is", ""),
        most=None if most < 0 else most,
        outcome=table.text("outcome"),
    )
    table.done()
    if bool(telling.text) == (telling.most is not None):
        raise table.wrong("what tells has either 'is' or 'at-most'", "field")
    if telling.outcome not in MEANINGS:
        raise table.wrong(f"outcome = {telling.outcome!r} is not known", "outcome", why=_there_are())
    return telling


def _there_are() -> str:
    return f"there are: {', '.join(MEANINGS)}"
