"""What other programs keep in the Secret Service: read as far as it is open; nothing is unlocked, nobody is asked."""

from __future__ import annotations

import time

from ringlet_py import errors
from ringlet_py.backends.system.dbus import ErrorReply
from ringlet_py.backends.system.secret_service import Timeouts
from ringlet_py.backends.system.secret_service_conversation import ITEM, Conversation
from ringlet_py.backends.system.secret_service_objects import COLLECTION, default_collection, is_locked, properties

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Any, Self, TypeVar

    Result = TypeVar("Result")

MOST = 2_000  # items of one answer that are looked at
_SERVICE_PATH = "/org/freedesktop/secrets"
_SERVICE = "org.freedesktop.Secret.Service"


class Found:
    """One item that is not locked: what the service says of it, but for the value."""

    __slots__ = ("attributes", "path")

    def __init__(self, path: str, attributes: dict[str, str]) -> None:
        self.path = path
        self.attributes = attributes

    @property
    def collection(self) -> str:
        """The name of the collection it is in."""
        return self.path.rpartition("/")[0].rpartition("/")[2]


class Elsewhere:
    """A look at other programs' items; the first of all calls must be `search`, as `Conversation` says.

    Raises KeychainAbsent where there is no service, and the KeychainError that fits.
    """

    __slots__ = ("_conversation",)

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        timeouts: Timeouts | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        limits = timeouts or Timeouts()
        self._conversation = Conversation(environ, ask=False, say=_unheard, timeouts=limits, now=now)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._conversation.close()

    def search(self, attributes: dict[str, str]) -> tuple[list[Found], list[str]]:
        """The items with these attributes, and the paths of those that are locked."""
        unlocked, locked = _asked(lambda: self._conversation.search(attributes))
        return self._described(unlocked), list(locked)

    def collections(self) -> list[str]:
        """The collections that are not locked."""
        (paths,) = self._property([_SERVICE_PATH], _SERVICE, "Collections", "ao")
        locked = self._property(paths, COLLECTION, "Locked", "b")
        return [path for path, closed in zip(paths, locked, strict=True) if closed is False]

    def items(self, collection: str) -> list[Found]:
        """The items of a collection."""
        (paths,) = self._property([collection], COLLECTION, "Items", "ao")
        return self._described(paths or [])

    def is_locked(self) -> bool:
        """Whether the default collection is locked; False if there is none."""
        talk = self._conversation
        try:
            return _asked(lambda: is_locked(talk, default_collection(talk), COLLECTION))
        except errors.KeychainAbsent:
            return False

    def read(self, item: Found) -> bytes:
        """The item's value, as it is."""
        return _asked(lambda: self._conversation.read(item.path))

    def _described(self, paths: list[str]) -> list[Found]:
        shown = paths[:MOST]
        described = self._property(shown, ITEM, "Attributes", "a{ss}")
        return [Found(path, found) for path, found in zip(shown, described, strict=True) if found is not None]

    def _property(self, paths: list[str], interface: str, name: str, kind: str) -> list[Any]:
        return _asked(lambda: properties(self._conversation, paths, interface, name=name, kind=kind))


def _asked(ask: Callable[[], Result]) -> Result:
    try:
        return ask()
    except ErrorReply:  # the conversation lets only Vanished out
        raise errors.KeychainBroken("the keychain lost what it had just found") from None


def _unheard(what: str) -> None:
    """Nobody is asked, so there is nothing to wait for and nothing to say."""
