"""`ringlet scan`: looks for the stored values themselves where they must not be."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ringlet_py.cli import output
from ringlet_py.cli.found import found_in
from ringlet_py.cli.session import app_of
from ringlet_py.errors import SearchIncomplete, UsageError
from ringlet_py.files.here import full_path
from ringlet_py.keychain.fingerprints import RESERVED
from ringlet_py.searching.git import Git, program
from ringlet_py.searching.hooks import hook_of
from ringlet_py.searching.looking import Looking
from ringlet_py.searching.wanted import LEAST, read, wanted

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.searching.hooks import Hook
    from ringlet_py.searching.search import Finding
    from ringlet_py.searching.wanted import Wanted

FOUND = 1  # the exit status; no error of ours has it here
HOOK_ACTIONS = ("install", "remove", "status")
_SHOWN = 10  # problems that are told one by one


def scan(
    context: typer.Context,
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="[PATHS]...", help="Files and folders; else '.'.")
    ] = None,
    staged: Annotated[
        bool, typer.Option("--staged", help="What is staged in the repository, instead of files.")
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="All that the repository's history holds, instead of files.")
    ] = False,
    agents: Annotated[
        bool, typer.Option("--agents", help="Agents' files and transcripts, and histories of shells.")
    ] = False,
    hook: Annotated[
        str, typer.Option("--hook", metavar="install|remove|status", help="A hook that checks every commit here.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Show one JSON object.")] = False,
) -> None:
    """Look for the stored values themselves, and their usual encodings; exit with 1 if one is found.

    Nothing that is found is shown, only where it is, whose it is, and in which form.
    """
    app = app_of(context)
    there = _there(paths or ([] if agents and not (staged or history or hook) else ["."]))
    if hook:
        _hook(app, hook, there[0], json=json)
        return
    looking = _looking(app, there, staged=staged, history=history, agents=agents)
    values = _values(app, looking, quiet=json)
    found = list(found_in(looking, values, None if json else _show))
    if json:
        _document(values, found, looking.problems)
    for problem in looking.problems[:_SHOWN]:
        output.say(output.printable(f"not looked at: {problem}"))
    if found:
        raise typer.Exit(FOUND)
    if looking.problems:
        raise SearchIncomplete(f"nothing was found, but not everything was looked at ({len(looking.problems)})")


def _there(paths: list[str]) -> list[str]:
    """The paths, unless one of them begins in a current folder that is gone."""
    for path in paths:
        full_path(path, otherwise="ringlet scan /FOLDER")
    return paths


def _document(values: Wanted, found: list[Finding], problems: list[str]) -> None:
    output.document(
        values=values.addresses,
        too_short=[str(address) for address in values.too_short],
        findings=[asdict(finding) for finding in found],
        unread=problems,
    )


def _looking(app: App, paths: list[str], *, staged: bool, history: bool, agents: bool) -> Looking:
    looking = Looking(keychain_file=app.file_backend().place, environ=app.environ)
    if staged:
        looking.in_staged(paths)
    if history:
        looking.in_histories(paths)
    if agents:
        looking.at_agents(app.catalog, app.folders)
    if paths and not (staged or history):
        looking.in_files(paths)
    return looking


def _values(app: App, looking: Looking, *, quiet: bool) -> Wanted:
    addresses = app.keychain.there() - {RESERVED}
    values = wanted(read(addresses, app.backend, app.audit, purpose=f"scan: {'; '.join(looking.about)}"))
    for address in values.too_short:
        output.say(f"not looked for: {address}, which has fewer than {LEAST} characters")
    if not quiet:
        number = f"{values.addresses} stored value{'s' if values.addresses != 1 else ''}"
        output.say(output.printable(f"looking for {number} ({app.backend.place}) in {'; '.join(looking.about)}"))
    return values


def _show(finding: Finding) -> None:
    output.line(output.printable(str(finding)))


def _hook(app: App, action: str, folder: str, *, json: bool) -> None:
    if action not in HOOK_ACTIONS:
        raise UsageError(f"{action!r} is nothing to do with a hook", hint=f"one of: {', '.join(HOOK_ACTIONS)}")
    hook = hook_of(Git(folder, app.environ))
    changed = False
    if action == "install":
        changed = hook.install(_program(app))
    if action == "remove":
        changed = hook.remove()
    state = _state(hook)
    if json:
        output.document(hook=hook.path, installed=hook.installed or hook.behind_another, changed=changed)
    else:
        output.line(output.printable(f"{hook.path}: {state}"))


def _state(hook: Hook) -> str:
    if hook.behind_another:
        return "of the pre-commit framework, which runs ringlet's"
    if hook.installed:
        return "ringlet's, then the one that was there before" if os.path.lexists(hook.kept) else "ringlet's"
    return "not ringlet's" if os.path.lexists(hook.path) else "none"


def _program(app: App) -> str:
    """The installed `ringlet`, by its full path: a hook may run without the PATH of now."""
    found = program("ringlet", app.environ)
    if not found:
        raise UsageError("ringlet is not on PATH, where a hook could find it", hint="install ringlet, then this again")
    return found
