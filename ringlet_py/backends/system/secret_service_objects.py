"""What the Secret Service says of its items and collections: their properties, and whether they are locked."""

from __future__ import annotations

from ringlet_py import errors
from ringlet_py.backends.system.dbus import BATCH, Call, ErrorReply
from ringlet_py.backends.system.dbus_wire import malformed
from ringlet_py.backends.system.secret_service_conversation import ITEM, SERVICE_NAME, service_call
from ringlet_py.backends.system.secret_service_errors import VANISHED, Vanished, refuse
from ringlet_py.backends.system.stored import secret_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ringlet_py.backends.system.dbus import Answer
    from ringlet_py.backends.system.secret_service_conversation import Conversation
    from ringlet_py.entry import Address
    from ringlet_py.secret import Secret

COLLECTION = "org.freedesktop.Secret.Collection"
NOTHING = "/"  # the object path that stands for "none"

_PROPERTIES = "org.freedesktop.DBus.Properties"


def properties(conversation: Conversation, paths: Sequence[str], interface: str, *, name: str, kind: str) -> list[Any]:
    """What each object has as this property, of this D-Bus type, or None where the object is gone."""
    args = (interface, name)
    calls = [Call(SERVICE_NAME, (path, _PROPERTIES), "Get", signature="ss", args=args, reply="v") for path in paths]
    answers = batch(conversation, calls)
    return [_property(conversation, call, answer, kind) for call, answer in zip(calls, answers, strict=True)]


def batch(conversation: Conversation, calls: Sequence[Call]) -> list[Answer]:
    """What each of the calls returns, error replies included."""
    answers: list[Answer] = []
    for start in range(0, len(calls), BATCH):
        answers += conversation.connection.batch(calls[start : start + BATCH], conversation.timeouts.call)
    return answers


def is_locked(conversation: Conversation, path: str, interface: str) -> bool:
    """Whether the object says that it is locked; KeychainBroken if it cannot say."""
    (locked,) = properties(conversation, [path], interface, name="Locked", kind="b")
    if locked is None:
        raise errors.KeychainBroken("the Secret Service does not say whether it is locked")
    return bool(locked)


def secret_in(conversation: Conversation, item: str, address: Address, *, raw: bytes, place: str) -> Secret:
    """What was read from the item as a secret; KeychainLocked if it is locked, KeychainBroken if it is no key."""
    # KWallet gives an empty value, and no error, for an item that is locked
    if not raw and is_locked(conversation, item, ITEM):
        raise errors.KeychainLocked("the keychain is locked")
    return secret_from(raw, address, place=place)


def newest(conversation: Conversation, items: list[str]) -> str:
    """The item that was changed last."""
    if len(items) == 1:
        return items[0]
    times = properties(conversation, items, ITEM, name="Modified", kind="t")
    # the path decides between equal times, so that every reader takes the same one
    return max(zip((moment or 0 for moment in times), items, strict=True))[1]


def default_collection(conversation: Conversation) -> str:
    """The collection where new items go; KeychainAbsent if there is none."""
    (path,) = conversation.call(service_call("ReadAlias", signature="s", args=("default",), reply="o"))
    if path == NOTHING:
        raise errors.KeychainAbsent(
            "the Secret Service has no default collection",
            why="nobody has made one yet, as on a server where no one logs in at a screen",
        )
    return str(path)


def _property(conversation: Conversation, call: Call, answer: Answer, kind: str) -> Any:
    if isinstance(answer, ErrorReply):
        if answer.name not in VANISHED:
            refuse(answer.name)
        try:
            answer = conversation.call(call)
        except Vanished:
            return None
    ((found, value),) = answer
    if found != kind:
        malformed(f"a property of type {found!a} where {kind!a} was due")
    return value
