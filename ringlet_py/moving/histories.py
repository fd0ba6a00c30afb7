"""Entries of shells' and other programs' histories that hold a stored value: counted, and taken out if asked to."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.moving.entries_of_histories import entries
from ringlet_py.moving.reading import read_source, why_not_edited
from ringlet_py.moving.replacing import ChangedError, replace
from ringlet_py.moving.stores.reading import Unread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ringlet_py.moving.reading import Source
    from ringlet_py.secret import Secret

WRITES_BACK = "a running shell writes what it remembers back when it ends: close it first, or "
# what each program's own way is, for entries that are still in a running one's memory
OWN_WAY = {
    "bash": f"{WRITES_BACK}history -c; history -r in it",
    "zsh": f"{WRITES_BACK}fc -p ~/.zsh_history in it (with share_history it reads the file again by itself)",
    "fish": "fish merges the file by itself; in it, history delete --contains WORD removes entries too",
    "nushell": f"{WRITES_BACK}history --clear in it",
    "powershell": "a running PowerShell forgets it with: [Microsoft.PowerShell.PSConsoleReadLine]::ClearHistory()",
    "other": "end the program first: it writes what it remembers back when it ends",
}
_DATABASE = ".sqlite3"
_FILES = (
    (".bash_history", "bash"),
    (".local/state/bash/history", "bash"),
    (".bash_sessions/*.history*", "bash"),
    (".zsh_history", "zsh"),
    (".zsh_sessions/*.history*", "zsh"),
    (".local/state/zsh/history", "zsh"),
    (".zhistory", "zsh"),
    (".histfile", "zsh"),
    (".sh_history", "bash"),
    (".local/share/fish/*_history", "fish"),
    (".config/nushell/history.txt", "nushell"),
    (".config/nushell/history.sqlite3*", "nushell"),
    ("Library/Application Support/nushell/history.txt", "nushell"),
    ("Library/Application Support/nushell/history.sqlite3*", "nushell"),
    (".local/share/powershell/PSReadLine/*_history.txt", "powershell"),
    ("AppData/Roaming/Microsoft/Windows/PowerShell/PSReadLine/*_history.txt", "powershell"),
    (".python_history", "other"),
    (".node_repl_history", "other"),
    (".psql_history", "other"),
    (".mysql_history", "other"),
    (".sqlite_history", "other"),
    (".rediscli_history", "other"),
    (".irb_history", "other"),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class History:
    """A history with entries that hold a value: how many, and the file without them."""

    source: Source
    kind: str
    count: int
    addresses: tuple[str, ...]
    content: bytes
    why_not: str = ""

    @property
    def own_way(self) -> str:
        """How the program itself forgets an entry."""
        return OWN_WAY[self.kind]


def found(secrets: Mapping[str, Secret], *, home: str, environ: Mapping[str, str]) -> tuple[list[History], list[str]]:
    """The histories that hold one of these values, and notes on what could not be read."""
    histories, notes, seen = [], [], set()
    for path, kind in _files(home, environ):
        real = os.path.realpath(path)
        if real in seen or _holds_nothing(real):
            continue
        seen.add(real)
        try:
            source = read_source(path)
        except FileNotFoundError:
            continue
        except Unread as problem:
            notes.append(str(problem))
            continue
        history = _looked_at(source, kind, secrets)
        histories += [history] if history.count else []
    return histories, notes


def _holds_nothing(real: str) -> bool:
    """Whether it is there and no file, as where a person has put a link to /dev/null."""
    return os.path.exists(real) and not os.path.isfile(real)


def remove(histories: Sequence[History]) -> list[str]:
    """Takes the entries out, each file at once; returns what could not be done."""
    problems = []
    for each in histories:
        if each.why_not:
            problems.append(f"{each.source.path} was left as it is: {each.why_not}")
            continue
        try:
            replace(each.source, each.content)
        except ChangedError as problem:
            problems.append(str(problem))
        except OSError as problem:
            problems.append(f"{each.source.path} was left as it is: {problem.strerror}")
    return problems


def _looked_at(source: Source, kind: str, secrets: Mapping[str, Secret]) -> History:
    whole = source.raw.decode("latin-1")
    there = {address: secret for address, secret in secrets.items() if secret.redact(whole) != whole}
    kept = [entry for entry in entries(source.raw, kind) if not _holds(entry, there)] if there else []
    count = len(entries(source.raw, kind)) - len(kept) if there else 0
    return History(
        source=source,
        kind=kind,
        count=count,
        addresses=tuple(there),
        content=b"".join(kept),
        why_not="it is of a database" if _DATABASE in source.real else why_not_edited(source.real),
    )


def _holds(entry: bytes, secrets: Mapping[str, Secret]) -> bool:
    text = entry.decode("latin-1")
    return any(secret.redact(text) != text for secret in secrets.values())


def _files(home: str, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    given = environ.get("HISTFILE", "")
    if os.path.isabs(given):
        yield given, "zsh" if os.path.basename(environ.get("SHELL", "")) == "zsh" else "bash"
    zsh = environ.get("ZDOTDIR", "")
    if os.path.isabs(zsh):
        yield os.path.join(zsh, ".zsh_history"), "zsh"
    data = environ.get("XDG_DATA_HOME", "")
    if os.path.isabs(data):
        yield from ((path, "fish") for path in glob.glob(os.path.join(glob.escape(data), "fish/*_history")))
    for name, kind in _FILES:
        pattern = os.path.join(glob.escape(home), name)
        yield from (
            (path, kind) for path in (sorted(glob.glob(pattern)) if "*" in name else [os.path.join(home, name)])
        )
