"""What a check finds: the state of something, why it matters, and the command that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.errors import RingletError
from ringlet_py.files.checks import quoted, reason

if TYPE_CHECKING:
    from collections.abc import Iterable

OK = "ok"
NOTE = "note"
WARNING = "warning"
PROBLEM = "problem"
STATES = (OK, NOTE, WARNING, PROBLEM)  # from the best to the worst
CHMOD = "chmod"
REMOVE = "rm"


@dataclass(frozen=True, kw_only=True)
class Repair:
    """One change that loses nothing: the mode of what is ours, or what an interrupted ringlet has left behind."""

    verb: str
    path: str
    mode: int = 0

    @property
    def command(self) -> str:
        """The same as a person would type it."""
        return f"{CHMOD} {self.mode:o} {quoted(self.path)}" if self.verb == CHMOD else f"{REMOVE} {quoted(self.path)}"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check says about one thing; `mend` is a command, and `repair` what `--fix` does about it."""

    state: str
    what: str
    why: str = ""
    mend: str = ""
    repairs: tuple[Repair, ...] = ()
    check: str = ""

    @property
    def fixable(self) -> bool:
        """Whether `--fix` can mend it."""
        return bool(self.repairs)


def fine(what: str, *, why: str = "") -> Finding:
    """Something is as it should be."""
    return Finding(state=OK, what=what, why=why)


def note(what: str, *, why: str = "", mend: str = "") -> Finding:
    """Something that is worth knowing, and no fault."""
    return Finding(state=NOTE, what=what, why=why, mend=mend)


def warning(what: str, *, why: str = "", mend: str = "") -> Finding:
    """Something that works, and should not stay so."""
    return Finding(state=WARNING, what=what, why=why, mend=mend)


def problem(what: str, *, why: str = "", mend: str = "") -> Finding:
    """Something that does not work, or is open to others."""
    return Finding(state=PROBLEM, what=what, why=why, mend=mend)


def mendable(state: str, what: str, *repairs: Repair, why: str = "") -> Finding:
    """What `--fix` can mend; the command does the same."""
    mend = " && ".join(repair.command for repair in repairs)
    return Finding(state=state, what=what, why=why, mend=mend, repairs=repairs)


def of_error(error: RingletError | OSError, *, state: str = PROBLEM) -> Finding:
    """The finding that an error is."""
    if isinstance(error, RingletError):
        return Finding(state=state, what=error.what, why=error.why, mend=error.hint)
    what = f"{error.filename} cannot be read or written" if error.filename else "a file cannot be read or written"
    mend = f"ls -ld {quoted(str(error.filename))}" if error.filename else ""
    return Finding(state=state, what=what, why=reason(error), mend=mend)


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """How many there are of each state."""
    states = [finding.state for finding in findings]
    return {state: states.count(state) for state in STATES}


def many(count: int, what: str) -> str:
    """So many of them, in words."""
    return f"{count} {what}{'s' * (count != 1)}"


def needs_attention(findings: Iterable[Finding]) -> bool:
    """Whether anything is worse than a note."""
    return any(finding.state in (WARNING, PROBLEM) for finding in findings)
