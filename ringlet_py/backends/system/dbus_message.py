"""D-Bus messages: method calls to bytes, and what the bus sends back from bytes, bounded whatever it is.

Format: https://dbus.freedesktop.org/doc/dbus-specification.html, "Message Protocol".
"""

from __future__ import annotations

from ringlet_py.backends.system.dbus_wire import Reader, malformed, pack_values, unpack_values, write_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ringlet_py.backends.system.dbus_wire import Order

METHOD_CALL, METHOD_RETURN, ERROR, SIGNAL = 1, 2, 3, 4
HEAD_SIZE = 16
KIND = 1  # the place of the byte that tells them apart
# far above 50,000 search results, far below what would hurt; the protocol itself would allow 128 MiB
MAX_MESSAGE = 4 << 20

_PATH, _INTERFACE, _MEMBER, _ERROR_NAME, _REPLY_SERIAL, _DESTINATION, _SENDER, _SIGNATURE = range(1, 9)
_FIELD_TYPES = {_PATH: "o", _MEMBER: "s", _ERROR_NAME: "s", _REPLY_SERIAL: "u", _SIGNATURE: "g"}


class Message:
    """One received message; its body is read only when somebody states which signature it must have."""

    __slots__ = ("_body", "_order", "_signature", "error_name", "kind", "member", "path", "reply_to")

    def __init__(self, kind: int, fields: dict[int, Any], *, body: bytes, order: Order) -> None:
        self.kind = kind
        self.path: str = fields.get(_PATH, "")
        self.member: str = fields.get(_MEMBER, "")
        self.error_name: str = fields.get(_ERROR_NAME, "")
        self.reply_to: int = fields.get(_REPLY_SERIAL, 0)
        self._signature: str = fields.get(_SIGNATURE, "")
        self._body = body
        self._order = order

    def values(self, signature: str) -> tuple[Any, ...]:
        """The body, which must have exactly this signature; else KeychainBroken."""
        if self._signature != signature:
            malformed(f"a reply of type {self._signature!a} where {signature!a} was due")
        return unpack_values(signature, self._body, order=self._order)


def build_call(
    serial: int, to: str, *, target: tuple[str, str], member: str, signature: str, args: Sequence[Any]
) -> bytes:
    """One method call on the target's (path, interface) as bytes."""
    body = pack_values(signature, args)
    path, interface = target
    fields = bytearray()
    for code, kind, text in (
        (_PATH, "o", path),
        (_INTERFACE, "s", interface),
        (_MEMBER, "s", member),
        (_DESTINATION, "s", to),
        (_SIGNATURE, "g", signature),
    ):
        if text:
            fields += bytes(-len(fields) % 8)
            fields += bytes((code, 1, ord(kind), 0))
            write_text(fields, kind, text.encode())
    head = b"l" + bytes((METHOD_CALL, 0, 1))
    for number in (len(body), serial, len(fields)):
        head += number.to_bytes(4, "little")
    return head + fields + bytes(-len(fields) % 8) + body


def message_size(head: bytes) -> int:
    """The size of the whole message that starts with these HEAD_SIZE bytes; KeychainBroken if that is absurd."""
    if head[:1] not in (b"l", b"B") or head[3] != 1:
        malformed("something that is not a D-Bus message")
    order = _order(head)
    body_size, fields_size = int.from_bytes(head[4:8], order), int.from_bytes(head[12:16], order)
    size = HEAD_SIZE + fields_size + -fields_size % 8 + body_size
    if size > MAX_MESSAGE:
        malformed(f"a message of {size} bytes, more than the {MAX_MESSAGE} that any answer needs")
    return size


def parse_message(data: bytes) -> Message:
    """The message that these bytes hold, exactly as many as `message_size` said."""
    order = _order(data)
    reader = Reader(data, order, HEAD_SIZE)
    end = HEAD_SIZE + int.from_bytes(data[12:16], order)
    fields = {}
    while reader.position < end:
        reader.align("(")
        code = reader.unsigned(1)
        signature, fields[code] = reader.variant()
        if signature != _FIELD_TYPES.get(code, signature):
            malformed("a header field of the wrong type")
    if reader.position != end:
        malformed("header fields longer than they say")
    return Message(data[KIND], fields, body=data[len(data) - int.from_bytes(data[4:8], order) :], order=order)


def _order(data: bytes) -> Order:
    return "little" if data[:1] == b"l" else "big"
