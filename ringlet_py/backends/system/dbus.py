"""A small D-Bus client: method calls whose replies are matched by serial, signals, and a limit on every wait."""

from __future__ import annotations

from ringlet_py import errors
from ringlet_py.backends.system import dbus_message as messages
from ringlet_py.backends.system.dbus_stream import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

BUS = "org.freedesktop.DBus"
UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
# how many calls go out before their replies are read: a bus may allow a connection no more than 128
BATCH = 64

_BUS_OBJECT = ("/org/freedesktop/DBus", BUS)


class Call:
    """A method call: to whom, on which (path, interface), with what, and the signature its reply must have."""

    __slots__ = ("args", "member", "reply", "signature", "target", "to")

    def __init__(
        self,
        to: str,
        target: tuple[str, str],
        member: str,
        *,
        signature: str = "",
        args: Sequence[Any] = (),
        reply: str = "",
    ) -> None:
        self.to = to
        self.target = target
        self.member = member
        self.signature = signature
        self.args = args
        self.reply = reply

    def packed(self, serial: int) -> bytes:
        """The call as bytes."""
        return messages.build_call(
            serial, self.to, target=self.target, member=self.member, signature=self.signature, args=self.args
        )


class ErrorReply(Exception):  # noqa: N818 - an answer like any other, which some callers raise
    """The other side answered with an error; `name` is D-Bus's word for it, its text is not kept."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


if TYPE_CHECKING:
    Answer = tuple[Any, ...] | ErrorReply


def bus_call(member: str, *, signature: str = "", args: Sequence[Any] = (), reply: str = "") -> Call:
    """A call to the bus itself."""
    return Call(BUS, _BUS_OBJECT, member, signature=signature, args=args, reply=reply)


HELLO = bus_call("Hello", reply="s")


class Connection:
    """One connection to a bus; nothing is waited for beyond the moment `until` of the clock `now`.

    A client that goes away with a request in flight is one of the things that upset gnome-keyring, so the
    replies to all that was sent are awaited before any of them is looked at.
    """

    __slots__ = ("_now", "_replies", "_serial", "_signals", "_stream", "until")

    def __init__(
        self, addresses: Sequence[bytes], *, until: float, connect_limit: float, now: Callable[[], float]
    ) -> None:
        self.until = until
        self._now = now
        self._serial = 0
        # replies and signals are kept only where somebody waits for them: the key is there, the value None
        self._replies: dict[int, messages.Message | None] = {}
        self._signals: dict[tuple[str, str], messages.Message | None] = {}
        self._stream = Stream(addresses, until=until, limit=connect_limit, now=now)

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def call(self, call: Call, within: float) -> tuple[Any, ...]:
        """What the call returns; raises ErrorReply, or KeychainTimeout after that many seconds."""
        answer = self.batch([call], within)[0]
        if isinstance(answer, ErrorReply):
            raise answer
        return answer

    def batch(self, calls: Sequence[Call], within: float) -> list[Answer]:
        """What each of the calls returns, all sent together."""
        self.send(calls, within)
        return self.answers(calls, within)

    def send(self, calls: Sequence[Call], within: float) -> None:
        """Send the calls, without waiting for `answers`."""
        serials = range(self._serial + 1, self._serial + 1 + len(calls))
        self._serial += len(calls)
        self._replies = dict.fromkeys(serials)
        data = b"".join(call.packed(serial) for serial, call in zip(serials, calls, strict=True))
        self._stream.send(data, self._deadline(within))

    def answers(self, calls: Sequence[Call], within: float) -> list[Answer]:
        """What each of the calls that were sent last returns; after a KeychainTimeout it may be asked again."""
        deadline = self._deadline(within)
        messages = [self._reply(serial, deadline) for serial in self._replies]
        return [_answer(call, message) for call, message in zip(calls, messages, strict=True)]

    def watch(self, path: str, member: str) -> None:
        """Keep the latest signal of this name from this object, for `signal` to return."""
        self._signals[path, member] = None

    def signal(self, path: str, member: str, *, signature: str, within: float) -> tuple[Any, ...] | None:
        """The watched signal's values, or None if it did not come in that many seconds."""
        deadline = self._deadline(within)
        while (message := self._signals[path, member]) is None:
            try:
                self._receive(deadline)
            except errors.KeychainTimeout:
                return None
        return message.values(signature)

    def _deadline(self, within: float) -> float:
        return min(self.until, self._now() + within)

    def _reply(self, serial: int, deadline: float) -> messages.Message:
        while (message := self._replies[serial]) is None:
            self._receive(deadline)
        return message

    def _receive(self, deadline: float) -> None:
        size = messages.message_size(self._stream.peek(messages.HEAD_SIZE, deadline))
        data = self._stream.take(size, deadline)
        # the bus greets everybody with a signal that hardly anybody waits for
        if data[messages.KIND] == messages.SIGNAL and not self._signals:
            return
        message = messages.parse_message(data)
        if message.kind in (messages.METHOD_RETURN, messages.ERROR) and message.reply_to in self._replies:
            self._replies[message.reply_to] = message
        elif message.kind == messages.SIGNAL and (message.path, message.member) in self._signals:
            self._signals[message.path, message.member] = message


def _answer(call: Call, message: messages.Message) -> Answer:
    return ErrorReply(message.error_name) if message.kind == messages.ERROR else message.values(call.reply)
