"""The Secret Service's calls that ringlet needs.

Interface: https://specifications.freedesktop.org/secret-service/latest/
"""

from __future__ import annotations

from ringlet_py import errors
from ringlet_py.backends.system.dbus import Call, ErrorReply
from ringlet_py.backends.system.dbus_wire import malformed
from ringlet_py.backends.system.secret_service_conversation import NOTHING, SERVICE_NAME, UNLOCK, Conversation
from ringlet_py.backends.system.secret_service_errors import VANISHED, Vanished, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ringlet_py.backends.system.dbus import Answer

ITEM = "org.freedesktop.Secret.Item"
COLLECTION = "org.freedesktop.Secret.Collection"

_SERVICE = ("/org/freedesktop/secrets", "org.freedesktop.Secret.Service")
_PROPERTIES = "org.freedesktop.DBus.Properties"


class Client:
    """The calls by name; `search` must be the first.  All raise Vanished, or the KeychainError that fits."""

    __slots__ = ("_begun", "_conversation", "_session")

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._begun = False
        self._session = ""

    def search(self, attributes: dict[str, str]) -> tuple[list[str], list[str]]:
        """The items with these attributes: those that are unlocked, those that are locked."""
        call = _service_call("SearchItems", signature="a{ss}", args=(attributes,), reply="aoao")
        unlocked, locked = self._conversation.call(call) if self._begun else self._conversation.begin(call)
        self._begun = True
        return unlocked, locked

    def read(self, item: str) -> bytes:
        """The item's value; KeychainLocked if it is locked."""
        args = (self._open_session(),)
        call = Call(SERVICE_NAME, (item, ITEM), "GetSecret", signature="o", args=args, reply="(oayays)")
        ((_, _, value, _),) = self._conversation.call(call)
        # KWallet gives an empty value, and no error, for an item that is locked
        if not value and self.is_locked(item, ITEM):
            raise errors.KeychainLocked("the keychain is locked")
        return bytes(value)

    def write(self, item: str, value: bytes) -> None:
        """Replace the item's value."""
        args = (self._packed(value),)
        self._conversation.call(Call(SERVICE_NAME, (item, ITEM), "SetSecret", signature="(oayays)", args=args))

    def create(self, collection: str, attributes: dict[str, str], value: bytes, *, label: str) -> None:
        """Make a new item in an unlocked collection."""
        properties = {f"{ITEM}.Label": ("s", label), f"{ITEM}.Attributes": ("a{ss}", attributes)}
        # `replace` stays false: over an existing item KeePassXC would open a dialog that nobody expects
        args = (properties, self._packed(value), False)
        target = (collection, COLLECTION)
        call = Call(SERVICE_NAME, target, "CreateItem", signature="a{sv}(oayays)b", args=args, reply="oo")
        _, prompt = self._conversation.call(call)
        # KeePassXC always returns a prompt, and answers it by itself where nothing is replaced
        self._conversation.prompt(prompt, doing="store the key", unseen=True)

    def delete(self, items: Sequence[str]) -> None:
        """Delete the items; one that is gone already is as good."""
        for item in items:
            try:
                (prompt,) = self._conversation.call(Call(SERVICE_NAME, (item, ITEM), "Delete", reply="o"))
            except Vanished:
                continue
            self._conversation.prompt(prompt, doing="delete the key")

    def properties(self, paths: Sequence[str], interface: str, name: str, *, kind: str) -> list[Any]:
        """What each object has as this property, of this D-Bus type, or None where the object is gone."""
        args = (interface, name)
        calls = [Call(SERVICE_NAME, (path, _PROPERTIES), "Get", signature="ss", args=args, reply="v") for path in paths]
        answers = self._conversation.batch(calls)
        return [self._property(call, answer, kind) for call, answer in zip(calls, answers, strict=True)]

    def default_collection(self) -> str:
        """The collection where new items go; KeychainAbsent if there is none."""
        call = _service_call("ReadAlias", signature="s", args=("default",), reply="o")
        (path,) = self._conversation.call(call)
        if path == NOTHING:
            raise errors.KeychainAbsent(
                "the Secret Service has no default collection",
                why="nobody has made one yet, as on a server where no one logs in at a screen",
            )
        return str(path)

    def is_locked(self, path: str, interface: str) -> bool:
        """Whether the object says that it is locked; KeychainBroken if it cannot say."""
        (locked,) = self.properties([path], interface, "Locked", kind="b")
        if locked is None:
            raise errors.KeychainBroken("the Secret Service does not say whether it is locked")
        return bool(locked)

    def unlock(self, paths: Sequence[str]) -> None:
        """Unlock these objects: without a word where the service can, else through the person."""
        prompt = self._unlock(paths)
        unseen = prompt != NOTHING and self._conversation.unlocks_unseen()
        if prompt != NOTHING and not unseen and self._conversation.waited_for_another():
            prompt = self._unlock(paths)
            if prompt != NOTHING:
                raise errors.KeychainLocked(
                    "the keychain is locked", why="another ringlet has just asked for it in vain"
                )
        self._conversation.prompt(prompt, doing=UNLOCK, unseen=unseen)

    def _unlock(self, paths: Sequence[str]) -> str:
        _, prompt = self._conversation.call(_service_call("Unlock", signature="ao", args=(paths,), reply="aoo"))
        return str(prompt)

    def _property(self, call: Call, answer: Answer, kind: str) -> Any:
        if isinstance(answer, ErrorReply):
            if answer.name not in VANISHED:
                refuse(answer.name)
            try:
                answer = self._conversation.call(call)
            except Vanished:
                return None
        ((found, value),) = answer
        if found != kind:
            malformed(f"a property of type {found!a} where {kind!a} was due")
        return value

    def _open_session(self) -> str:
        if not self._session:
            call = _service_call("OpenSession", signature="sv", args=("plain", ("s", "")), reply="vo")
            _, self._session = self._conversation.call(call)
        return self._session

    def _packed(self, value: bytes) -> tuple[str, bytes, bytes, str]:
        return self._open_session(), b"", value, "text/plain"


def _service_call(member: str, *, signature: str, args: Sequence[Any], reply: str) -> Call:
    return Call(SERVICE_NAME, _SERVICE, member, signature=signature, args=args, reply=reply)
