"""The sealed values of the ledger on Redis."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

from ringlet_py.ledger.sealed import SealedValue, WrappedKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringlet_py.ledger.redis.server import RedisServer

_VALUE = ("key_id", "scheme", "nonce", "ciphertext")
_KEY = ("id", "store", "scheme", "master", "slot", "salt", "nonce", "ciphertext")
_BYTES = frozenset({"salt", "nonce", "ciphertext"})


class RedisSealedValues:
    """The sealed values on that server; see `ringlet_py.ledger.sealed` for what the verbs promise."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    def value(self, address: str) -> SealedValue | None:
        """The value of that address, or None."""
        found = self._server.call("HGET", self._server.key("sealed"), address)
        return None if found is None else SealedValue(address=address, **self._fields(found, _VALUE))

    def addresses(self) -> list[str]:
        """The address of every value, sorted."""
        return sorted(found.decode() for found in self._server.call("HKEYS", self._server.key("sealed")))

    def put(self, value: SealedValue) -> bool:
        """Makes or replaces the value; False if its data key is not the current one."""
        return self._does("put", value.address, _written(value, _VALUE), again=True)

    def swap(self, old: SealedValue, new: SealedValue) -> bool:
        """Replaces the value; False if it is not as it was, or the new one's data key not the current one."""
        return self._does("swap", old.address, _written(old, _VALUE), _written(new, _VALUE))

    def remove(self, address: str) -> bool:
        """Takes the value away; False if there is none."""
        return self._does("remove", address)

    def not_under(self, key_id: str) -> list[str]:
        """The addresses whose values another data key opens, sorted."""
        found = self._server.flat(self._server.key("sealed"))
        return sorted(address for address, value in found if self._fields(value, _VALUE)["key_id"] != key_id)

    def counts(self) -> dict[str, int]:
        """How many values are under each data key that has any."""
        return {key_id: int(count) for key_id, count in self._server.flat(self._server.key("sealed-counts"))}

    def keys(self) -> list[WrappedKey]:
        """The data keys, the current one last."""
        found = self._server.call("LRANGE", self._server.key("sealed-keys"), 0, -1)
        return [WrappedKey(**self._fields(each, _KEY)) for each in found]

    def add_key(self, key: WrappedKey, *, after: WrappedKey | None) -> bool:
        """Makes the key the current one; False if `after` is not that any longer."""
        return self._does("add_key", _written(key, _KEY), _written(after, _KEY) if after else "")

    def rewrap(self, changes: Sequence[tuple[WrappedKey, WrappedKey]]) -> bool:
        """Replaces the keys; False, and nothing is changed, if they are not all there is or not as they were."""
        return self._does("rewrap", *(_written(key, _KEY) for pair in changes for key in pair))

    def drop_key(self, key_id: str) -> bool:
        """Takes the key away; False if it is the current one, in use, or not there."""
        return self._does("drop_key", key_id)

    def _does(self, verb: str, *arguments: str, again: bool = False) -> bool:
        return bool(self._server.run("sealed", verb, *arguments, again=again) == 1)

    def _fields(self, written: bytes | str, names: tuple[str, ...]) -> dict[str, Any]:
        try:
            return _read(written, names)
        except (ValueError, TypeError):
            raise self._server.corrupt("it holds what cannot be a sealed value") from None


def value_of(address: str, written: bytes) -> SealedValue | None:
    """The value as it is kept; None for what is none: who reads it again is told what is wrong with it."""
    try:
        return SealedValue(address=address, **_read(written, _VALUE))
    except (ValueError, TypeError):
        return None


def _read(written: bytes | str, names: tuple[str, ...]) -> dict[str, Any]:
    fields = dict(zip(names, json.loads(written), strict=True))
    return {name: _bytes(text) if name in _BYTES else _text(text) for name, text in fields.items()}


def _written(row: SealedValue | WrappedKey, names: tuple[str, ...]) -> str:
    """The row as it is kept: always the same text for the same row, since scripts compare it."""
    values = [getattr(row, name) for name in names]
    return json.dumps([b64encode(value).decode() if isinstance(value, bytes) else value for value in values])


def _bytes(value: object) -> bytes:
    return b64decode(_text(value), validate=True)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
