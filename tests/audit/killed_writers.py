"""Run as a program by test_crash: writers that are killed at each of their system calls, one after the other.

Arguments: the folder to work in, the kind of log to start from, how a write is cut short, and whether the log is held
open (`held`).
For each call a fresh log is prepared under `<folder>/<n>`; one line on standard output names the call.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from ringlet_py.audit.chain import HEAD_LENGTH
from ringlet_py.audit.held import HeldAudit
from ringlet_py.audit.log import Audit, Process

CALLS = ("open", "write", "pwrite", "rename", "lseek", "read", "pread", "ftruncate", "mkdir", "fstat", "close")
KINDS = {"opened": Audit, "held": HeldAudit}
SOMEBODY = Process(uid=1000, pid=1, parent=1)


def main(folder: str, kind: str, cut: str, held: str) -> None:
    for n in range(1, 200):
        place = f"{folder}/{n}"
        max_size = prepare(place, kind)
        child = os.fork()
        if child == 0:
            die_at_call(n, cut)
            append(place, "interrupted", max_size, made=KINDS[held])
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return
        print(n, max_size, flush=True)  # noqa: T201 - the test reads it


def prepare(place: str, kind: str) -> int:
    """Makes the log to start from; the answer is the size at which the next append rotates."""
    max_size = 1 if kind == "rotate" else 1 << 20
    if kind == "first":
        return max_size
    for purpose in ("one", "two"):
        append(place, purpose, 1 << 20)
    if kind == "torn":
        with open(f"{place}/audit.jsonl", "ab") as file:
            file.write(b'{"at":"2026-11-18T11:06:40.000Z","acti')
    if kind in ("cut", "headless"):
        with open(f"{place}/audit.jsonl", "rb+") as file:
            file.truncate(len(file.readline()))
    if kind == "headless":
        os.unlink(f"{place}/audit.head")
    return max_size


def append(place: str, purpose: str, max_size: int, *, made: type[Audit] = Audit) -> None:
    audit = made(place, enabled=True, max_size=max_size, clock=lambda: 1_795_000_000.0, process=lambda: SOMEBODY)
    audit.append("claim", "ok", purpose=purpose)


def begun(data: bytes, cut: str) -> bytes:
    """What a kill in the middle leaves: a line may span pages, but within a page (the head) a write is whole."""
    if cut == "before" or len(data) == HEAD_LENGTH:
        return b""
    return data[:-1] if cut == "last" else data[: len(data) // 2]


def die_at_call(n: int, cut: str) -> None:
    count = 0

    def deadly(name: str) -> Any:
        real = getattr(os, name)

        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == n:
                if name in ("write", "pwrite"):
                    real(arguments[0], begun(arguments[1], cut), *arguments[2:])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        return call

    for name in CALLS:
        setattr(os, name, deadly(name))


if __name__ == "__main__":
    main(*sys.argv[1:])
