"""`ringlet config`: what is set, where it comes from, and changing it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py.cli import output
from ringlet_py.cli.session import session_of
from ringlet_py.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.cli.session import Session
    from ringlet_py.configuring.explaining import Explained
    from ringlet_py.configuring.known import Setting

Json = Annotated[bool, typer.Option("--json", help="Show one JSON object.")]
Name = Annotated[str, typer.Argument(help="A setting, for example audit.enabled.")]
BACKEND = "credentials.backend"
_LONGEST = 65536  # characters of a value on standard input


def build() -> typer.Typer:
    """The command group."""
    group = typer.Typer(help="Settings: which are in force, and where each comes from.", no_args_is_help=True)
    for name in ("list", "ls"):
        group.command(name, hidden=name != "list")(list_settings)
    group.command("get")(get_setting)
    group.command("set")(set_setting)
    group.command("unset")(unset_setting)
    group.command("explain")(explain_settings)
    group.command("path")(show_path)
    return group


def list_settings(context: typer.Context, json: Json = False) -> None:
    """List every setting with its value and where that comes from."""
    found = _explained(session_of(context))
    if json:
        output.document(settings=[_short(each) for each in found])
        return
    rows = [(each.setting.name, each.winner.value or "-", each.winner.kind) for each in found]
    output.table(("NAME", "VALUE", "FROM"), [_printable(row) for row in rows])


def get_setting(context: typer.Context, name: Name, json: Json = False) -> None:
    """Show the value that is in force; the password of a URL is left out."""
    (found,) = _explained(session_of(context), name)
    if json:
        output.document(**_short(found))
    else:
        output.line(output.printable(found.winner.value or ""))


def set_setting(
    context: typer.Context,
    name: Name,
    value: Annotated[str, typer.Argument(help="The value; lists with commas, `-` to read it from standard input.")],
    json: Json = False,
) -> None:
    """Change a setting in config.toml; comments stay, and a value that cannot be is refused."""
    from ringlet_py.configuring.changing import typed
    from ringlet_py.configuring.known import shown

    setting = _changeable(name)
    given = typed(setting, _value(setting, value))
    _change(context, setting, given, json=json)
    if meaning := setting.weakens.get(shown(setting, given) or ""):
        undo = f"ringlet config unset {setting.name}{session_of(context).config_words}"
        output.say(f"warning: {meaning}; undo it: {undo}")


def unset_setting(context: typer.Context, name: Name, json: Json = False) -> None:
    """Take a setting out of config.toml, so that its default holds."""
    _change(context, _changeable(name), None, json=json)


def explain_settings(
    context: typer.Context, name: Annotated[str, typer.Argument(help="A setting; all of them without it.")] = "",
    json: Json = False,
) -> None:  # fmt: skip
    """Show what each layer says: option, environment, config.toml, default; the first that says anything counts."""
    found = _explained(session_of(context), *([name] if name else []))
    if json:
        output.document(settings=[_long(each) for each in found])
        return
    for number, each in enumerate(found):
        output.lines([""] * bool(number))
        output.lines(output.printable(line) for line in _told(each))


def show_path(context: typer.Context, json: Json = False) -> None:
    """Show where config.toml is, or would be."""
    path = session_of(context).app.folders.config_file
    if json:
        output.document(path=path)
    else:
        output.line(path)


def _explained(session: Session, *names: str) -> list[Explained]:
    from ringlet_py.configuring.explaining import explain

    return explain(session.app.folders.config_file, session.environ, _flags(session), names)


def _flags(session: Session) -> dict[str, str]:
    """The options of this command line that win over settings."""
    given: dict[str, str] = {}
    if session.audit_log is not None:
        given["audit.enabled"] = "true" if session.audit_log else "false"
    if "--non-interactive" in session.argv:
        given["non-interactive"] = "true"
    return given


def _changeable(name: str) -> Setting:
    """The setting, if config.toml has a place for it."""
    from ringlet_py.configuring.known import setting_named

    setting = setting_named(name)
    if setting.in_file:
        return setting
    raise UsageError(f"{name} has no place in config.toml", hint=f"set the variable {setting.variable}")


def _value(setting: Setting, given: str) -> str:
    """The value that was typed; passwords are not for command lines, which every user of a machine can read."""
    if given == "-":
        return sys.stdin.read(_LONGEST).removesuffix("\n")
    if setting.holds_password and "@" in given:
        what = f"{setting.name} with a password does not belong on a command line"
        raise UsageError(
            what, why="every user of this machine can read it", hint=f"ringlet config set {setting.name} -"
        )
    return given


def _change(context: typer.Context, setting: Setting, value: Any, *, json: bool) -> None:
    from ringlet_py.configuring.recording import change_recorded

    session = session_of(context)
    path = session.app.folders.config_file
    changed = change_recorded(session.environ, setting, value, audit=session.audit_log, config=session.config)
    (found,) = _explained(session, setting.name)
    if json:
        output.document(changed=changed, **_short(found))
    else:
        output.say(f"{'changed' if changed else 'nothing to change in'} {path}")
    if setting.name == BACKEND:
        _say_what_is_elsewhere(session, found.winner.value or "")
    if not json and value is not None and found.winner.kind != "config.toml":
        output.say(f"note: {found.winner.where} wins over it")


def _say_what_is_elsewhere(session: Session, choice: str) -> None:
    """The keys that are out of sight with that choice of a backend, and how they come along."""
    from ringlet_py.cli.keychain_places import keys_elsewhere, meant_by

    used = meant_by(session.app, choice)
    for place, count in keys_elsewhere(session.app, used).items():
        come = f"ringlet keychain move --from {place} --to {used} --all"
        if count:
            are = "key is" if count == 1 else "keys are"
            output.say(f"warning: {count} {are} in {place}, and out of use while ringlet uses {used}: {come}")
        elif count is None:
            output.say(f"note: whether keys are in {place} cannot be told; if so, they are out of use: {come}")


def _short(each: Explained) -> dict[str, Any]:
    from ringlet_py.configuring.explaining import typed_as

    winner = each.winner
    value = typed_as(each.setting, winner.value)
    return {"name": each.setting.name, "value": value, "from": winner.kind, "where": winner.where}


def _long(each: Explained) -> dict[str, Any]:
    from ringlet_py.configuring.explaining import typed_as

    layers = [
        {"layer": one.kind, "where": one.where, "value": typed_as(each.setting, one.value)} for one in each.layers
    ]
    return {**_short(each), "words": each.setting.words, "layers": layers}


def _told(each: Explained) -> Iterator[str]:
    """The setting, what it does, and each layer; the one that counts is marked."""
    yield f"{each.setting.name} = {each.winner.value or '(not set)'}"
    yield f"  {each.setting.words.replace('`', '')}"
    for layer in each.layers:
        mark = "*" if layer is each.winner else " "
        place = f" ({layer.where})" if layer.where else ""
        yield f"  {mark} {layer.kind}{place}: {'(not set)' if layer.value in (None, '') else layer.value}"


def _printable(cells: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(output.printable, cells))
