"""`ringlet pools report` and `wake`: how a key fared at its provider, said by a person or a script."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ringlet_py.cli import output
from ringlet_py.cli import pools_options as options
from ringlet_py.cli import pools_shown as shown
from ringlet_py.cli.session import app_of
from ringlet_py.cli.waiting import seconds
from ringlet_py.entry import Address
from ringlet_py.errors import UsageError
from ringlet_py.lease import Lease
from ringlet_py.lending import explaining
from ringlet_py.lending.reports import INVALID, KINDS, OK, QUOTA_SPENT, RATE_LIMITED, Outcome
from ringlet_py.secret import Secret
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.entry import Entry
    from ringlet_py.ledger.tokens import StoredLease
    from ringlet_py.lending.explaining import KeyState

TimeText = Annotated[str, typer.Option("--until", metavar="TIME", help="Until then: 2027-06-15T12:00:00Z.")]


def report(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    provider: options.Provider,
    alias: options.Alias,
    outcome: Annotated[str, typer.Argument(help=f"How it fared: {', '.join(KINDS)}.")],
    retry_after: Annotated[
        float | None,
        typer.Option("--retry-after", metavar="TIME", parser=seconds, help="For so long it is not to be used: 30s."),
    ] = None,
    until: TimeText = "",
    feature: Annotated[str, typer.Option("--feature", help="For this feature alone; else for all.")] = "",
    whole_org: Annotated[
        bool | None,
        typer.Option("--whole-org/--this-key", help="Whether all keys of its org are meant; by default they are."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Say how a key fared, for all who claim it: pools report openai a rate-limited --retry-after 30."""
    app = app_of(context)
    entry = options.entry_of(app, provider, alias)
    if outcome not in KINDS:
        raise UsageError(
            f"{outcome!a} is nothing that can be reported",
            why=did_you_mean(outcome, KINDS),
            hint=_again(entry, RATE_LIMITED),
        )
    if outcome in (OK, INVALID) and (retry_after is not None or until or feature or whole_org is not None):
        raise UsageError(f"{outcome} is said of the key as a whole, without a time", hint=_again(entry, outcome))
    if feature and outcome != RATE_LIMITED:
        raise UsageError("a quota that is spent is spent for every feature", hint="leave --feature out")
    if whole_org and not entry.org:
        hint = f"ringlet keychain edit {provider} {alias} --org ORG"
        raise UsageError(f"{entry.address} has no org", hint=f"{hint}, or leave --whole-org out")
    said = Outcome(kind=outcome, retry_after=retry_after, until=_time(until, app), whole_org=whole_org)
    explaining.of_key(app.lending, entry, feature=feature)  # what cannot be shown then is said before
    app.broker.report(_as_lease(entry, feature), said)
    shared = outcome in (RATE_LIMITED, QUOTA_SPENT) and whole_org is not False
    _show(app, entry, feature, outcome=outcome, org=entry.org if shared else "", json=json)


def wake(
    context: typer.Context,
    provider: options.Provider,
    alias: options.Alias,
    feature: Annotated[str, typer.Option("--feature", help="Only what was reported for this feature.")] = "",
    json: options.Json = False,
) -> None:
    """End the cooldowns of a key and of its org, and take back that it is invalid: pools wake openai a."""
    app = app_of(context)
    entry = options.entry_of(app, provider, alias)
    explaining.of_key(app.lending, entry, feature=feature)  # so that the ledger knows of which org it is
    app.kept.claims.wake(str(entry.address), feature)
    app.audit.append("wake", "ok", address=str(entry.address))
    _show(app, entry, feature, outcome="wake", org=entry.org, json=json)


def _as_lease(entry: Entry, feature: str) -> Lease:
    """What a report is about; whoever reports by hand has no secret, and needs none."""
    return Lease(entry.address, backend=entry.backend, secret=Secret(""), feature=feature, org=entry.org)


def _show(app: App, entry: Entry, feature: str, *, outcome: str, org: str, json: bool) -> None:
    """How the key stands now, by the ledger: of two cooldowns the later counts."""
    found = explaining.of_key(app.lending, entry, feature=feature)
    if json:
        until = shown.moment(found.ready_at)
        output.document(address=found.address, org=org or None, reported=outcome, state=found.state, ready_at=until)
        return
    together = f" (with all keys of the org {org})" * bool(org)
    output.say(output.printable(_told(entry, found, feature, together)))


def _told(entry: Entry, found: KeyState, feature: str, together: str = "") -> str:
    return f"{found.address}{f' for {feature}' * bool(feature)}{together}: {_in_words(found, entry)}"


def told(app: App, lease: StoredLease) -> str:
    """How the key of a lease stands now, for the lease's feature, and what ends its rest; "" if nothing is known."""
    entry = app.kept.entries.entry(Address.parse(lease.address).key())
    if entry is None:
        return ""
    found = explaining.of_key(app.lending, entry, feature=lease.feature)
    undo = f"; to end it: ringlet pools wake {entry.address.provider} {entry.address.alias}"
    return _told(entry, found, lease.feature) + undo * (found.resting_until > 0 and not _is_for_good(found))


def _is_for_good(found: KeyState) -> bool:
    """Whether it is out until a person says otherwise, and not for a while, on the word of a caller."""
    return found.state == INVALID and math.isinf(found.ready_at)


def _in_words(found: KeyState, entry: Entry) -> str:
    state = explaining.STATES[found.state]
    if _is_for_good(found):
        return (
            f"invalid, until somebody says otherwise: ringlet pools wake {entry.address.provider} {entry.address.alias}"
        )
    until = shown.moment(found.ready_at)
    return f"{state} until {until}" if until else state


def _time(text: str, app: App) -> float | None:
    """The moment that was given, still to come; UsageError for all else."""
    if not text:
        return None
    hint = "for example 2027-06-15T12:00:00Z, or --retry-after 30s"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!a} is no time", hint=hint) from None
    if moment.tzinfo is None:
        raise UsageError(f"{text!a} is no time", why="a time needs its zone", hint=hint)
    if moment.timestamp() <= app.clock():
        raise UsageError("the time for --until is past", hint=hint)
    return moment.timestamp()


def _again(entry: Entry, outcome: str) -> str:
    return f"ringlet pools report {entry.address.provider} {entry.address.alias} {outcome}"
