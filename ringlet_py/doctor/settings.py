"""Checks of what steers ringlet: config.toml, the catalog's files, and its own variables."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ringlet_py import settings
from ringlet_py.doctor.finding import Finding, note, of_error, warning
from ringlet_py.doctor.mending import to_unset
from ringlet_py.errors import RingletError
from ringlet_py.files.checks import POSIX, quoted
from ringlet_py.files.folders import Folders
from ringlet_py.suggest import nearest

if TYPE_CHECKING:
    from ringlet_py.doctor.surroundings import Surroundings
    from ringlet_py.doctor.system import System

EDITOR = "${EDITOR:-vi}" if POSIX else "notepad"
_PLACE = re.compile(r"(?P<what>.*) \((?:at )?(?P<place>line \d+, (?:column \d+|the end of the document))\)", re.DOTALL)
# what each does while it is set; the words of the reference are longer
_OVERRIDES = {
    settings.TIMEOUT_VARIABLE: "the keychain has that many seconds for an answer",
    settings.URL_VARIABLE: "the ledger is there, whatever config.toml says",
    "RINGLET_TOKEN": "ringlet pools claim claims in that token's name",
    "RINGLET_MASTER_KEY": "sealed values may be opened with it",
    "RINGLET_NEW_MASTER_KEY": "ringlet sealed rotate rotates to it",
    "RINGLET_NON_INTERACTIVE": "ringlet asks nothing, and fails instead",
}


def configured(surroundings: Surroundings) -> list[Finding]:
    """Every document that cannot be read, with file and line."""
    app = surroundings.app
    path = app.folders.config_file
    looks = (
        lambda: app.settings,
        lambda: settings.load_ledger(path, app.environ),
        lambda: app.catalog.agents,
        lambda: app.catalog.providers,
    )
    found: list[Finding] = []
    for look in looks:
        try:
            look()
        except (RingletError, OSError) as error:
            found.append(_to_edit(of_error(error), Folders.of(app.environ).config_file))
    return list({finding.what: finding for finding in found}.values())


def _to_edit(finding: Finding, config_file: str) -> Finding:
    """The finding with the place of the fault first, and for what an editor mends a command that starts one."""
    verb, _, path = finding.mend.partition(" ")
    if verb != "edit":
        return finding
    said = _PLACE.fullmatch(finding.why)
    named = '"$(ringlet config path)"' if path == config_file else quoted(path)
    why = f"{said['place']}: {said['what']}" if said else finding.why
    return replace(finding, why=why, mend=f"{EDITOR} {named}")


def variables_of_ringlet(surroundings: Surroundings) -> list[Finding]:
    """The variables that override settings, and those that look as if they did."""
    app = surroundings.app
    ours = sorted(name for name, value in app.environ.items() if name.startswith("RINGLET_") and value)
    names = [name for name in ours if name not in app.catalog.routing]  # RINGLET_KEY is an agent's, not a setting
    return [_of_variable(name, surroundings.system) for name in names]


def _of_variable(name: str, system: System) -> Finding:
    if name in _OVERRIDES:
        return note(f"{name} is set", why=_OVERRIDES[name])
    what = f"{name} is set, and ringlet knows no such variable"
    near = nearest(name, _OVERRIDES)
    return warning(what, why=f"did you mean {near}?", mend=to_unset(name, system)) if near else note(what)
