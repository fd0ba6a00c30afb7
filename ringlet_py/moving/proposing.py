"""Which address each key is to have: the one that its value has already, else a free one that says where it lay."""

from __future__ import annotations

import os
import re
from itertools import count
from typing import TYPE_CHECKING

from ringlet_py.entry import DEFAULT_ALIAS, MAX_NAME
from ringlet_py.moving.below import kind_of
from ringlet_py.moving.judging import CUSTOM, LEFT
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ringlet_py.moving.finding import Find

_TELLS_NOTHING = ("", DEFAULT_ALIAS, "env", "environment", "config", "settings", "local")


def proposed(finds: Sequence[Find], taken: Iterable[str], home: str) -> list[Find]:
    """The finds with addresses: the same value gets one, wherever it lies, and none that is taken by another."""
    salt = Secret(os.urandom(16).hex())
    used = set(taken)
    by_value: dict[str, str] = {}
    possible = [find for find in finds if find.judgement.level != LEFT]
    for find in sorted(possible, key=lambda each: not each.stored):
        print_ = _print(find, salt)
        if print_ not in by_value:
            by_value[print_] = find.judgement.stored or next(each for each in _wishes(find, home) if each not in used)
            used.add(by_value[print_])
    return [find if find.judgement.level == LEFT else find.at(by_value[_print(find, salt)]) for find in finds]


def _print(find: Find, salt: Secret) -> str:
    """Equal for equal values, in this process alone."""
    return find.value.fingerprint(salt) if find.value is not None else f"{find.place}\0{find.name}"


def _wishes(find: Find, home: str) -> Iterator[str]:
    """The addresses it could have, the best first, without end."""
    provider = find.judgement.provider or CUSTOM
    base = _alias(find.name) if provider == CUSTOM else DEFAULT_ALIAS
    hints = [DEFAULT_ALIAS if base in _TELLS_NOTHING else base, *([_alias(find.hint)] if find.hint else [])]
    if find.candidate is not None and find.hint:
        hints.reverse()  # another tool's own name for it says more than `default`
    if hints[0] == DEFAULT_ALIAS and project_of(find.place, find.kind, home):
        hints = [hint for hint in hints if hint != DEFAULT_ALIAS]  # which is for the person's own, not for a clone's
    named = [hint for hint in hints if hint not in _TELLS_NOTHING[2:] and hint]
    yield from (f"{provider}/{name}" for name in named)
    last = (named or [DEFAULT_ALIAS])[-1]
    yield from (f"{provider}/{last[: MAX_NAME - 6]}-{number}" for number in count(2))


def _alias(text: str) -> str:
    """The text as an alias: lower case, with '-' for what is not allowed."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[: MAX_NAME - 6].rstrip("-.")


def hint_of(path: str, kind: str, home: str) -> str:
    """What a file's place says of the keys in it: the name of its project, or of the program that reads it."""
    folder, name = os.path.split(path)
    if project := project_of(path, kind, home):
        ending = re.sub(r"^\.env(rc)?[.\-_]?|\.env$", "", name) if kind == "dotenv" else ""
        return project if ending in ("", "local", "example") else f"{project}-{ending}"
    if kind not in ("agent", "dotenv", "mcp") or (folder == home and kind != "agent"):
        return ""
    named = name.split(".")[1] if name.startswith(".") and kind != "dotenv" else ""
    return _alias(named or os.path.basename(folder))


def project_of(path: str, kind: str, home: str) -> str:
    """The name of the folder whose file it is, which others may have written; "" of what is the person's own."""
    folder = os.path.dirname(path)
    if kind not in ("dotenv", "mcp") or (kind == "mcp" and kind_of(path) != kind):
        return ""
    while os.path.basename(folder).startswith(".") and folder != home:
        folder = os.path.dirname(folder)
    return "" if folder == home else os.path.basename(folder)
