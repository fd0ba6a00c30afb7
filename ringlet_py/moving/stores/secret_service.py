"""What the stores in the Secret Service share: a look at it, and what becomes of an item.

Nothing is unlocked and no window opens: what is locked is a note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.backends.system.secret_service_elsewhere import Elsewhere
from ringlet_py.errors import InvalidSecret, KeychainAbsent, KeychainError
from ringlet_py.files.checks import quoted
from ringlet_py.moving.stores.databases import told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ringlet_py.backends.system.secret_service_elsewhere import Found
    from ringlet_py.moving.stores import Candidate

SCHEMA = "xdg:schema"  # the attribute in which libsecret keeps what kind of item it is
# what libsecret and KeePassXC add to an item's attributes
ADDED = frozenset([SCHEMA, "Notes", "Path", "Title", "URL", "UserName", "Uuid"])

Finds = tuple[list["Candidate"], list[str]]


def looked(environ: Mapping[str, str], tool: str, look: Callable[[Elsewhere], Finds]) -> Finds:
    """What `look` finds in the service; nothing where there is no service, a note where it cannot be asked."""
    try:
        with Elsewhere(environ) as service:
            return look(service)
    except KeychainAbsent:
        return [], []
    except KeychainError as problem:
        return [], [f"{tool} was not looked for: {told(problem)}"]


def offered(tool: str, items: Iterable[Found], offer: Callable[[Found], list[Candidate]]) -> Finds:
    """What `offer` makes of each item, and a note for each that could not be read or holds no key."""
    found: list[Candidate] = []
    notes = []
    for item in items:
        try:
            found += offer(item)
        except (KeychainError, InvalidSecret) as problem:
            notes.append(f"{tool}: an item in the {item.collection} collection was left out: {told(problem)}")
    return found, notes


def locked(tool: str, paths: Iterable[str]) -> list[str]:
    """A note if items of the tool are locked."""
    count = len(set(paths))
    are = "1 item is" if count == 1 else f"{count} items are"
    return [f"{tool}: {are} locked: unlock the keychain, then look again"] if count else []


def place(item: Found) -> str:
    """Where the item is, as people know it."""
    return f"Secret Service, {item.collection} collection"


def clearing(attributes: Mapping[str, str]) -> str:
    """The command that removes the items with these attributes."""
    words = [quoted(word) for pair in attributes.items() for word in pair]
    return " ".join(["secret-tool clear", *words])
