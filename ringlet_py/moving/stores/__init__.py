"""Keys that other tools keep: read, never changed; each tool is one module here.

Every store keeps this contract:

- `finds` reads and changes nothing, opens no window and asks nobody; it never raises: what could not be read is a
  note, which tells locked, broken and not allowed apart.  What is not there at all is no note.
- It offers what is a key as far as can be told, with the provider of the catalog where the tool's own name for it, or
  the value, says which.
- No note, place, name or field holds a value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ringlet_py.secret import Secret


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """A key in another tool's store.

    `value` is None where to read it may ask a person (a passphrase, a window): only `secret` reads it then.
    `fields` are those of an entry, as `fields.checked` takes them, and `bound` its bound secrets.  `remove` is the
    command, or the words, by which a person removes all of it there, since ringlet does not change what is another
    tool's.
    """

    place: str  # the file, or the store as people know it
    name: str  # what the tool calls it
    value: Secret | None
    provider: str = ""  # "" where nothing says it
    alias: str = ""
    line: int = 0  # from 1; 0 where there are no lines
    remove: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    bound: Mapping[str, Secret] = field(default_factory=dict)
    later: Callable[[], Secret] | None = field(default=None, repr=False)  # it holds names as the tool has them

    def secret(self) -> Secret:
        """The value; where it is not at hand it is read now, which may ask the person.

        Raises KeychainLocked, KeychainDenied, KeychainTimeout, KeychainBroken, or InvalidSecret for what is no key.
        """
        if self.value is not None:
            return self.value
        if self.later is None:
            raise ValueError(f"{self.name} in {self.place} has no value")
        return self.later()


class Store(Protocol):
    """Another tool's store on this machine."""

    def finds(self) -> tuple[list[Candidate], list[str]]:
        """The keys in it, in the order in which the tool has them, and notes on what could not be read."""
