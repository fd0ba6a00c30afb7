"""Checks of what ringlet writes down: the ledger, the audit, and the clock that dates them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from ringlet_py.audit.verify import verify
from ringlet_py.doctor.finding import Finding, fine, many, note, problem, warning
from ringlet_py.entry import utc
from ringlet_py.ledger.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from ringlet_py.doctor.surroundings import Surroundings

_LOOK = "ringlet audit verify"
_BROKEN = (
    "the audit is not as it was written: compare it with a backup, and see who could have changed it; "
    "to begin anew, move all of audit.* in {} elsewhere while nothing runs"
)
_KEEP = "redis-cli CONFIG SET appendonly yes && redis-cli CONFIG REWRITE"  # on the server's machine
_RECORD = "ringlet config set audit.enabled true"
_BUSY = 3.0  # seconds in which another ringlet should have finished with the ledger
_FEW = 5  # problems of one log that are told apart
_SLACK = 3600.0  # seconds; file systems on the network have clocks of their own
_MADE = 1_790_000_000.0  # September 2026: no ringlet is older


def ledger(surroundings: Surroundings) -> list[Finding]:
    """Whether the ledger can be read, and is whole."""
    app = surroundings.app
    if app.kept.is_shared:
        known = many(len(app.kept.entries.entries()), "key")
        return [fine(f"the ledger's server answers, and knows {known}"), *_forgetful(surroundings)]
    file = SqliteFile(os.path.join(app.folders.state, "ledger.sqlite"), busy_timeout=_BUSY)
    if not file.exists():
        return [fine("there is no ledger yet")]
    with file.opened() as connection:
        said = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    if said == ["ok"]:
        return [fine(f"the ledger is whole: {file.path}")]
    return [problem(f"the ledger is damaged: {file.path}", why="; ".join(said), mend=file.corrupt("").hint)]


def _forgetful(surroundings: Surroundings) -> list[Finding]:
    """A server that keeps nothing over a restart, which is graver where it has the keys themselves."""
    if not surroundings.app.kept.is_forgetful():
        return []
    say, what = (problem, "every key") if surroundings.choice == "sealed" else (warning, "what is known of keys")
    return [say(f"a restart of the ledger's server loses {what}", why="it runs without appendonly", mend=_KEEP)]


def audit(surroundings: Surroundings) -> list[Finding]:
    """Whether every record is as it was written, and whether records are made at all."""
    app = surroundings.app
    found = verify(app.folders.state)
    told = [problem(str(each)) for each in found.problems[:_FEW]]
    if len(found.problems) > _FEW:
        told.append(problem(f"{many(len(found.problems) - _FEW, 'further problem')} of the audit"))
    if told:
        told[-1] = replace(told[-1], why=_BROKEN.format(app.folders.state), mend=_LOOK)
    told += [note(str(each)) for each in found.notes[:_FEW]]
    if not app.settings.audit:
        told.append(note("no access is recorded: config.toml says so", mend=_RECORD))
    return told or [fine(f"the audit is as it was written: {many(found.records, 'record')}")]


def clock(surroundings: Surroundings) -> list[Finding]:
    """Whether the clock is behind what was written before; expiries and windows depend on it."""
    now, newest = surroundings.app.clock(), 0.0
    for name in _entries(surroundings.app.folders.state):
        newest = max(newest, name.stat(follow_symlinks=False).st_mtime)
    if now >= max(_MADE, newest - _SLACK):
        return []
    what = f"the clock says {utc(now)}, and {'a record is' if newest > now else 'ringlet itself is'} newer"
    return [warning(what, why="expiries, leases and limits go by it", mend=_to_set(surroundings))]


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _to_set(surroundings: Surroundings) -> str:
    commands = {"macos": "sudo sntp -sS time.apple.com", "windows": "w32tm /resync"}
    return commands.get(surroundings.system.kind, "sudo timedatectl set-ntp true")
