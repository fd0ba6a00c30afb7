"""Setting and removing entries in the Secret Service."""

from __future__ import annotations

from ringlet_py import errors
from ringlet_py.backends.system.dbus import Call
from ringlet_py.backends.system.secret_service_conversation import ITEM, SERVICE, SERVICE_NAME, attributes_of
from ringlet_py.backends.system.secret_service_errors import Vanished
from ringlet_py.backends.system.secret_service_objects import COLLECTION, default_collection, newest, secret_in
from ringlet_py.backends.system.secret_service_person import prompt
from ringlet_py.backends.system.stored import changed_under_us, missing, too_long
from ringlet_py.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringlet_py.backends.system.secret_service_conversation import Conversation
    from ringlet_py.entry import Address

# libsecret's name for "no particular schema": secret-tool writes it, so its `store` finds our items and replaces them
_SCHEMA = {"xdg:schema": "org.freedesktop.Secret.Generic"}


def refuse_unfit(secret: Secret, address: Address, *, most: int, place: str) -> None:
    """InvalidSecret for a value of more than `most` characters, or one that ends in a line break."""
    # whoever made the Secret: a line break would cost the person every other entry of a password-less keyring
    value = secret.reveal()
    if len(value) > most:
        raise too_long(f"{address} was not written", most, place=place)
    if not Secret.from_input(value.encode(errors="surrogatepass")).same_as(secret):
        raise errors.InvalidSecret(f"{address} was not written", why="the value ends in a line break")


def store(conversation: Conversation, items: list[str], address: Address, *, secret: Secret, place: str) -> None:
    """Make the entry, or change the newest of its items and delete the others, and read it back."""
    value = secret.reveal().encode()
    if items:
        kept = newest(conversation, items)
        _write(conversation, kept, value)
        _refuse_difference(conversation, kept, address, secret=secret, place=place)
        _delete(conversation, [item for item in items if item != kept])
    else:
        _create(conversation, address, value)
    written = _only_item(conversation, address, place=place)
    _refuse_difference(conversation, written, address, secret=secret, place=place)


def remove(conversation: Conversation, items: list[str], address: Address, *, place: str) -> None:
    """Delete these items of the address; KeyNotFound if there is none."""
    if not items:
        raise missing(address, place=place)
    _delete(conversation, items)
    if any(conversation.search(attributes_of(address))):
        raise errors.KeychainBroken(f"{address} is still in the {place}", why="the service said that it was deleted")


def _write(conversation: Conversation, item: str, value: bytes) -> None:
    args = (_packed(conversation, value),)
    conversation.call(Call(SERVICE_NAME, (item, ITEM), "SetSecret", signature="(oayays)", args=args))


def _create(conversation: Conversation, address: Address, value: bytes) -> None:
    target = (default_collection(conversation), COLLECTION)
    attributes = {**attributes_of(address), **_SCHEMA}
    properties = {f"{ITEM}.Label": ("s", f"{SERVICE}/{address}"), f"{ITEM}.Attributes": ("a{ss}", attributes)}
    # `replace` stays false: over an existing item KeePassXC would open a dialog that nobody expects
    args = (properties, _packed(conversation, value), False)
    call = Call(SERVICE_NAME, target, "CreateItem", signature="a{sv}(oayays)b", args=args, reply="oo")
    _, path = conversation.call(call)
    # KeePassXC always returns a prompt, and answers it by itself where nothing is replaced
    prompt(conversation, path, doing="store the key", unseen=True)


def _delete(conversation: Conversation, items: Sequence[str]) -> None:
    for item in items:
        try:
            (path,) = conversation.call(Call(SERVICE_NAME, (item, ITEM), "Delete", reply="o"))
        except Vanished:
            continue  # as good
        prompt(conversation, path, doing="delete the key")


def _packed(conversation: Conversation, value: bytes) -> tuple[str, bytes, bytes, str]:
    return conversation.session(), b"", value, "text/plain"


def _only_item(conversation: Conversation, address: Address, *, place: str) -> str:
    unlocked, locked = conversation.search(attributes_of(address))
    if len(unlocked) != 1 or locked:
        raise changed_under_us(address, place=place)
    return unlocked[0]


def _refuse_difference(conversation: Conversation, item: str, address: Address, *, secret: Secret, place: str) -> None:
    raw = conversation.read(item)
    if not secret_in(conversation, item, address, raw=raw, place=place).same_as(secret):
        raise changed_under_us(address, place=place)
