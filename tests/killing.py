"""Kills a process with SIGKILL before each of its system calls in turn."""

from __future__ import annotations

import os
import signal
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = (
    "open", "read", "write", "close", "fsync", "fstat", "stat", "lstat", "lseek", "listdir", "mkdir", "replace",
    "link", "unlink",
)  # fmt: skip
LIMIT = 2000


def kill_at_every_step(action: Callable[[], object], after_each: Callable[[], object], *, stride: int = 1) -> int:
    """Runs the action in children, the n-th of which dies at its n-th call, until one gets through.

    Returns how many calls it took.  What is to be true after each death is checked in this process.  A long action
    may be killed at every so many calls only.
    """
    for step in range(1, LIMIT, stride):
        if _survives(action, step):
            return step - 1
        after_each()
    raise AssertionError(f"not through after {LIMIT} steps")


def _survives(action: Callable[[], object], step: int) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child forks no lock that it takes
        pid = os.fork()
    if pid == 0:
        try:
            _die_at(step)
            action()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the child must never go on with the test
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0, "the action failed by itself"
    return True


def _die_at(step: int) -> None:
    left = [step]
    for name in CALLS:
        setattr(os, name, _counted(name, getattr(os, name), left))


def _counted(name: str, call: Callable[..., object], left: list[int]) -> Callable[..., object]:
    def counted(*args: object, **kwargs: object) -> object:
        left[0] -= 1
        if left[0] == 0:
            if name == "write":  # a death in the middle of writing leaves the first half
                call(args[0], bytes(args[1])[: len(bytes(args[1])) // 2])  # type: ignore[call-overload]
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)

    return counted
