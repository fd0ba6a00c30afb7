"""The checks, and how they are gone through: each alone, so that one which fails hides no other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ringlet_py.doctor import agents, commands, daemon, files, keychain, keys, places, records, settings, shell
from ringlet_py.doctor.finding import Finding, fine, note, of_error, problem
from ringlet_py.errors import RingletError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ringlet_py.doctor.surroundings import Surroundings

    Look = Callable[[Surroundings], list[Finding]]


@dataclass(frozen=True)
class Check:
    """One check: its name, what it is about, how it looks, and what is true where it finds nothing."""

    name: str
    title: str
    look: Look
    otherwise: str = ""


CHECKS = (
    Check("settings", "Settings", settings.configured, "the settings and the catalog can be read"),
    Check("variables", "Settings", settings.variables_of_ringlet),
    Check("backend", "Keychain", keychain.backends),
    Check("keychain", "Keychain", keychain.state),
    Check("master-key", "Keychain", keychain.master_key),
    Check("modes", "Files", files.modes, "files and folders are yours alone"),
    Check("leftovers", "Files", files.leftovers),
    Check("writable", "Files", files.writable),
    Check("places", "Files", places.shared, "no folder is synced, shared, or on the network"),
    Check("ledger", "Records", records.ledger),
    Check("audit", "Records", records.audit),
    Check("clock", "Records", records.clock),
    Check("missing", "Keys", keys.missing, "every key that is listed is there"),
    Check("expiry", "Keys", keys.expiry, "no key has expired, or will within 14 days"),
    Check("profiles", "Keys", keys.profiles),
    Check("shell", "This shell", shell.variables, "no variable carries a key or moves an agent's endpoint"),
    Check("ringlet", "This shell", commands.duplicates),
    Check("path", "This shell", commands.open_folders, "nobody else can put programs on PATH"),
    Check("agents", "Agents", agents.found),
    Check("declined", "Agents", agents.declined, "Claude Code declines none of the keys"),
    Check("daemon", "Daemon", daemon.state),
)


def examine(
    surroundings: Surroundings, *, checks: Iterable[Check] = CHECKS, done: Callable[[int], object] = lambda _: None
) -> list[Finding]:
    """What every check finds, in their order; changes nothing that lasts.  After each, `done` is called with 1."""
    seen: set[str] = set()
    found: list[Finding] = []
    for check in checks:
        for finding in _look(check, surroundings, seen):
            seen.add(finding.what)
            found.append(replace(finding, check=check.name))
        done(1)
    return found


def title_of(name: str) -> str:
    """What the check of that name is about."""
    return next(check.title for check in CHECKS if check.name == name)


def _look(check: Check, surroundings: Surroundings, seen: set[str]) -> list[Finding]:
    """What the check finds; one that could not look says so, and why only if no other check has said it."""
    try:
        found = check.look(surroundings)
    except (RingletError, OSError) as error:
        finding = of_error(error)
        repeated = finding.what in seen
        return [note(f"not looked at: {check.name}", why=finding.what) if repeated else finding]
    except Exception as error:  # noqa: BLE001 - whatever it is, the other checks go on
        # neither its text nor where it came from: both could hold what was being looked at
        return [problem(f"the check {check.name} failed", why=type(error).__name__, mend="report it as a bug")]
    return found or ([fine(check.otherwise)] if check.otherwise else [])
