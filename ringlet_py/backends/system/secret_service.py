"""The keychain of Linux desktops (GNOME Keyring, KWallet, KeePassXC, …) through the Secret Service."""

from __future__ import annotations

import time

from ringlet_py import errors
from ringlet_py.backends.system.secret_service_client import COLLECTION, ITEM, Client
from ringlet_py.backends.system.secret_service_conversation import Conversation
from ringlet_py.backends.system.secret_service_errors import Vanished
from ringlet_py.backends.system.stored import address_of, changed_under_us, missing, secret_from, too_long
from ringlet_py.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from ringlet_py.entry import Address

    Result = TypeVar("Result")

SERVICE = "ringlet"
_ATTEMPTS = 3
# libsecret's name for "no particular schema": secret-tool writes it, so its `store` finds our items and replaces them
_SCHEMA = {"xdg:schema": "org.freedesktop.Secret.Generic"}


class Timeouts:
    """The longest waits, in seconds.

    `call` is for one call, `activation` for the first one, which may have to start the service, `total` for
    a whole verb, and `prompt` for a window that a person answers (it comes on top of `total`).
    """

    __slots__ = ("activation", "call", "connect", "prompt", "total")

    def __init__(
        self,
        *,
        connect: float = 1.0,
        call: float = 2.0,
        activation: float = 5.0,
        total: float = 30.0,
        prompt: float = 60.0,
    ) -> None:
        self.connect = connect
        self.call = call
        self.activation = activation
        self.total = total
        self.prompt = prompt


class SecretService:
    """Entries with the attributes service `ringlet` and username `<provider>/<alias>` (or `…#<bound secret>`).

    What `secret-tool store` put there with these attributes is read and replaced as well; entries with further
    attributes count too.  Where several match, the one that was changed last is used, and `say` hears of it.
    `can_ask` is whether a person sits at a terminal, so that a window may ask for the keychain's password.
    """

    name = "system"
    max_length = 65_536  # the services take more; the environment of a process does not

    def __init__(
        self,
        *,
        environ: Mapping[str, str],
        can_ask: bool,
        say: Callable[[str], object],
        timeouts: Timeouts | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.place = "Secret Service"
        self._environ = environ
        self._can_ask = can_ask
        self._say = say
        self._timeouts = timeouts or Timeouts()
        self._now = now

    def get(self, address: Address) -> Secret:
        """The secret; KeyNotFound, or the KeychainError that fits."""
        return self._talk(lambda client: self._get(client, address))

    def set(self, address: Address, secret: Secret) -> None:
        """Make the entry or change it in place, leave no second one, and read it back."""
        self._refuse_unfit(address, secret)
        self._talk(lambda client: self._set(client, address, secret))

    def remove(self, address: Address) -> None:
        """Delete every entry of that name; KeyNotFound if there is none."""
        self._talk(lambda client: self._remove(client, address))

    def names(self) -> list[Address]:
        """What is there, sorted; asks nobody: KeychainLocked if some names cannot be read without that."""
        return self._talk(self._names, ask=False)

    def check(self) -> None:
        """Raise the KeychainError that says why keys cannot be read and stored now; asks nobody."""
        self._talk(self._check, ask=False)

    def _talk(self, verb: Callable[[Client], Result], *, ask: bool | None = None) -> Result:
        problem = ""
        for _ in range(_ATTEMPTS):
            try:
                return self._talk_once(verb, ask=self._can_ask if ask is None else ask)
            except Vanished as error:
                # another process replaced or removed the entry in between
                problem = str(error)
        raise errors.KeychainBroken("the keychain loses again and again what it has just found", why=problem)

    def _talk_once(self, verb: Callable[[Client], Result], *, ask: bool) -> Result:
        conversation = Conversation(self._environ, ask=ask, say=self._say, timeouts=self._timeouts, now=self._now)
        try:
            return verb(Client(conversation))
        finally:
            conversation.close()

    def _get(self, client: Client, address: Address) -> Secret:
        items = self._matches(client, address)
        if not items:
            raise missing(address, place=self.place)
        if len(items) > 1:
            self._say(f"{len(items)} entries for {address} in the {self.place}: using the one that was changed last")
        return secret_from(client.read(self._newest(client, items)), address, place=self.place)

    def _set(self, client: Client, address: Address, secret: Secret) -> None:
        value = secret.reveal().encode()
        items = self._matches(client, address)
        if items:
            newest = self._newest(client, items)
            client.write(newest, value)
            self._refuse_difference(client.read(newest), address, secret)
            client.delete([item for item in items if item != newest])
        else:
            attributes = {**_attributes(address), **_SCHEMA}
            client.create(client.default_collection(), attributes, value, label=f"{SERVICE}/{address}")
        self._refuse_difference(self._read_back(client, address), address, secret)

    def _read_back(self, client: Client, address: Address) -> bytes:
        unlocked, locked = client.search(_attributes(address))
        if len(unlocked) != 1 or locked:
            raise changed_under_us(address, place=self.place)
        return client.read(unlocked[0])

    def _refuse_difference(self, raw: bytes, address: Address, secret: Secret) -> None:
        if not secret_from(raw, address, place=self.place).same_as(secret):
            raise changed_under_us(address, place=self.place)

    def _remove(self, client: Client, address: Address) -> None:
        items = self._matches(client, address)
        if not items:
            raise missing(address, place=self.place)
        client.delete(items)
        if any(client.search(_attributes(address))):
            raise errors.KeychainBroken(
                f"{address} is still in the {self.place}", why="the service said that it was deleted"
            )

    def _matches(self, client: Client, address: Address) -> list[str]:
        """The items of this address, all unlocked; KeychainLocked rather than an answer from half of them."""
        wanted = _attributes(address)
        unlocked, locked = client.search(wanted)
        if not unlocked and not locked and self._opened_default(client):
            unlocked, locked = client.search(wanted)
        if locked:
            client.unlock(locked)
        items = [*unlocked, *locked]
        if items:
            self._note_place(items[0].rpartition("/")[0])
        return items

    def _opened_default(self, client: Client) -> bool:
        """Whether the default collection was locked until now; KeychainLocked if it has to stay so.

        A locked KeePassXC finds nothing at all, so "not there" is true only of an unlocked collection.
        """
        collection = client.default_collection()
        self._note_place(collection)
        if not client.is_locked(collection, COLLECTION):
            return False
        client.unlock([collection])
        return True

    def _newest(self, client: Client, items: list[str]) -> str:
        if len(items) == 1:
            return items[0]
        times = client.properties(items, ITEM, "Modified", kind="t")
        # the path decides between equal times, so that every reader takes the same one
        return max(zip((moment or 0 for moment in times), items, strict=True))[1]

    def _names(self, client: Client) -> list[Address]:
        wanted = {"service": SERVICE}
        unlocked, locked = client.search(wanted)
        if not locked and self._opened_default(client):
            unlocked, locked = client.search(wanted)
        if locked:
            client.unlock(locked)
        accounts = _accounts(client, [*unlocked, *locked])
        addresses = (address_of(account) for account in accounts if account)
        return sorted({address for address in addresses if address})

    def _check(self, client: Client) -> None:
        client.search({"service": SERVICE})
        self._opened_default(client)

    def _note_place(self, collection: str) -> None:
        collection_name = collection.rpartition("/")[2]
        if collection_name.isalnum():
            self.place = f"Secret Service, {collection_name} collection"

    def _refuse_unfit(self, address: Address, secret: Secret) -> None:
        # whoever made the Secret: a line break would cost the person every other entry of a password-less keyring
        value = secret.reveal()
        if len(value) > self.max_length:
            raise too_long(f"{address} was not written", self.max_length, place=self.place)
        if not Secret.from_input(value.encode(errors="surrogatepass")).same_as(secret):
            raise errors.InvalidSecret(f"{address} was not written", why="the value ends in a line break")


def _attributes(address: Address) -> dict[str, str]:
    return {"service": SERVICE, "username": str(address)}


def _accounts(client: Client, items: list[str]) -> list[str | None]:
    """Each item's account; None where it has none, or hides it: a locked gnome-keyring shows only hashes."""
    found = client.properties(items, ITEM, "Attributes", kind="a{ss}")
    return ["" if attributes is None else attributes.get("username") for attributes in found]
