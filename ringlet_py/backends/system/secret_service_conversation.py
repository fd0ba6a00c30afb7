"""One conversation with the Secret Service: the safe first call, one retry, and all that reading a key takes.

What the service says of its objects, asking the person, and changes are modules of their own, which few need.
Interface: https://specifications.freedesktop.org/secret-service/latest/
"""

from __future__ import annotations

from ringlet_py import errors
from ringlet_py.backends.system.dbus import HELLO, UNKNOWN_METHOD, Call, Connection, ErrorReply
from ringlet_py.backends.system.dbus_stream import bus_addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, NoReturn

    from ringlet_py.backends.system.dbus import Answer
    from ringlet_py.backends.system.secret_service import Timeouts
    from ringlet_py.entry import Address

SERVICE = "ringlet"
SERVICE_NAME = "org.freedesktop.secrets"
ITEM = "org.freedesktop.Secret.Item"

_SERVICE = ("/org/freedesktop/secrets", "org.freedesktop.Secret.Service")


class Conversation:
    """Calls to the service over one connection; the first of them must be `search`.

    If the first message is OpenSession or a property, gnome-keyring-daemon can abort under parallel clients,
    and comes back locked; after an answered SearchItems it does not.

    `ask` is whether a person sits at a terminal.  Where none does, nothing here opens a window: a job in the
    background must not put one on somebody's screen, and nobody would know what it is for.
    """

    __slots__ = ("_begun", "_first", "_say", "_session", "ask", "connection", "timeouts")

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        ask: bool,
        say: Callable[[str], object],
        timeouts: Timeouts,
        now: Callable[[], float],
    ) -> None:
        self.ask = ask
        self._say = say
        self.timeouts = timeouts
        self._first: list[Call] = []  # what was sent before anything is awaited
        self._begun = False
        self._session = ""
        until = now() + timeouts.total
        limit = timeouts.connect
        self.connection = Connection(bus_addresses(environ), until=until, connect_limit=limit, now=now)

    def close(self) -> None:
        """End the conversation."""
        self.connection.close()

    def dismiss(self) -> None:
        """End the conversation after the answer to `expect`: gnome-keyring can be upset by who leaves before it."""
        try:
            self.connection.answers(self._first, self.timeouts.call)
        except errors.KeychainError:
            pass
        finally:
            self.close()

    def expect(self, attributes: dict[str, str]) -> None:
        """Send the first search, and leave its answer to `search`."""
        # it may have to start the service; Hello and the search share one write: the bus reads them in this order
        self._first = [HELLO, _search(attributes)]
        self.connection.send(self._first, self.timeouts.activation)

    def search(self, attributes: dict[str, str]) -> tuple[list[str], list[str]]:
        """The items with these attributes: those that are unlocked, those that are locked."""
        call = _search(attributes)
        unlocked, locked = self.call(call) if self._begun else self._begin(attributes)
        self._begun = True
        return unlocked, locked

    def read(self, item: str) -> bytes:
        """The item's value, as it is: `secret_in` judges it."""
        args = (self.session(),)
        call = Call(SERVICE_NAME, (item, ITEM), "GetSecret", signature="o", args=args, reply="(oayays)")
        ((_, _, value, _),) = self.call(call)
        return bytes(value)

    def session(self) -> str:
        """The path of the session in which values are given and taken, plain."""
        if not self._session:
            call = service_call("OpenSession", signature="sv", args=("plain", ("s", "")), reply="vo")
            _, self._session = self.call(call)
        return self._session

    def call(self, call: Call) -> tuple[Any, ...]:
        """What the call returns; raises Vanished, or the KeychainError that fits."""
        try:
            return self.connection.call(call, self.timeouts.call)
        except ErrorReply as error:
            if error.name != UNKNOWN_METHOD:
                _refuse(error.name)
        # gnome-keyring's race shows up as one unknown method, which has done nothing and may be called again
        try:
            return self.connection.call(call, self.timeouts.call)
        except ErrorReply as error:
            _refuse(error.name)

    def say_waiting(self, message: str) -> None:
        """Say what is waited for, with the time in the place of `{}`; it comes on top of the others."""
        self.connection.until += self.timeouts.prompt
        self._say(message.format(f"up to {self.timeouts.prompt:g} s"))

    def _begin(self, attributes: dict[str, str]) -> tuple[Any, ...]:
        if not self._first:
            self.expect(attributes)
        answers = self._first_answers(self._first)
        for answer in answers:
            if isinstance(answer, ErrorReply) and answer.name != UNKNOWN_METHOD:
                _refuse(answer.name)
        found, search = answers[-1], _search(attributes)
        if isinstance(found, ErrorReply) or self._first[-1].args != search.args:  # another one was expected
            return self.call(search)
        return found

    def _first_answers(self, calls: list[Call]) -> list[Answer]:
        try:
            return self.connection.answers(calls, self.timeouts.activation)
        except errors.KeychainTimeout:
            if not self.ask:
                raise
        # a locked KeePassXC answers a search only when its person has unlocked it
        self.say_waiting("the keychain does not answer yet: waiting {} for you to unlock it, if it asks you to")
        return self.connection.answers(calls, self.timeouts.prompt)


def _search(attributes: dict[str, str]) -> Call:
    return service_call("SearchItems", signature="a{ss}", args=(attributes,), reply="aoao")


def attributes_of(address: Address) -> dict[str, str]:
    """What marks the entry of that address among all that the service keeps."""
    return {"service": SERVICE, "username": str(address)}


def service_call(member: str, *, signature: str, args: Sequence[Any], reply: str) -> Call:
    """A call to the service itself."""
    return Call(SERVICE_NAME, _SERVICE, member, signature=signature, args=args, reply=reply)


def _refuse(name: str) -> NoReturn:
    from ringlet_py.backends.system.secret_service_errors import refuse

    refuse(name)
