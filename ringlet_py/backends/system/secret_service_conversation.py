"""One conversation with the Secret Service: the safe first call, one retry, and when a person is asked."""

from __future__ import annotations

from ringlet_py import errors
from ringlet_py.backends.system.dbus import BATCH, HELLO, Call, Connection, ErrorReply, bus_call
from ringlet_py.backends.system.dbus_stream import bus_addresses
from ringlet_py.backends.system.secret_service_errors import UNKNOWN_METHOD, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ringlet_py.backends.system.dbus import Answer
    from ringlet_py.backends.system.secret_service import Timeouts

SERVICE_NAME = "org.freedesktop.secrets"
NOTHING = "/"  # the object path that stands for "none"
UNLOCK = "unlock the keychain"

_PROMPT = "org.freedesktop.Secret.Prompt"
_WALLETS = {"org.kde.kwalletd5": "/modules/kwalletd5", "org.kde.kwalletd6": "/modules/kwalletd6"}
_TURN = "ringlet.AsksThePerson"
_IN_QUEUE = 2  # RequestName's answer while another has the name
_ACQUIRED = ("/org/freedesktop/DBus", "NameAcquired")
# a prompt that ends within this many seconds was answered by a program; one that lasts is a window
_UNSEEN = 0.3


class Conversation:
    """Calls to the service over one connection; the first of them must be SearchItems, through `begin`.

    If the first message is OpenSession or a property, gnome-keyring-daemon can abort under parallel clients,
    and comes back locked; after an answered SearchItems it does not.

    `ask` is whether a person sits at a terminal.  Where none does, nothing here opens a window: a job in the
    background must not put one on somebody's screen, and nobody would know what it is for.
    """

    __slots__ = ("_ask", "_connection", "_say", "_timeouts")

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        ask: bool,
        say: Callable[[str], object],
        timeouts: Timeouts,
        now: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._say = say
        self._timeouts = timeouts
        until = now() + timeouts.total
        limit = timeouts.connect
        self._connection = Connection(bus_addresses(environ), until=until, connect_limit=limit, now=now)

    def close(self) -> None:
        """End the conversation."""
        self._connection.close()

    def begin(self, search: Call) -> tuple[Any, ...]:
        """What the first search returns; it may have to start the service."""
        # Hello and the search share one write: the bus reads them in this order
        calls = [HELLO, search]
        self._connection.send(calls, self._timeouts.activation)
        answers = self._first_answers(calls)
        for answer in answers:
            if isinstance(answer, ErrorReply) and answer.name != UNKNOWN_METHOD:
                refuse(answer.name)
        found = answers[-1]
        return self.call(search) if isinstance(found, ErrorReply) else found

    def call(self, call: Call) -> tuple[Any, ...]:
        """What the call returns; raises Vanished, or the KeychainError that fits."""
        try:
            return self._connection.call(call, self._timeouts.call)
        except ErrorReply as error:
            if error.name != UNKNOWN_METHOD:
                refuse(error.name)
        # gnome-keyring's race shows up as one unknown method, which has done nothing and may be called again
        try:
            return self._connection.call(call, self._timeouts.call)
        except ErrorReply as error:
            refuse(error.name)

    def batch(self, calls: Sequence[Call]) -> list[Answer]:
        """What each of the calls returns, error replies included."""
        answers: list[Answer] = []
        for start in range(0, len(calls), BATCH):
            answers += self._connection.batch(calls[start : start + BATCH], self._timeouts.call)
        return answers

    def prompt(self, path: str, *, doing: str, unseen: bool = False) -> None:
        """Let the service ask the person, if it wants to and there is one; else KeychainLocked, Denied or Timeout.

        A prompt that is known to be `unseen`, since the service answers it by itself, needs no person.
        """
        if path == NOTHING:
            return
        if not self._ask and not unseen:
            raise _nobody_to_ask(doing)
        rule = f"type='signal',sender='{SERVICE_NAME}',path='{path}'"
        self._connection.watch(path, "Completed")
        self.call(bus_call("AddMatch", signature="s", args=(rule,)))
        self.call(Call(SERVICE_NAME, (path, _PROMPT), "Prompt", signature="s", args=("",)))
        answer = self._completed(path, _UNSEEN)
        if answer is None and self._ask:
            self._await_person(path, doing=doing)
        elif answer is None or answer[0]:
            raise _nobody_to_ask(doing, why="the keychain could not ask for it here")

    def waited_for_another(self) -> bool:
        """Whether another ringlet was asking the person, and has finished; else it is our turn now.

        One at a time: several prompts at once where no window can be shown leave gnome-keyring in a state in
        which no prompt ever ends, and a person wants to type a password once.  A name on the bus is the lock:
        it belongs to this session alone, and is free again when its owner ends, however that happens.
        """
        if not self._ask:
            return False
        self._connection.watch(*_ACQUIRED)
        (answer,) = self.batch([bus_call("RequestName", signature="su", args=(_TURN, 0), reply="u")])
        # a bus that lends no names (a sandbox's) lends no turns either
        if isinstance(answer, ErrorReply) or answer[0] != _IN_QUEUE:
            return False
        if not self._our_turn(_UNSEEN):
            self._say_waiting("waiting {} for another ringlet, which is asking you to unlock the keychain")
            if not self._our_turn(self._timeouts.prompt):
                raise errors.KeychainTimeout("another ringlet is still waiting for the keychain to be unlocked")
        return True

    def unlocks_unseen(self) -> bool:
        """Whether a prompt for unlocking would be answered without a person.

        A wallet that PAM opened at login is called locked until a prompt, which KWallet answers by itself.
        """
        service = self._owner(SERVICE_NAME)
        for name, path in _WALLETS.items():
            if service and self._owner(name) == service:
                return self._is_open(name, (path, "org.kde.KWallet"))
        return False

    def _first_answers(self, calls: list[Call]) -> list[Answer]:
        try:
            return self._connection.answers(calls, self._timeouts.activation)
        except errors.KeychainTimeout:
            if not self._ask:
                raise
        # a locked KeePassXC answers a search only when its person has unlocked it
        self._say_waiting("the keychain does not answer yet: waiting {} for you to unlock it, if it asks you to")
        return self._connection.answers(calls, self._timeouts.prompt)

    def _await_person(self, path: str, *, doing: str) -> None:
        self._say_waiting(f"waiting {{}} for you to let ringlet {doing}, in the keychain's window")
        answer = self._completed(path, self._timeouts.prompt)
        # a window that is late is left alone: the person may still answer, and Dismiss kills gnome-keyring 42
        if answer is None:
            raise errors.KeychainTimeout(f"nobody let ringlet {doing} within {self._timeouts.prompt:g} s")
        if answer[0]:
            raise errors.KeychainDenied(f"the keychain's window was closed without letting ringlet {doing}")

    def _say_waiting(self, message: str) -> None:
        self._connection.until += self._timeouts.prompt
        self._say(message.format(f"up to {self._timeouts.prompt:g} s"))

    def _completed(self, path: str, within: float) -> tuple[Any, ...] | None:
        return self._connection.signal(path, "Completed", signature="bv", within=within)

    def _our_turn(self, within: float) -> bool:
        return self._connection.signal(*_ACQUIRED, signature="s", within=within) is not None

    def _is_open(self, name: str, target: tuple[str, str]) -> bool:
        (wallet,) = self.call(Call(name, target, "localWallet", reply="s"))
        (is_open,) = self.call(Call(name, target, "isOpen", signature="s", args=(wallet,), reply="b"))
        return bool(is_open)

    def _owner(self, name: str) -> str:
        (answer,) = self.batch([bus_call("GetNameOwner", signature="s", args=(name,), reply="s")])
        return "" if isinstance(answer, ErrorReply) else str(answer[0])


def _nobody_to_ask(doing: str, *, why: str = "there is no terminal here, so nobody to ask") -> errors.KeychainError:
    if doing == UNLOCK:
        return errors.KeychainLocked("the keychain is locked", why=why)
    return errors.KeychainDenied(f"the keychain wants a person to let ringlet {doing}", why=why)
