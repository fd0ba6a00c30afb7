"""The D-Bus wire format: values to bytes and back by signature, bounded whatever the other side sends.

Python values: `y n q i u x t h` int, `b` bool, `s o g` str, `ay` bytes, other arrays list,
`a{..}` dict, structs tuple, `v` a tuple (signature, value).
Format: https://dbus.freedesktop.org/doc/dbus-specification.html, "Message Protocol".
"""

from __future__ import annotations

from ringlet_py import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal, NoReturn

    Order = Literal["little", "big"]

METHOD_CALL, METHOD_RETURN, ERROR, SIGNAL = 1, 2, 3, 4
HEAD_SIZE = 16
# far above 50,000 search results, far below what would hurt; the protocol itself would allow 128 MiB
MAX_MESSAGE = 4 << 20
MAX_DEPTH = 32

_PATH, _INTERFACE, _MEMBER, _ERROR_NAME, _REPLY_SERIAL, _DESTINATION, _SENDER, _SIGNATURE = range(1, 9)
_FIELD_TYPES = {_PATH: "o", _MEMBER: "s", _ERROR_NAME: "s", _REPLY_SERIAL: "u", _SIGNATURE: "g"}
_SIZES = {"y": 1, "b": 4, "n": 2, "q": 2, "i": 4, "u": 4, "x": 8, "t": 8, "h": 4}
_SIGNED = "nix"
_ALIGN = {**_SIZES, "s": 4, "o": 4, "g": 1, "a": 4, "(": 8, "{": 8, "v": 1}


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


def malformed(what: str) -> NoReturn:
    """Raise KeychainBroken for bytes that no sound bus or service sends."""
    raise errors.KeychainBroken("the keychain service does not keep to its protocol", why=what) from None


def split_signature(signature: str) -> list[str]:
    """The complete types that the signature consists of: `a{sv}ao` is `a{sv}` and `ao`."""
    types = []
    start = 0
    while start < len(signature):
        end = _type_end(signature, start, 0)
        types.append(signature[start:end])
        start = end
    return types


def _type_end(signature: str, at: int, depth: int) -> int:
    code = signature[at : at + 1]
    if depth > MAX_DEPTH or code not in _ALIGN:
        malformed("an invalid type signature")
    if code == "a":
        return _type_end(signature, at + 1, depth + 1)
    if code not in "({":
        return at + 1
    close = ")" if code == "(" else "}"
    end = _type_end(signature, at + 1, depth + 1)
    while signature[end : end + 1] != close:
        end = _type_end(signature, end, depth + 1)
    return end + 1


def pack_values(signature: str, values: Sequence[Any]) -> bytes:
    """The values as the body of a message, little-endian."""
    out = bytearray()
    for kind, value in zip(split_signature(signature), values, strict=True):
        _write(out, kind, value)
    return bytes(out)


def _write(out: bytearray, kind: str, value: Any) -> None:
    code = kind[0]
    out += bytes(-len(out) % _ALIGN[code])
    if code in _SIZES:
        out += int(value).to_bytes(_SIZES[code], "little", signed=code in _SIGNED)
    elif code in "sog":
        _write_text(out, code, value.encode())
    elif code == "a":
        _write_array(out, kind[1:], value)
    elif code == "v":
        _write(out, "g", value[0])
        _write(out, *value)
    else:
        for inner, part in zip(split_signature(kind[1:-1]), value, strict=True):
            _write(out, inner, part)


def _write_text(out: bytearray, code: str, raw: bytes) -> None:
    # a text with NUL would make the bus drop the connection without a word
    if b"\0" in raw:
        raise ValueError("NUL in a D-Bus text")
    out += len(raw).to_bytes(1 if code == "g" else 4, "little") + raw + b"\0"


def _write_array(out: bytearray, kind: str, value: Any) -> None:
    at = len(out)
    out += bytes(4)
    out += bytes(-len(out) % _ALIGN[kind[0]])
    start = len(out)
    if kind == "y":
        out += value
    else:
        for part in value.items() if kind[0] == "{" else value:
            _write(out, kind, part)
    out[at : at + 4] = (len(out) - start).to_bytes(4, "little")


def unpack_values(signature: str, data: bytes, *, order: Order = "little") -> tuple[Any, ...]:
    """The values in a body of this signature; KeychainBroken for anything else, too little or too much."""
    reader = _Reader(data, order)
    values = tuple(reader.read(kind) for kind in split_signature(signature))
    if reader.position != len(data):
        malformed("a message longer than its contents")
    return values


class _Reader:
    __slots__ = ("_data", "_order", "position")

    def __init__(self, data: bytes, order: Order) -> None:
        self._data = data
        self._order = order
        self.position = 0

    def read(self, kind: str, depth: int = 0) -> Any:
        if depth > MAX_DEPTH:
            malformed("values nested too deeply")
        code = kind[0]
        self._take(-self.position % _ALIGN[code])
        if code in _SIZES:
            return self._number(code)
        if code in "sog":
            return self._text("y" if code == "g" else "u")
        if code == "a":
            return self._array(kind[1:], depth)
        if code == "v":
            return self._variant(depth)
        return tuple(self.read(inner, depth + 1) for inner in split_signature(kind[1:-1]))

    def _take(self, size: int) -> int:
        start = self.position
        if size > len(self._data) - start:
            malformed("a message shorter than its contents")
        self.position = start + size
        return start

    def _number(self, code: str) -> Any:
        size = _SIZES[code]
        start = self._take(size)
        value = int.from_bytes(self._data[start : start + size], self._order, signed=code in _SIGNED)
        return value != 0 if code == "b" else value

    def _text(self, length_code: str) -> str:
        size: int = self._number(length_code)
        start = self._take(size + 1)
        raw = self._data[start : start + size]
        if self._data[start + size] or b"\0" in raw:
            malformed("a text that does not end where it should")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            malformed("a text that is not UTF-8")

    def _array(self, kind: str, depth: int) -> Any:
        size: int = self._number("u")
        self._take(-self.position % _ALIGN[kind[0]])
        start = self._take(size)
        if kind == "y":
            return self._data[start : start + size]
        self.position = start
        parts = []
        while self.position < start + size:
            parts.append(self.read(kind, depth + 1))
        if self.position != start + size:
            malformed("an array longer than it says")
        return _as_dict(parts) if kind[0] == "{" else parts

    def _variant(self, depth: int) -> tuple[str, Any]:
        signature = self._text("y")
        if len(split_signature(signature)) != 1:
            malformed("a variant that is not one value")
        return signature, self.read(signature, depth + 1)


def _as_dict(pairs: list[Any]) -> dict[Any, Any]:
    try:
        return dict(pairs)
    except (TypeError, ValueError):
        malformed("a dictionary whose entries are not pairs with a basic key")


def build_call(serial: int, to: str, *, target: tuple[str, str], member: str, signature: str, body: bytes) -> bytes:
    """One method call on the target's (path, interface) as bytes."""
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
            _write_text(fields, kind, text.encode())
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
    reader = _Reader(data, _order(data))
    _, kind, _, _, body_size, _, pairs = (reader.read(part) for part in ("y", "y", "y", "y", "u", "u", "a(yv)"))
    fields = {}
    for code, (signature, value) in pairs:
        if signature != _FIELD_TYPES.get(code, signature):
            malformed("a header field of the wrong type")
        fields[code] = value
    return Message(kind, fields, body=data[len(data) - body_size :], order=_order(data))


def _order(data: bytes) -> Order:
    return "little" if data[:1] == b"l" else "big"
