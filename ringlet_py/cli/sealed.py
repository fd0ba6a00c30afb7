"""`ringlet sealed`: what opens the sealed keys, and how it is rotated."""

from __future__ import annotations

from typing import Annotated

import typer

from ringlet_py.cli import output
from ringlet_py.cli.session import app_of
from ringlet_py.errors import RingletError, UsageError
from ringlet_py.settings import MASTER_KEYS
from ringlet_py.suggest import did_you_mean

Json = Annotated[bool, typer.Option("--json", help="Show one JSON object.")]


def build() -> typer.Typer:
    """The command group."""
    group = typer.Typer(help="The sealed backend: its master key and data keys.", no_args_is_help=True)
    group.command("status")(show_status)
    group.command("rotate")(rotate_master_key)
    return group


def show_status(context: typer.Context, json: Json = False) -> None:
    """Show which kind of master key is in use, and how many keys each data key seals."""
    from ringlet_py.backends.sealed import rotation

    app = app_of(context)
    found = rotation.status(app.sealed.keys)
    if json:
        keys = [{"id": key.id, "values": key.values, "current": key.current} for key in found.keys]
        output.document(master_key=found.master or None, configured=found.chosen, data_keys=keys)
        return
    output.say(f"master key: {found.master}" if found.master else "nothing is sealed yet")
    if found.master and found.master != found.chosen:
        output.say(f'note: config.toml says "{found.chosen}", which counts from the next: ringlet sealed rotate')
    rows = [(key.id, str(key.values), "yes" if key.current else "no") for key in found.keys]
    output.table(("DATA KEY", "VALUES", "FOR NEW VALUES"), [tuple(row) for row in rows])


def rotate_master_key(
    context: typer.Context,
    to: Annotated[
        str,
        typer.Option("--to", metavar="KIND", help=f"{', '.join(MASTER_KEYS)}; else as config.toml says."),
    ] = "",
    reseal: Annotated[
        bool, typer.Option("--reseal", help="Make a new data key too, and seal every value anew with it.")
    ] = False,
    json: Json = False,
) -> None:
    """Put the data keys under a new master key, while others read and write."""
    from ringlet_py.backends.sealed import rotation

    app = app_of(context)
    kind = to or app.settings.master_key
    if kind not in MASTER_KEYS:
        raise UsageError(f"there is no master key of the kind {kind!r}", why=did_you_mean(kind, MASTER_KEYS))
    try:
        resealed = rotation.rotate(app.sealed.keys, to=kind, reseal=reseal)
    except RingletError as problem:
        app.audit.append("rotate", problem.code, backend=app.sealed.name)
        raise
    app.audit.append("rotate", "ok", backend=app.sealed.name)
    output.say(f"rotated: the master key is a new one ({kind})")
    if reseal:
        output.say(f"sealed anew: {resealed}")
    if kind != app.settings.master_key:
        output.say(f'note: config.toml still says [sealed] master-key = "{app.settings.master_key}"')
    if kind == "env" and "RINGLET_NEW_MASTER_KEY" in app.environ:
        output.say("now set RINGLET_MASTER_KEY to the value of RINGLET_NEW_MASTER_KEY, and unset the latter")
    if json:
        output.document(master_key=kind, resealed=resealed if reseal else None)
