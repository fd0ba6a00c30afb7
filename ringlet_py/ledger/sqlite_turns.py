"""One transaction on a kept connection, in turn with other processes, or at once and only to look."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.files.queue import Queue

    Action = Callable[[sqlite3.Connection], "Answer"]

Answer = TypeVar("Answer")


class Opened:
    """A connection, and the queue in which it waits for its turn; SQLite waits for others as long as it is told to."""

    __slots__ = ("_patience", "connection", "queue")

    def __init__(self, connection: sqlite3.Connection, queue: Queue) -> None:
        self.connection = connection
        self.queue = queue
        self._patience = queue.limit

    def wait(self, seconds: float) -> None:
        """From now on SQLite waits so long."""
        if seconds != self._patience:
            self.connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
            self._patience = seconds


class Busy(Exception):  # noqa: N818 - no error, the way out of an action that would have to wait
    """Somebody else writes just now."""


def in_turn(opened: Opened, action: Action[Answer], *, end: str, patience: float) -> Answer:
    """What the action answers, in a transaction that ends so; it waits for others for so many seconds each time."""
    connection, queue = opened.connection, opened.queue
    queue.enter(limit=patience)
    try:
        opened.wait(patience)
        connection.execute("BEGIN IMMEDIATE")
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
    connection = opened.connection
    opened.wait(patience)  # which the PRAGMA may have to as well
    connection.execute("PRAGMA synchronous = FULL")
    try:
        return in_turn(opened, action, end=end, patience=patience)
    finally:
        connection.execute("PRAGMA synchronous = NORMAL")


def at_once(opened: Opened, action: Action[Answer]) -> Answer:
    """What the action answers from what is kept now, and nothing is; Busy where it would wait for whoever writes."""
    connection = opened.connection
    opened.wait(0)
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
