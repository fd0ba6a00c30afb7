"""`ringlet pools status`: how each key of a pool stands, once, or live until Ctrl-C."""

from __future__ import annotations

import json as json_
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py.cli import output
from ringlet_py.cli import pools_options as options
from ringlet_py.cli import pools_shown as shown
from ringlet_py.cli.session import app_of
from ringlet_py.entry import utc
from ringlet_py.lending import explaining

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.app import App
    from ringlet_py.lending.explaining import Explained, KeyState

_COLUMNS = ("POOL", *shown.COLUMNS)
EVERY = 1.0  # seconds between two looks
# ECMA-48: the cursor goes home, a line is cleared to its end, the screen below is cleared; and what xterm added:
# a screen of its own, so that what stood there comes back, and the cursor hidden
_HOME, _END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
_BEGIN, _END = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"


def show_status(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The pool; all of them without it.")] = "",
    feature: options.Feature = "",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing it, until Ctrl-C.")] = False,
    json: options.Json = False,
) -> None:
    """Show each key's state, what is left of its limits, its cooldown and its last use: pools status --watch."""
    app = app_of(context)

    def look() -> list[Explained]:
        pools = app.lending.pools
        chosen = [pools.get(name)] if name else list(pools.all().values())
        return [explaining.of_pool(app.lending, pool, feature=feature) for pool in chosen]

    if watch and not json and _can_redraw(app):
        _redraw(app, look)
    elif watch:
        _follow(app, look, json=json)
    elif json:
        output.document(pools=[_document(found) for found in look()])
    else:
        found = look()
        if not found:
            output.say(shown.NO_POOLS)
        output.table(_COLUMNS, _rows(found, now=app.clock()))
        for each in found:
            output.say(_summary(each, now=app.clock()))


def _can_redraw(app: App) -> bool:
    """Whether standard output is a terminal that understands more than lines."""
    return sys.stdout.isatty() and os.name != "nt" and app.environ.get("TERM", "dumb") != "dumb"


def _redraw(app: App, look: Callable[[], list[Explained]]) -> None:
    """Each picture is written over the one before in a single write, so nothing flickers."""
    sys.stdout.write(_BEGIN)
    try:
        while True:
            texts = _picture(look(), now=app.clock())
            columns, lines = os.get_terminal_size(sys.stdout.fileno())
            sys.stdout.write(_fitted(texts, columns=columns, lines=lines))
            sys.stdout.flush()
            app.lending.sleep(EVERY)
    finally:
        sys.stdout.write(_END)
        sys.stdout.flush()


def _picture(pools: list[Explained], *, now: float) -> list[str]:
    rows = shown.aligned([_COLUMNS, *_rows(pools, now=now)]) if pools else [shown.NO_POOLS]
    return [f"{utc(now)}, Ctrl-C ends", "", *rows, "", *(_summary(found, now=now) for found in pools)]


def _fitted(texts: list[str], *, columns: int, lines: int) -> str:
    """What fits on the screen; nothing is wrapped or scrolled."""
    room = max(lines - 1, 1)
    fitting = texts if len(texts) <= room else [*texts[: room - 1], f"... and {len(texts) - room + 1} more lines"]
    return _HOME + "".join(f"{text[:columns]}{_END_OF_LINE}\r\n" for text in fitting) + _BELOW


def _follow(app: App, look: Callable[[], list[Explained]], *, json: bool) -> None:
    """A line for each key at first, and then for each that changed."""
    before: dict[tuple[str, str], KeyState] = {}
    while True:
        now = {(found.step.pool.name, key.address): key for found in look() for key in found.keys}
        for (pool, address), key in now.items():
            if (pool, address) not in before or _differ(before[pool, address], key):
                output.line(_line(pool, key, json=json, now=app.clock()))
        sys.stdout.flush()
        before = now
        app.lending.sleep(EVERY)


def _differ(one: KeyState, other: KeyState) -> bool:
    """Moments are told by two clocks that are not read at once, so a little more or less is the same."""
    same = (one.state, one.left, one.uses) == (other.state, other.left, other.uses)
    return not same or abs(one.ready_at - other.ready_at) > EVERY


def _line(pool: str, key: KeyState, *, json: bool, now: float) -> str:
    if json:
        return json_.dumps({"schema_version": output.SCHEMA_VERSION, "pool": pool, **shown.key_document(key)})
    until = f" until {shown.moment(key.ready_at)}" if shown.moment(key.ready_at) else ""
    state = f"{explaining.STATES[key.state]}{until}"
    return output.printable(f"{utc(now)} {pool} {key.address} {state}; left: {shown.left(key)}; uses: {key.uses}")


def _rows(pools: list[Explained], *, now: float) -> list[tuple[str, ...]]:
    return [(found.step.pool.name, *shown.cells(key, now=now)) for found in pools for key in found.keys]


def _summary(found: Explained, *, now: float) -> str:
    pool = found.step.pool
    following = "next is " if found.answer == explaining.LENT else ""
    return output.printable(f"{pool.name} ({pool.provider}, {pool.policy}): {following}{shown.answer(found, now=now)}")


def _document(found: Explained) -> dict[str, Any]:
    return {
        "name": found.step.pool.name,
        "provider": found.step.pool.provider,
        "policy": found.step.pool.policy,
        "answer": found.answer,
        "address": found.address or None,
        "ready_at": shown.moment(found.ready_at),
        "keys": [shown.key_document(key) for key in found.keys],
    }
