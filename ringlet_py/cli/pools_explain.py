"""`ringlet pools explain`: where a claim would look, in which order, and what it would find; nothing is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py.cli import output
from ringlet_py.cli import pools_options as options
from ringlet_py.cli import pools_shown as shown
from ringlet_py.cli.session import app_of
from ringlet_py.errors import PoolNotFound
from ringlet_py.lease import Request
from ringlet_py.lending import explaining
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.lending.explaining import Explained


def explain(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A pool or a provider.", metavar="[NAME|PROVIDER]")] = "",
    provider: Annotated[str, typer.Option("--provider", help="The provider, if NAME is a pool's too.")] = "",
    feature: options.Feature = "",
    user: Annotated[str, typer.Option("--user", help="On behalf of this user.")] = "",
    channel: Annotated[str, typer.Option("--channel", help="In this channel.")] = "",
    caller: Annotated[str, typer.Option("--caller", help="Whom quotas count; else the user.")] = "",
    session: Annotated[str, typer.Option("--session", help="For the policy sticky.")] = "",
    json: options.Json = False,
) -> None:
    """Show where a claim would look, in which order, and what it would get: pools explain openai --user 42."""
    app = app_of(context)
    names: dict[str, Any] = _meant(app, name, provider)
    request = Request(feature=feature, user=user, channel=channel, caller=caller, session=session, **names)
    steps = explaining.explain(app.lending, request)
    now = app.clock()
    if json:
        output.document(steps=[_document(found) for found in steps], answer=_answer(steps))
        return
    for number, found in enumerate(steps, 1):
        _show(number, found, now=now)
    output.line(f"a claim {_verdict(steps, now=now)}")


def _meant(app: App, name: str, provider: str) -> dict[str, str]:
    """The pool or the provider that the word is; a provider's own pool is among its steps."""
    if not name:
        return {"provider": provider and options.check_provider(app, provider, app.kept.entries.entries())}
    pools = app.lending.pools.all()
    providers = {*app.catalog.providers, *(entry.address.provider for entry in app.kept.entries.entries())}
    if name in pools and (provider or name not in providers):
        return {"pool": name, "provider": provider}
    if name in providers and provider in ("", name):
        return {"provider": name}
    options.check_words(app, name)
    raise PoolNotFound(
        f"there is no pool{'' if provider else ' and no provider'} {name!a}",
        why=did_you_mean(name, pools if provider else {*pools, *providers}),
    )


def _show(number: int, found: Explained, *, now: float) -> None:
    policy = f", {found.step.pool.policy}" if found.keys else ""
    where = f"{number}. {found.step.kind}: {shown.place(found)}{policy}"
    not_asked = "" if found.asked else " (not asked)"
    output.line(output.printable(f"{where}: {shown.answer(found, now=now)}{not_asked}"))
    output.lines(f"   {row}" for row in shown.aligned([shown.cells(key, now=now) for key in found.keys]))


def _verdict(steps: list[Explained], *, now: float) -> str:
    for found in steps:
        if found.asked and found.answer == explaining.LENT:
            return f"now gets {found.address}"
        if found.asked and not found.goes_on:
            return f"now fails: {shown.answer(found, now=now)}"
    return "fails: there is no key that could be used"


def _answer(steps: list[Explained]) -> dict[str, Any]:
    last = next((found for found in steps if found.asked and not found.goes_on), None)
    if last is None:
        return {"answer": explaining.NONE, "address": None, "ready_at": None}
    return {"answer": last.answer, "address": last.address or None, "ready_at": shown.moment(last.ready_at)}


def _document(found: Explained) -> dict[str, Any]:
    return {
        "step": found.step.kind,
        "pool": shown.pool_name(found),
        "provider": found.step.pool.provider,
        "policy": found.step.pool.policy if found.keys else None,
        "asked": found.asked,
        "answer": found.answer,
        "address": found.address or None,
        "ready_at": shown.moment(found.ready_at),
        "variable": found.variable or None,
        "keys": [shown.key_document(key) for key in found.keys],
    }
