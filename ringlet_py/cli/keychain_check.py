"""`ringlet keychain check`: whether keys work, as their providers say; nobody is asked but when it is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py.cli import keychain_fields as options
from ringlet_py.cli import output
from ringlet_py.cli.nearly import say_slips
from ringlet_py.cli.progress import progress
from ringlet_py.cli.session import Session, session_of
from ringlet_py.entry import DEFAULT_ALIAS
from ringlet_py.errors import CatalogNotFound, CheckImpossible, UsageError
from ringlet_py.profile.check import REJECTED

if TYPE_CHECKING:
    from ringlet_py.checking import Checking
    from ringlet_py.checking.verdicts import Verdict
    from ringlet_py.entry import Entry

    Checked = tuple[Entry, str, Verdict | None]

NOT_ALL_WORK = 1
NOT_TOLD = 8  # as a keychain that does not answer
IMPOSSIBLE = "not-checkable"


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
    with progress("asking", total=len(entries)) as advance:
        found = [_checked(checking, entry, endpoint, everything=everything, advance=advance) for entry in entries]
    _show(found, json=json)
    rejected = [entry for entry, _, verdict in found if verdict and verdict.outcome == REJECTED]
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
    if not found:
        output.say(output.printable(f"there are no keys{f' of {provider!a}' if provider else ''} to check"))
        say_slips({"provider": provider}, {"provider": {entry.address.provider for entry in there}})
    return found


def _checked(checking: Checking, entry: Entry, endpoint: str, *, everything: bool, advance: Any) -> Checked:
    """Among all keys, one that cannot be checked is no reason to check no other."""
    try:
        return entry, checking.place(entry, endpoint), checking.check(entry, endpoint)
    except (CheckImpossible, CatalogNotFound):
        if not everything:
            raise
        return entry, "", None
    finally:
        advance(1)


def _show(found: list[Checked], *, json: bool) -> None:
    if json:
        output.document(checked=[_document(*each) for each in found])
        return
    rows = [(str(entry.address), *_told(verdict)) for entry, _, verdict in found]
    output.table(("ADDRESS", "OUTCOME", "WHY"), [tuple(map(output.printable, row)) for row in rows])


def _told(verdict: Verdict | None) -> tuple[str, str]:
    if verdict is None:
        return IMPOSSIBLE, "nothing is known to ask its provider"
    return verdict.outcome, verdict.why or "-"


def _document(entry: Entry, place: str, verdict: Verdict | None) -> dict[str, Any]:
    outcome, why = _told(verdict)
    return {
        "address": str(entry.address),
        "outcome": outcome,
        "works": verdict.works if verdict else None,
        "why": None if why == "-" else why,
        "status": verdict.status or None if verdict else None,
        "asked": place or None,
    }


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
    works = [verdict.works for _, _, verdict in found if verdict]
    if False in works:
        return NOT_ALL_WORK
    return NOT_TOLD if None in works else 0
