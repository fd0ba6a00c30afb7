"""`ringlet keychain check`: whether keys work, as their providers say; nobody is asked but when it is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from ringlet_py.cli import keychain_fields as options
from ringlet_py.cli import output
from ringlet_py.cli.progress import progress
from ringlet_py.cli.session import Session, session_of
from ringlet_py.entry import DEFAULT_ALIAS
from ringlet_py.errors import CatalogNotFound, CheckImpossible, KeychainBroken, KeyNotFound, UsageError
from ringlet_py.profile.check import REJECTED
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from ringlet_py.checking import Checking
    from ringlet_py.checking.verdicts import Verdict
    from ringlet_py.entry import Entry

    Checked = tuple[Entry, str, Verdict]

NOT_ALL_WORK = 1
NOT_TOLD = 8  # as a keychain that does not answer
PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


def check_keys(
    context: typer.Context,
    provider: Annotated[str, typer.Argument(help="Who sells the API; none with --all checks every key.")] = "",
    alias: options.Alias = DEFAULT_ALIAS,
    everything: Annotated[bool, typer.Option("--all", help="All keys, or all of the provider's.")] = False,
    endpoint: Annotated[
        str, typer.Option("--endpoint", help="Which of the provider's endpoints; else its first.")
    ] = "",
    report: Annotated[
        bool, typer.Option("--report", help="Have no pool lend a key that is rejected, after asking you.")
    ] = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Ask the provider, with a request that costs nothing, whether a key works; the key goes to nobody else."""
    from ringlet_py.checking import Checking

    session = session_of(context)
    app = session.app
    entries = _entries(session, provider, alias, everything=everything)
    checking = Checking(app.broker, app.audit, app.catalog)
    with progress("asking", total=len(entries), long_steps=True) as advance:
        found = []
        for entry in entries:
            found.append(_checked(checking, entry, endpoint, everything=everything))
            advance(1)
    _show(found, json=json)
    _name_proxy(session, found)
    rejected = [entry for entry, _, verdict in found if verdict.outcome == REJECTED]
    for entry in rejected if not endpoint else ():
        _name_endpoints(session, entry)
    if report:
        _report(session, rejected, yes=yes)
    raise typer.Exit(_status(found))


def _entries(session: Session, provider: str, alias: str, *, everything: bool) -> list[Entry]:
    keychain = session.app.keychain
    if not provider and not everything:
        raise UsageError("no key is named", hint="ringlet keychain check PROVIDER ALIAS, or --all")
    if not everything:
        return [keychain.entry(options.address_of(session.app, provider, alias))]
    there = keychain.entries()
    found = [entry for entry in there if provider in ("", entry.address.provider)]
    if provider and not found:
        why = did_you_mean(provider, {entry.address.provider for entry in there})
        raise KeyNotFound(f"there are no keys of {provider!a} to check", why=why, hint="ringlet keychain list")
    if not found:
        output.say("there are no keys to check")
    return found


def _checked(checking: Checking, entry: Entry, endpoint: str, *, everything: bool) -> Checked:
    """Among all keys, one that cannot be checked is no reason to check no other."""
    from ringlet_py.checking.verdicts import IMPOSSIBLE, UNREADABLE, Verdict

    try:
        return entry, checking.place(entry, endpoint), checking.check(entry, endpoint)
    except (CheckImpossible, CatalogNotFound) as problem:
        if not everything:
            raise
        return entry, "", Verdict(outcome=IMPOSSIBLE, why=f"{problem.what}: {problem.why}".rstrip(": "))
    except (KeyNotFound, KeychainBroken) as problem:
        if not everything:
            raise
        return entry, "", Verdict(outcome=UNREADABLE, why=f"{problem.what}; {problem.hint}")


def _show(found: list[Checked], *, json: bool) -> None:
    if json:
        output.document(checked=[_document(*each) for each in found])
        return
    rows = [(str(entry.address), *_told(verdict, urlsplit(place).netloc)) for entry, place, verdict in found]
    output.table(("ADDRESS", "OUTCOME", "WHY"), [tuple(map(output.printable, row)) for row in rows])


def _told(verdict: Verdict, host: str) -> tuple[str, str]:
    """The outcome and why; who did not answer is named."""
    return verdict.outcome, f"{host}: {verdict.why}" if host and not verdict.status else verdict.why or "-"


def _document(entry: Entry, place: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "address": str(entry.address),
        "outcome": verdict.outcome,
        "works": verdict.works,
        "why": verdict.why or None,
        "status": verdict.status or None,
        "asked": place or None,
    }


def _name_proxy(session: Session, found: list[Checked]) -> None:
    from ringlet_py.checking.verdicts import UNREACHABLE

    proxy = next((name for name in PROXIES if session.environ.get(name)), "")
    if proxy and any(verdict.outcome == UNREACHABLE for *_, verdict in found):
        output.say(f"note: {proxy} is set, and a key goes through no proxy")


def _name_endpoints(session: Session, entry: Entry) -> None:
    """A key of one region is rejected in another."""
    asked, *others = session.app.catalog.provider(entry.address.provider).endpoints
    if others and not entry.base_url:
        output.say(f"note: {entry.address} was rejected at {asked}; another: --endpoint {' or '.join(others)}")


def _report(session: Session, rejected: list[Entry], *, yes: bool) -> None:
    from ringlet_py.lease import Lease
    from ringlet_py.lending.reports import INVALID, Outcome
    from ringlet_py.secret import Secret

    for entry in rejected:
        words = f"{entry.address.provider} {entry.address.alias}"
        otherwise = f"ringlet pools report {words} {INVALID}"
        session.confirm(f"report {entry.address} as invalid, so that it is lent no more?", otherwise=otherwise, yes=yes)
        session.app.broker.report(Lease(entry.address, backend=entry.backend, secret=Secret("")), Outcome(kind=INVALID))
        output.say(f"reported {entry.address}; to take that back: ringlet pools wake {words}")


def _status(found: list[Checked]) -> int:
    """0 if all work, as far as they can be checked; 1 if one does not; 8 if one could not be told."""
    from ringlet_py.checking.verdicts import IMPOSSIBLE

    works = [verdict.works for _, _, verdict in found if verdict.outcome != IMPOSSIBLE]
    if False in works:
        return NOT_ALL_WORK
    return NOT_TOLD if None in works else 0
