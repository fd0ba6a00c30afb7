"""What the stores in other tools' databases share: the rows as the tool wrote them, or a note why there are none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ringlet_py.errors import InvalidSecret, KeychainError
from ringlet_py.ledger.elsewhere import Elsewhere, looking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ringlet_py.moving.stores import Candidate

Row = dict[str, Any]


class UnknownShapeError(Exception):
    """The database is not of the tool's making, or of a version that we do not know."""


def looked(path: str, tool: str, look: Callable[[Elsewhere], list[Row]]) -> tuple[list[Row], list[str]]:
    """What `look` finds in the database, and a note if it finds nothing that it can read."""
    try:
        with looking(path) as database:
            return look(database), []
    except FileNotFoundError:
        return [], []
    except UnknownShapeError:
        return [], [f"{path} was not read: it is not a database of {tool} as we know them"]
    except KeychainError as problem:
        return [], [told(problem)]


def rows(database: Elsewhere, table: str, columns: Sequence[str]) -> list[Row]:
    """These columns of the table's rows, by name."""
    return [dict(zip(columns, row, strict=True)) for row in database.rows(table, columns)]


def offered(path: str, found: Iterable[Row], offer: Callable[[Row], Candidate]) -> tuple[list[Candidate], list[str]]:
    """What `offer` makes of each row, and a note for each row that holds no key."""
    candidates, notes = [], []
    for row in found:
        try:
            candidates.append(offer(row))
        except (KeychainError, InvalidSecret) as problem:
            notes.append(f"{path}, key {_number(row)}: {told(problem)}")
        except (ValueError, TypeError, OverflowError):
            notes.append(f"{path}, key {_number(row)}: it is not as the tool writes it")
    return candidates, notes


def told(problem: KeychainError | InvalidSecret) -> str:
    """The problem in one line."""
    return f"{problem.what}: {problem.why}" if problem.why else problem.what


def _number(row: Row) -> str:
    # anybody may have made the file: only what a tool uses as a number is repeated
    return str(row["id"]) if re.fullmatch("[0-9a-f-]{1,36}", str(row["id"])) else "?"
