"""Texts as people may see them: without the values of keys, and of whatever else could be secret."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from ringlet_py.secret import Secret
from ringlet_py.values import KEY_LENGTH, looks_like_key, looks_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ringlet_py.moving.formats import Format
    from ringlet_py.profile.provider import Provider

_LOGIN = re.compile("://[^/]*@")
_LONG = re.compile(rf"[A-Za-z0-9+_-]{{{KEY_LENGTH},}}")


def redacted(text: str, format_: Format, providers: Mapping[str, Provider]) -> str:
    """The text with the values of secret-looking names, and every word that reads like a key, shown as their tails."""
    pieces, place = [], 0
    for spot in format_.spots(text):
        value = text[spot.start : spot.end]
        secret = looks_secret(_words(spot.name), value, providers) or _LOGIN.search(value)
        if secret and spot.start >= place:
            pieces += [text[place : spot.start], spot.value.tail()]
            place = spot.end
    return without_keys("".join([*pieces, text[place:]]), providers)


def without_keys(text: str, providers: Mapping[str, Provider]) -> str:
    """The text with every word that reads like a key shown as its tail."""

    def shown(found: re.Match[str]) -> str:
        return Secret(found[0]).tail() if looks_like_key(found[0], providers) else found[0]

    return _LONG.sub(shown, text)


def difference(name: str, before: str, after: str) -> Iterator[str]:
    """The lines of a unified diff without context, since whatever stands beside a key is nobody's business."""
    yield from difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, n=0, lineterm="")


def _words(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name))
