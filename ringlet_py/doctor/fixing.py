"""What `--fix` does: modes of what is ours, and leftovers taken away; nothing that cannot be undone."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from ringlet_py.doctor.examining import CHECKS, examine
from ringlet_py.doctor.finding import CHMOD, Finding, Repair
from ringlet_py.errors import InsecurePermissions
from ringlet_py.files.checks import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringlet_py.doctor.surroundings import Surroundings

NOBODY = -1  # where users have no numbers
_MENDING = ("modes", "leftovers", "path", "daemon")


def repairs_of(findings: Iterable[Finding]) -> list[Repair]:
    """The repairs of all findings: folders before what is in them."""
    return sorted({repair for each in findings for repair in each.repairs}, key=lambda repair: repair.path)


def still_needed(agreed: Iterable[Repair], surroundings: Surroundings) -> list[Repair]:
    """Those to which the person agreed that are due now too: a daemon may have been started meanwhile."""
    checks = [check for check in CHECKS if check.name in _MENDING]
    due = set(repairs_of(examine(surroundings, checks=checks)))
    return [repair for repair in agreed if repair in due]


def mend(repair: Repair, *, user: int) -> None:
    """Does it; raises InsecurePermissions for what is not ours or a link, OSError where the system refuses."""
    if repair.verb == CHMOD:
        _change_mode(repair, user)
    else:
        _check(os.lstat(repair.path), repair, user)
        os.unlink(repair.path)


def _change_mode(repair: Repair, user: int) -> None:
    """On a descriptor, so that it is the mode of what was checked."""
    fd = os.open(repair.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _check(os.fstat(fd), repair, user)
        os.fchmod(fd, repair.mode)
    finally:
        os.close(fd)


def _check(status: os.stat_result, repair: Repair, user: int) -> None:
    """Raises unless it is ours, and what a repair is for."""
    folder = stat.S_ISDIR(status.st_mode) and repair.verb == CHMOD
    left = stat.S_ISSOCK(status.st_mode) and repair.verb != CHMOD
    if user not in (status.st_uid, NOBODY) or not (stat.S_ISREG(status.st_mode) or folder or left):
        what = f"{repair.path} is not a file of yours: it is left as it is"
        raise InsecurePermissions(what, hint=f"ls -ld {quoted(repair.path)}")
