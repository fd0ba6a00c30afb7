"""The D-Bus wire format of values: to bytes and back by signature, bounded whatever the other side sends.

Python values: `y n q i u x t h` int, `b` bool, `s o g` str, `ay` bytes, other arrays list,
`a{..}` dict, structs tuple, `v` a tuple (signature, value).
Format: https://dbus.freedesktop.org/doc/dbus-specification.html, "Type System" and "Marshaling".
"""

from __future__ import annotations

from ringlet_py import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal, NoReturn

    Order = Literal["little", "big"]

MAX_DEPTH = 32

_SIZES = {"y": 1, "b": 4, "n": 2, "q": 2, "i": 4, "u": 4, "x": 8, "t": 8, "h": 4}
_SIGNED = "nix"
_ALIGN = {**_SIZES, "s": 4, "o": 4, "g": 1, "a": 4, "(": 8, "{": 8, "v": 1}
_SIMPLE = "soguybvnqixth"  # one letter is the whole type


def malformed(what: str) -> NoReturn:
    """Raise KeychainBroken for bytes that no sound bus or service sends."""
    raise errors.KeychainBroken("the keychain service does not keep to its protocol", why=what) from None


def split_signature(signature: str) -> list[str]:
    """The complete types that the signature consists of: `a{sv}ao` is `a{sv}` and `ao`."""
    types = []
    start = 0
    while start < len(signature):
        end = start + 1 if signature[start] in _SIMPLE else _type_end(signature, start, 0)
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
    _write(out, f"({signature})", values)
    return bytes(out)


def _write(out: bytearray, kind: str, value: Any) -> None:
    code = kind[0]
    out += bytes(-len(out) % _ALIGN[code])
    if code in _SIZES:
        out += int(value).to_bytes(_SIZES[code], "little", signed=code in _SIGNED)
    elif code in "sog":
        write_text(out, code, value.encode())
    elif code == "a":
        _write_array(out, kind[1:], value)
    elif code == "v":
        _write(out, "g", value[0])
        _write(out, *value)
    else:
        for inner, part in zip(split_signature(kind[1:-1]), value, strict=True):
            _write(out, inner, part)


def write_text(out: bytearray, code: str, raw: bytes) -> None:
    """Append a text without its padding; ValueError for one with NUL."""
    # it would make the bus drop the connection without a word
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
    reader = Reader(data, order)
    values: tuple[Any, ...] = reader.read(f"({signature})")
    if reader.position != len(data):
        malformed("a message longer than its contents")
    return values


class Reader:
    """Takes value after value from these bytes, from `position` on; KeychainBroken where they are none."""

    __slots__ = ("_data", "_order", "position")

    def __init__(self, data: bytes, order: Order, position: int = 0) -> None:
        self._data = data
        self._order = order
        self.position = position

    def read(self, kind: str, depth: int = 0) -> Any:
        """The value of this type that comes next, after its padding."""
        if depth > MAX_DEPTH:
            malformed("values nested too deeply")
        code = kind[0]
        self.align(code)
        if code in "sog":
            return self._text(1 if code == "g" else 4)
        if code in _SIZES:
            return self._number(code)
        if code == "a":
            return self._array(kind[1:], depth)
        if code == "v":
            return self.variant(depth)
        return tuple(self.read(inner, depth + 1) for inner in split_signature(kind[1:-1]))

    def align(self, code: str) -> None:
        """Pass over the padding before a value of a type that starts so."""
        self._take(-self.position % _ALIGN[code])

    def variant(self, depth: int = 0) -> tuple[str, Any]:
        """The signature and the value that come next."""
        signature = self._text(1)
        if len(split_signature(signature)) != 1:
            malformed("a variant that is not one value")
        return signature, self.read(signature, depth + 1)

    def unsigned(self, size: int) -> int:
        """The number of so many bytes that comes next, without padding."""
        start = self._take(size)
        return int.from_bytes(self._data[start : start + size], self._order)

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

    def _text(self, length_size: int) -> str:
        size = self.unsigned(length_size)
        start = self._take(size + 1)
        raw = self._data[start : start + size]
        if self._data[start + size] or b"\0" in raw:
            malformed("a text that does not end where it should")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            malformed("a text that is not UTF-8")

    def _array(self, kind: str, depth: int) -> Any:
        size = self.unsigned(4)
        self.align(kind[0])
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


def _as_dict(pairs: list[Any]) -> dict[Any, Any]:
    try:
        return dict(pairs)
    except (TypeError, ValueError):
        malformed("a dictionary whose entries are not pairs with a basic key")
