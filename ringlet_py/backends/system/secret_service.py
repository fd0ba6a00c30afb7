"""The keychain of Linux desktops (GNOME Keyring, KWallet, KeePassXC, …) through the Secret Service."""

from __future__ import annotations

import time

from ringlet_py import errors
from ringlet_py.backends.system.dbus import ErrorReply
from ringlet_py.backends.system.secret_service_conversation import Conversation, attributes_of
from ringlet_py.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from ringlet_py.entry import Address

    Result = TypeVar("Result")

_ATTEMPTS = 3


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
        self._expecting: Conversation | None = None

    def expect(self, address: Address) -> None:
        """Let the service look for the entry while other things are done; what goes wrong now, `get` will say."""
        try:
            self._expecting = self._conversation(ask=self._can_ask)
            self._expecting.expect(attributes_of(address))
        except errors.KeychainError:
            self.dismiss()

    def dismiss(self) -> None:
        """End what `expect` began and nobody took up."""
        expecting, self._expecting = self._expecting, None
        if expecting:
            expecting.dismiss()

    def get(self, address: Address) -> Secret:
        """The secret; KeyNotFound, or the KeychainError that fits."""
        return self._talk(lambda conversation: self._get(conversation, address))

    def set(self, address: Address, secret: Secret) -> None:
        """Make the entry or change it in place, leave no second one, and read it back."""
        from ringlet_py.backends.system.secret_service_changes import refuse_unfit

        refuse_unfit(secret, address, most=self.max_length, place=self.place)
        self._talk(lambda conversation: self._set(conversation, address, secret))

    def remove(self, address: Address) -> None:
        """Delete every entry of that name; KeyNotFound if there is none."""
        self._talk(lambda conversation: self._remove(conversation, address))

    def names(self) -> list[Address]:
        """What is there, sorted; asks nobody: KeychainLocked if some names cannot be read without that."""
        from ringlet_py.backends.system.secret_service_names import names

        return self._talk(lambda conversation: names(conversation, note=self._note_place), ask=False)

    def check(self) -> None:
        """Raise the KeychainError that says why keys cannot be read and stored now; asks nobody."""
        from ringlet_py.backends.system.secret_service_names import check

        self._talk(lambda conversation: check(conversation, note=self._note_place), ask=False)

    def _talk(self, verb: Callable[[Conversation], Result], *, ask: bool | None = None) -> Result:
        for _ in range(_ATTEMPTS):
            try:
                return self._talk_once(verb, ask=self._can_ask if ask is None else ask)
            except ErrorReply:
                # the conversation lets only Vanished out: another process replaced or removed the entry in between
                continue
        raise errors.KeychainBroken("the keychain loses again and again what it has just found")

    def _talk_once(self, verb: Callable[[Conversation], Result], *, ask: bool) -> Result:
        if self._expecting and self._expecting.ask != ask:
            self.dismiss()
        conversation, self._expecting = self._expecting or self._conversation(ask=ask), None
        try:
            return verb(conversation)
        finally:
            conversation.close()

    def _conversation(self, *, ask: bool) -> Conversation:
        return Conversation(self._environ, ask=ask, say=self._say, timeouts=self._timeouts, now=self._now)

    def _get(self, conversation: Conversation, address: Address) -> Secret:
        items = self._matches(conversation, address)
        if len(items) == 1:
            return self._read(conversation, items[0], address)
        if not items:
            from ringlet_py.backends.system.stored import missing

            raise missing(address, place=self.place)
        from ringlet_py.backends.system.secret_service_objects import newest

        self._say(f"{len(items)} entries for {address} in the {self.place}: using the one that was changed last")
        return self._read(conversation, newest(conversation, items), address)

    def _read(self, conversation: Conversation, item: str, address: Address) -> Secret:
        raw = conversation.read(item)
        try:
            return Secret.from_input(raw)
        except errors.InvalidSecret:
            from ringlet_py.backends.system.secret_service_objects import secret_in
        # which says what is wrong with it
        return secret_in(conversation, item, address, raw=raw, place=self.place)

    def _set(self, conversation: Conversation, address: Address, secret: Secret) -> None:
        from ringlet_py.backends.system.secret_service_changes import store

        items = self._matches(conversation, address)
        store(conversation, items, address, secret=secret, place=self.place)

    def _remove(self, conversation: Conversation, address: Address) -> None:
        from ringlet_py.backends.system.secret_service_changes import remove

        items = self._matches(conversation, address)
        remove(conversation, items, address, place=self.place)

    def _matches(self, conversation: Conversation, address: Address) -> list[str]:
        """The items of this address, all unlocked; KeychainLocked rather than an answer from half of them."""
        wanted = attributes_of(address)
        unlocked, locked = conversation.search(wanted)
        if not unlocked and not locked and self._opened_default(conversation):
            unlocked, locked = conversation.search(wanted)
        if locked:
            from ringlet_py.backends.system.secret_service_person import unlock

            unlock(conversation, locked)
        items = [*unlocked, *locked]
        if items:
            self._note_place(items[0].rpartition("/")[0])
        return items

    def _opened_default(self, conversation: Conversation) -> bool:
        from ringlet_py.backends.system.secret_service_person import opened_default

        return opened_default(conversation, note=self._note_place)

    def _note_place(self, collection: str) -> None:
        collection_name = collection.rpartition("/")[2]
        if collection_name.isalnum():
            self.place = f"Secret Service, {collection_name} collection"
