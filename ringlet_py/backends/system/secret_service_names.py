"""What the Secret Service holds of ringlet's, and whether it can hold anything now."""

from __future__ import annotations

from ringlet_py.backends.system.secret_service_conversation import ITEM, SERVICE
from ringlet_py.backends.system.secret_service_objects import properties
from ringlet_py.backends.system.secret_service_person import opened_default, unlock
from ringlet_py.backends.system.stored import address_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.backends.system.secret_service_conversation import Conversation
    from ringlet_py.entry import Address


def names(conversation: Conversation, *, note: Callable[[str], None]) -> list[Address]:
    """The addresses, sorted; KeychainLocked if some cannot be read.  `note` hears of the default collection."""
    wanted = {"service": SERVICE}
    unlocked, locked = conversation.search(wanted)
    if not locked and opened_default(conversation, note=note):
        unlocked, locked = conversation.search(wanted)
    if locked:
        unlock(conversation, locked)
    accounts = _accounts(conversation, [*unlocked, *locked])
    addresses = (address_of(account) for account in accounts if account)
    return sorted({address for address in addresses if address})


def check(conversation: Conversation, *, note: Callable[[str], None]) -> None:
    """The KeychainError that says why keys cannot be read and stored now, if they cannot."""
    conversation.search({"service": SERVICE})
    opened_default(conversation, note=note)


def _accounts(conversation: Conversation, items: list[str]) -> list[str | None]:
    """Each item's account; None where it has none, or hides it: a locked gnome-keyring shows only hashes."""
    found = properties(conversation, items, ITEM, name="Attributes", kind="a{ss}")
    return ["" if attributes is None else attributes.get("username") for attributes in found]
