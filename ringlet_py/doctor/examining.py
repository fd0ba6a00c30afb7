"""The checks, and how they are gone through: each alone, so that one which fails hides no other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ringlet_py.doctor import agents, commands, daemon, files, keychain, keys, places, records, settings, shell
from ringlet_py.doctor.finding import CHMOD, Finding, fine, note, problem
from ringlet_py.doctor.mending import of_trouble
from ringlet_py.errors import RingletError
from ringlet_py.files.checks import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ringlet_py.doctor.surroundings import Surroundings

    Look = Callable[[Surroundings], list[Finding]]


@dataclass(frozen=True)
class Check:
    """One check: its name, the part it belongs to, how it looks, and what is true where it finds nothing.

    `about` says in words what it looks at.
    """

    name: str
    title: str
    look: Look
    otherwise: str = ""
    about: str = ""

    @property
    def unseen(self) -> Finding:
        """What is said of it where it could not look: its name is for programs."""
        return note(f"not looked at: {self.about or self.name}")


MODES = "nobody else can change ringlet's files, or read its keys and records"
HARMLESS = "no variable carries a key or moves an agent's endpoint"
CHECKS = (
    Check("settings", "Settings", settings.configured, "the settings and the catalog can be read", "the settings"),
    Check("variables", "Settings", settings.variables_of_ringlet, about="ringlet's variables"),
    Check("backend", "Keychain", keychain.backends, about="which backend is in use"),
    Check("keychain", "Keychain", keychain.state, about="the OS keychain"),
    Check("master-key", "Keychain", keychain.master_key, about="the master key"),
    Check("modes", "Files", files.modes, MODES, "modes and owners"),
    Check("leftovers", "Files", files.leftovers, about="remains of interrupted writes"),
    Check("writable", "Files", files.writable, about="whether ringlet's folders can be written"),
    Check("places", "Files", places.shared, "no folder is synced, shared, or on the network", "where the folders lie"),
    Check("ledger", "Records", records.ledger, about="the ledger"),
    Check("audit", "Records", records.audit, about="the audit"),
    Check("clock", "Records", records.clock, about="the clock"),
    Check("missing", "Keys", keys.missing, "every key that is listed is there", "whether keys are missing"),
    Check("expiry", "Keys", keys.expiry, "no key has expired, or will within 14 days", "which keys expire"),
    Check("profiles", "Keys", keys.profiles, about="whether the profiles can start"),
    Check("shell", "This shell", shell.variables, HARMLESS, "variables that carry keys"),
    Check("ringlet", "This shell", commands.duplicates, about="which ringlets are on PATH"),
    Check("path", "This shell", commands.open_folders, "nobody else can put programs on PATH", "the folders of PATH"),
    Check("agents", "Agents", agents.found, about="which agents are here"),
    Check(
        "declined",
        "Agents",
        agents.declined,
        "Claude Code declines none of the keys",
        "whether Claude Code declines a key",
    ),
    Check("daemon", "Daemon", daemon.state, about="the daemon"),
)


def examine(
    surroundings: Surroundings, *, checks: Iterable[Check] = CHECKS, done: Callable[[int], object] = lambda _: None
) -> list[Finding]:
    """What every check finds, in their order; changes nothing that lasts.  After each, `done` is called with 1."""
    checks = list(checks)
    seen: set[str] = set()
    found: list[Finding] = []
    for check in checks:
        for finding in _look(check, surroundings, seen):
            seen.add(finding.what)
            found.append(replace(finding, check=check.name))
        done(1)
    return _once(found, {check.name: check for check in checks})


def title_of(name: str) -> str:
    """What the check of that name is about."""
    return next(check.title for check in CHECKS if check.name == name)


def _once(found: list[Finding], checks: dict[str, Check]) -> list[Finding]:
    """A mode that `--fix` mends is said there alone: other checks that came upon it have a command of their own."""
    paths = [quoted(repair.path) for each in found for repair in each.repairs if repair.verb == CHMOD]
    ends = tuple(f" {path}" for path in paths)
    told = [each for each in found if each.repairs or not (each.mend.startswith(CHMOD) and each.mend.endswith(ends))]
    heard = {each.check for each in told}
    return [
        each if each in told else replace(checks[each.check].unseen, why=each.what, check=each.check)
        for each in found
        if each in told or each.check not in heard
    ]


def _look(check: Check, surroundings: Surroundings, seen: set[str]) -> list[Finding]:
    """What the check finds; one that could not look says so, and why only if no other check has said it."""
    try:
        found = check.look(surroundings)
    except (RingletError, OSError) as error:
        finding = of_trouble(error, surroundings.system)
        repeated = finding.what in seen
        return [replace(check.unseen, why=finding.what) if repeated else finding]
    except Exception as error:  # noqa: BLE001 - whatever it is, the other checks go on
        # neither its text nor where it came from: both could hold what was being looked at
        return [problem(f"the check {check.name} failed", why=type(error).__name__, mend="report it as a bug")]
    return found or ([fine(check.otherwise)] if check.otherwise else [])
