"""`ringlet where`: every place on this machine where the value of one key lies, and who used it last."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py.audit.log import CLAIM, OK
from ringlet_py.audit.reading import Query, latest
from ringlet_py.cli import keychain_fields as options
from ringlet_py.cli import output
from ringlet_py.cli.found import found_in
from ringlet_py.cli.session import app_of
from ringlet_py.entry import DEFAULT_ALIAS
from ringlet_py.errors import SearchIncomplete, UsageError
from ringlet_py.files.checks import quoted
from ringlet_py.searching.backends import at_other_addresses, in_backends
from ringlet_py.searching.git import Git
from ringlet_py.searching.looking import Looking
from ringlet_py.searching.search import Search
from ringlet_py.searching.wanted import LEAST, read, wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.app import App
    from ringlet_py.entry import Address
    from ringlet_py.searching.search import Finding
    from ringlet_py.secret import Secret

_HEADER = ("KIND", "PLACE", "ADDRESS", "FORM")
TOO_FEW = "the key may lie in more places than those that were found"
_USED = ("at", "profile", "agent", "caller", "purpose", "parent_name")


def where(
    context: typer.Context,
    provider: options.Provider,
    alias: options.Alias = DEFAULT_ALIAS,
    below: Annotated[
        list[str] | None, typer.Option("--below", metavar="FOLDER", help="Look at all files there, too (repeatable).")
    ] = None,
    json: options.Json = False,
) -> None:
    """Show the places on this machine where a key's value lies, and who used it last; never the value.

    Looks at the backends, the environment, files that set variables, agents' files, histories of shells, and the
    current folder, with the history of its repository; elsewhere with --below.  Exits with 17 if it could not look
    at all of that.
    """
    app = app_of(context)
    address = options.address_of(app, provider, alias)
    app.keychain.entry(address)
    looking = _looking(app, below or [])
    values = read([address], app.backend, app.audit, purpose="where")
    if not values:  # gone since the entry was read
        raise app.keychain.not_found(address)
    _check_there(below or [], Search(wanted(values)))
    found = [*_stored(app, address, values[0][1], looking.problems), *found_in(looking, wanted(values))]
    if values[0][1].length < LEAST:
        output.say(f"not looked for outside of the keychain: it has fewer than {LEAST} characters")
    used, unread = _last_use(app, address), looking.problems
    if json:
        places = [asdict(each) for each in found]
        output.document(address=str(address), places=places, last_used=used or None, unread=unread)
    else:
        _show(found, used, unread)
        if not below:
            wider = f"ringlet where {address.provider} {address.alias} --below {quoted(app.folders.home)}"
            output.say(output.printable(f"other folders were not looked at; all of yours: {wider}"))
    if unread:
        raise SearchIncomplete(f"not everything was looked at ({len(unread)})", why=TOO_FEW)


def _show(found: list[Finding], used: dict[str, Any], unread: list[str]) -> None:
    output.table(_HEADER, [_row(each) for each in found])
    told = ", ".join(f"{name} {value}" for name, value in used.items())
    output.say(output.printable(f"last used: {told}" if used else "last used: never, as far as the audit says"))
    for problem in unread:
        output.say(output.printable(f"not looked at: {problem}"))


def _check_there(below: list[str], search: Search) -> None:
    """Raises UsageError for a path that is not there, which is shown without the value that may be in it."""
    for path in below:
        if not os.path.lexists(path):
            shown = search.redacted(output.printable(path))
            raise UsageError(f"there is no folder '{shown}'", hint="--below FOLDER, or --below FILE")


def _looking(app: App, below: list[str]) -> Looking:
    """Where a key may lie; the repository of the current folder, if there is one."""
    looking = Looking(keychain_file=app.file_backend().place, environ=app.environ)
    looking.in_settings(app.folders)
    looking.at_agents(app.catalog, app.folders)
    top = _repository(app)
    looking.in_files(dict.fromkeys([*([top] if top else _here(app.folders.home)), *below]))
    if top:
        looking.in_staged([top])
        looking.in_histories([top])
    return looking


def _here(home: str) -> list[str]:
    """The current folder, unless it is gone, or the home folder or above it: to look at all of that takes long."""
    try:
        here = os.path.realpath(".")
    except OSError:
        return []
    return [] if f"{os.path.realpath(home)}{os.sep}".startswith(os.path.join(here, "")) else ["."]


def _repository(app: App) -> str:
    """Its top folder, "" where there is none, or none with files."""
    try:
        return Git(".", app.environ).asked("rev-parse", "--show-toplevel")
    except SearchIncomplete:
        return ""


def _stored(app: App, address: Address, secret: Secret, problems: list[str]) -> Iterator[Finding]:
    made = (lambda: app.backend, app.system_backend, app.file_backend, lambda: app.sealed)
    yield from in_backends(address, secret, made, problems)
    yield from at_other_addresses(address, app.keychain.entries(), app.backend.place)


def _last_use(app: App, address: Address) -> dict[str, Any]:
    """The last time it was lent, as the audit has it; {} if never."""
    query = Query(key=str(address), action=CLAIM, outcome=OK)
    records = latest(app.folders.state, query.takes, 1)
    return {name: records[0][name] for name in _USED if records[0].get(name)} if records else {}


def _row(found: Finding) -> tuple[str, ...]:
    place = f"{found.place}:{found.line}" if found.line else found.place
    return tuple(map(output.printable, (found.kind, place, found.address, found.form)))
