"""One transaction on a kept connection, in turn with other processes, or at once and only to look."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ringlet_py.files.queue import Queue

    Action = Callable[[sqlite3.Connection], "Answer"]
    Opened = tuple[sqlite3.Connection, Queue]

Answer = TypeVar("Answer")


class Busy(Exception):  # noqa: N818 - no error, the way out of an action that would have to wait
    """Somebody else writes just now."""


def in_turn(opened: Opened, action: Action[Answer], *, end: str, patience: float) -> Answer:
    """What the action answers, in a transaction that ends so; it waits for others for so many seconds each time."""
    connection, queue = opened
    queue.enter(limit=patience)
    try:
        _begin(opened, patience)
        answer = action(connection)
        connection.execute(end)
    except BaseException:
        if connection.in_transaction:
            connection.rollback()
        raise
    finally:
        queue.leave()
    return answer


def in_turn_on_disk(opened: Opened, action: Action[Answer], *, end: str, patience: float) -> Answer:
    """The same, on disk when it returns."""
    connection, _ = opened
    connection.execute("PRAGMA synchronous = FULL")
    try:
        return in_turn(opened, action, end=end, patience=patience)
    finally:
        connection.execute("PRAGMA synchronous = NORMAL")


def at_once(opened: Opened, action: Action[Answer]) -> Answer:
    """What the action answers from what is kept now, and nothing is; Busy where it would wait for whoever writes."""
    connection, _ = opened
    with _patience(opened, 0):
        try:
            connection.execute("BEGIN")
            return action(connection)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise Busy from None
            raise
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def is_free(opened: Opened) -> bool:
    """Whether nobody writes now, be it another program that knows nothing of the queue."""
    connection, _ = opened
    with _patience(opened, 0):
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.Error:
            return False
    return True


def _begin(opened: Opened, patience: float) -> None:
    connection, queue = opened
    if patience == queue.limit:  # as long as the connection waits of itself
        connection.execute("BEGIN IMMEDIATE")
        return
    with _patience(opened, patience):
        connection.execute("BEGIN IMMEDIATE")


@contextmanager
def _patience(opened: Opened, seconds: float) -> Iterator[None]:
    """Within it SQLite waits so long for others, and then as long as the queue."""
    connection, queue = opened
    connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {round(queue.limit * 1000)}")
