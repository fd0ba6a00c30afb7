"""Compiled launch plans in the cache folder: what planning came to, kept until one of its sources changes.

A compiled plan holds no secret.  It is valid only while every file that planning read (or found missing) is
the same by size, times, inode, mode and owner; anything else about it (missing, damaged, foreign, of another
ringlet or Python) means planning again.
"""

from __future__ import annotations

import marshal
import os
import sys

from ringlet_py import __version__, errors
from ringlet_py.entry import Address, check_name
from ringlet_py.files.private import read_private, write_private
from ringlet_py.image import check_of, stamp_of
from ringlet_py.plan import LaunchPlan
from ringlet_py.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Stamp = tuple[str, tuple[int, ...]]

MAGIC = f"ringlet plan 2 {__version__} {sys.hexversion:x}\n".encode()
# replaced with every change of the ledger, which in WAL mode does not show one by its own times
GENERATION = "generation"
# a file changed this shortly before it was stamped could change again without its times showing it
SETTLED = 100_000_000  # nanoseconds
_CHECK_LENGTH = 8


class PlanStore:
    """The compiled plans of one cache folder."""

    __slots__ = ("_folder",)

    def __init__(self, cache_folder: str) -> None:
        self._folder = os.path.join(cache_folder, "plans")

    def load(self, profile: str, *, sources: Iterable[str] = ()) -> tuple[LaunchPlan, Settings] | None:
        """The profile's plan with the settings it was made under, or None where planning is needed.

        The plan must have been made from these sources: another environment may share the cache folder and
        have its configuration elsewhere.
        """
        try:
            stamps, plan, settings = _unpacked(read_private(self._path(profile)))
            if not {path for path, _ in stamps}.issuperset(sources):
                return None
            if not all(stamp_of(path) == state for path, state in stamps):
                return None
            return _plan(plan), Settings(**settings)
        except (OSError, errors.RingletError, ValueError, EOFError, TypeError, KeyError):
            return None

    def save(self, plan: LaunchPlan, settings: Settings, stamps: list[Stamp], *, now: int) -> None:
        """Keeps the plan; `stamps` were taken before its sources were read, `now` is in nanoseconds.

        A cache that cannot be written costs time only, so that is no error.
        """
        if any(_is_fresh(state, now) for _, state in stamps):
            return
        body = marshal.dumps((stamps, _fields(plan), {name: getattr(settings, name) for name in Settings.__slots__}))
        try:
            write_private(self._path(plan.profile), MAGIC + check_of(body) + body)
        except (OSError, errors.RingletError):
            return

    def forget(self, profile: str) -> None:
        """Takes the plan away."""
        try:
            os.unlink(self._path(profile))
        except OSError:
            return

    def _path(self, profile: str) -> str:
        return os.path.join(self._folder, f"{check_name('profile', profile)}.plan")


def stamps_of(paths: Iterable[str]) -> list[Stamp]:
    """How each file stands now."""
    return [(path, stamp_of(path)) for path in paths]


def _is_fresh(state: tuple[int, ...], now: int) -> bool:
    return bool(state) and max(state[:2]) > now - SETTLED


def _unpacked(raw: bytes) -> tuple[list[Stamp], dict[str, Any], dict[str, Any]]:
    start = len(MAGIC) + _CHECK_LENGTH
    body = raw[start:]
    # the check comes first: marshal may crash on what was damaged
    if raw[:start] != MAGIC + check_of(body):
        raise ValueError
    return marshal.loads(body)  # type: ignore[no-any-return]  # noqa: S302 - a private file of ours, checked whole


def _fields(plan: LaunchPlan) -> dict[str, Any]:
    fields = {name: getattr(plan, name) for name in LaunchPlan.__slots__}
    return {**fields, "keys": {name: (a.provider, a.alias, a.field) for name, a in plan.keys.items()}}


def _plan(fields: dict[str, Any]) -> LaunchPlan:
    keys: dict[str, tuple[str, str, str]] = fields.pop("keys")
    return LaunchPlan(keys={name: Address(*parts) for name, parts in keys.items()}, **fields)
