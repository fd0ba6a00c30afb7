"""`ringlet keychain move`: keys from one backend to another, without one of them ever being out of sight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py.cli import keychain_fields as options
from ringlet_py.cli import output
from ringlet_py.cli.keychain_places import PLACES, backend_named, check_usable, in_use, use_backend
from ringlet_py.cli.nearly import say_slips_of_filters
from ringlet_py.cli.progress import progress
from ringlet_py.cli.session import Session, session_of
from ringlet_py.entry import Address
from ringlet_py.errors import ConsentNeeded, KeyNotFound, RingletError, UsageError
from ringlet_py.fields import chosen, parse_filter
from ringlet_py.files.checks import quoted
from ringlet_py.keychain.relocating import relocation
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringlet_py.app import App
    from ringlet_py.backends import Backend
    from ringlet_py.keychain.relocating import Move, Relocation


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the command line asks for."""

    to: str
    source: str
    select: list[str]
    everything: bool
    replace: bool
    switch: bool | None

    def command(self, source: str) -> str:
        """The command that asks for the same."""
        which = " --all" if self.everything else "".join(f" --select {quoted(each)}" for each in self.select)
        switch = {None: "", True: " --switch", False: " --no-switch"}[self.switch]
        return f"ringlet keychain move --from {source} --to {self.to}{which}{' --replace' * self.replace}{switch}"


def move_keys(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    to: Annotated[str, typer.Option("--to", metavar="BACKEND", help="Where they go: system, file or sealed.")],
    source: Annotated[
        str, typer.Option("--from", metavar="BACKEND", help="Where they are; else the backend in use.")
    ] = "",
    select: Annotated[
        list[str] | None,
        typer.Option("--select", metavar="ADDRESS|FIELD=VALUE", help="Only these keys (repeatable)."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace other values that are there.")] = False,
    switch: Annotated[
        bool | None, typer.Option("--switch/--no-switch", help="Use the new backend from then on, or do not.")
    ] = None,
    yes: options.Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would be done.")] = False,
    json: options.Json = False,
) -> None:
    """Move keys with all that belongs to them to another backend; begun again, it finishes what was interrupted."""
    wish = Wish(to=to, source=source, select=select or [], everything=everything, replace=replace, switch=switch)
    _check(wish)
    session = session_of(context)
    moving = _relocation(session.app, wish)
    there = moving.planned()
    wanted = _selected(session.app, there, wish)
    moves = moving.compared(wanted, again=wish.command(moving.source.name), replace=replace)
    staying = [each for each in there if each.address not in _names(wanted)]
    switches = bool(moves) and _switches(session.app, moving, staying, wish)
    if moves:
        check_usable(session.app, moving.backend)
    if moves and not dry_run:
        _ask(session, moving, moves, wish, switches=switches, yes=yes)
        moves = _run(session.app, moving, moves, wish, switches=switches)
    left = staying if dry_run or not wanted else moving.planned()
    _say_gone(moving, wanted, [*moves, *left])
    _show(session.app, moving, moves, left, dry_run=dry_run, json=json, switches=switches)
    if len(moves) < len(wanted):
        raise typer.Exit(1)


def _check(wish: Wish) -> None:
    for name in filter(None, (wish.to, wish.source)):
        if name not in PLACES:
            hint = f"one of {', '.join(PLACES)}"
            raise UsageError(f"there is no backend {name!a}", why=did_you_mean(name, PLACES), hint=hint)
    if wish.to == wish.source:
        raise UsageError(f"they are in {wish.to} already", hint="choose another backend with --to")
    if wish.everything == bool(wish.select):
        hint = "--all, --select PROVIDER/ALIAS or --select FIELD=VALUE"
        raise UsageError("it has to be said which keys are meant", hint=hint)


def _names(moves: list[Move]) -> set[Address]:
    return {move.address for move in moves}


def _relocation(app: App, wish: Wish) -> Relocation:
    target = backend_named(app, wish.to)
    source = backend_named(app, wish.source) if wish.source else _source(app, target)
    return relocation(app.keychain, source, target)


def _source(app: App, target: Backend) -> Backend:
    """The backend in use, or the one other that holds keys if the target is in use."""
    used = in_use(app)
    if used != target.name:
        return backend_named(app, used)
    others = [backend_named(app, name) for name in PLACES if name != target.name]
    holding = [other for other in others if _holds_keys(app, other, target)]
    if len(holding) > 1:
        hint = f"say which: --from {' or --from '.join(each.name for each in holding)}"
        raise UsageError(f"ringlet uses {target.name}, and keys are in two others", hint=hint)
    return holding[0] if holding else others[-1]


def _holds_keys(app: App, other: Backend, target: Backend) -> bool:
    try:
        return bool(relocation(app.keychain, other, target).planned())
    except RingletError as problem:
        if problem.code == "keychain-absent" and any(one.backend == other.name for one in app.kept.entries.entries()):
            raise  # its keys are there, whenever it is
        if problem.code != "keychain-absent":
            output.say(output.printable(f"note: {other.place} cannot be looked at: {problem.what}"))
        return False


# which


def _selected(app: App, there: list[Move], wish: Wish) -> list[Move]:
    if wish.everything:
        return there
    named = {options.address_in(app, each) for each in wish.select if "=" not in each}
    filters = [parse_filter(each) for each in wish.select if "=" in each]
    entries = [move.entry for move in there]
    fitting = chosen(entries, filters, now=app.clock()) if filters else []
    if filters and there and not fitting:
        output.say(f"no key there has this {' and '.join(one.field for one in filters)}")  # what follows = may be a key
        say_slips_of_filters(filters, entries)
    wanted = named | {entry.address for entry in fitting}
    missing = sorted(named - _names(there))
    for address in missing:
        _say_where(app, address, wish)
    return [move for move in there if move.address in wanted]


def _say_where(app: App, address: Address, wish: Wish) -> None:
    """A key that is not at the old place is at the new one, if an earlier move was finished; else KeyNotFound."""
    try:
        backend_named(app, wish.to).get(address)
    except KeyNotFound:
        raise app.keychain.not_found(address) from None
    output.say(f"{address} is in {wish.to} already")


# the backend in use


def _switches(app: App, moving: Relocation, staying: list[Move], wish: Wish) -> bool:
    """Whether the new backend is taken into use; ConsentNeeded where keys would silently be out of sight."""
    used = in_use(app)
    if used == wish.to or wish.switch is False:
        return False
    if wish.switch or used != moving.source.name:
        return bool(wish.switch)
    if staying:
        raise ConsentNeeded(
            f"keys in {wish.to} cannot be used while ringlet uses {used}, and {len(staying)} would stay in {used}",
            why="only one is in use: with --switch those that stay are out of it, with --no-switch those that move",
            hint=f"ringlet keychain move --from {used} --to {wish.to} --all",
        )
    return True


def _ask(session: Session, moving: Relocation, moves: list[Move], wish: Wish, *, switches: bool, yes: bool) -> None:
    if yes or session.can_ask or not session.wants_json:  # where an error follows, it is one JSON object and no more
        _say_before(session, () if yes else map(_line, moves), wish)
    then = f", and use {wish.to} from then on" if switches else ""
    keys = f"{len(moves)} key{'s' * (len(moves) != 1)}"
    question = f"move {keys} from {moving.source.place} to {moving.backend.place}{then}?"
    session.confirm(question, otherwise=f"{wish.command(moving.source.name)} --yes", yes=yes)


def _say_before(session: Session, lines: Iterable[str], wish: Wish) -> None:
    for line in lines:
        output.say(line)
    if wish.to == "file":
        output.say("note: the file is readable by you alone, but not encrypted")
    if wish.to == "sealed" and session.app.kept.is_forgetful():
        output.say("warning: the ledger's server runs without appendonly: its restart would lose these keys for good")


def _run(app: App, moving: Relocation, moves: list[Move], wish: Wish, *, switches: bool) -> list[Move]:
    again = wish.command(moving.source.name)

    def switch() -> None:
        if switches:
            use_backend(app, moving.backend.name)

    try:
        with progress("moving", total=2 * len(moves)) as advance:
            return moving.run(moves, replace=wish.replace, between=switch, advance=advance)
    except (KeyboardInterrupt, RingletError, OSError):
        output.say(f"note: this stopped midway, and lost no key; begun again, it goes on: {again}")
        raise


# what is shown


def _say_gone(moving: Relocation, wanted: list[Move], known: list[Move]) -> None:
    for address in sorted(_names(wanted) - _names(known)):
        to_see = f"; to see where it is: ringlet where {address.provider} {address.alias}"
        output.say(f"note: {address} is no longer in {moving.source.place}: it was moved or removed meanwhile{to_see}")


def _bound(move: Move) -> list[str]:
    return [address.field for address in move.held if address.field]


def _line(move: Move) -> str:
    bound = f" with {', '.join(_bound(move))}" if _bound(move) else ""
    return output.printable(f"{move.address}{bound}{' (copied already)' if move.copied else ''}")


def _document(move: Move) -> dict[str, Any]:
    return {"address": str(move.address), "secrets": _bound(move), "copied_before": move.copied}


def _show(app: App, moving: Relocation, moves: list[Move], left: list[Move], **how: bool) -> None:
    switches, dry_run = how["switches"], how["dry_run"]
    if how["json"]:
        output.document(
            source=moving.source.name,
            target=moving.backend.name,
            dry_run=dry_run,
            moved=[_document(move) for move in moves],
            left=[str(move.address) for move in left],
            backend=moving.backend.name if switches else None,
        )
        return
    output.lines(f"{'would move' if dry_run else 'moved'} {_line(move)}" for move in moves)
    for move in left:
        output.say(f"note: {move.address} stays in {moving.source.place}")
    if not moves and not left:
        output.say(f"there is nothing to move in {moving.source.place}")
    elif switches:
        output.say(f"ringlet {'would then use' if dry_run else 'now uses'} {moving.backend.place} (config.toml)")
    elif moves and in_use(app) != moving.backend.name:
        to_use = f"ringlet config set credentials.backend {moving.backend.name}"
        output.say(f"note: ringlet uses {in_use(app)}; to use what is in {moving.backend.name}: {to_use}")
