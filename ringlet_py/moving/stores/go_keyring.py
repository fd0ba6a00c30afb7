"""Items of the Go library keyring of 99designs, which aws-vault and others use.

In the Secret Service each program has a collection; an item has the one attribute `profile`, and its value is JSON
whose `Data` is the secret in base64: https://github.com/99designs/keyring, libsecret.go and keyring.go.  In the
library's other store each item is a file, sealed with a passphrase.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import urllib.parse
from typing import TYPE_CHECKING

from ringlet_py.errors import InvalidSecret
from ringlet_py.moving.stores import Candidate
from ringlet_py.moving.stores.naming import Naming
from ringlet_py.moving.stores.secret_service import ADDED, clearing, looked, offered, place
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.backends.system.secret_service_elsewhere import Elsewhere, Found
    from ringlet_py.profile.provider import Provider

_TOOL = "keyring of 99designs"
_NAME = "profile"
_FILES = ".awsvault/keys"  # aws-vault's, below the home folder


class GoKeyring:
    """Those items whose name tells that they are a provider's key; aws-vault's own are AWS credentials, and left."""

    def __init__(self, home: str, environ: Mapping[str, str], providers: Mapping[str, Provider]) -> None:
        self._folder = os.path.join(home, _FILES)
        self._environ = environ
        self._naming = Naming(providers)

    def finds(self) -> tuple[list[Candidate], list[str]]:
        """The keys of all programs that use the library."""
        found, notes = looked(self._environ, _TOOL, self._look)
        return found, notes + self._sealed_files()

    def _look(self, service: Elsewhere) -> tuple[list[Candidate], list[str]]:
        service.search({_NAME: ""})  # the first call is always a search, whatever it finds
        items = [item for collection in service.collections() for item in service.items(collection)]
        its_own = [item for item in items if item.attributes.keys() - ADDED == {_NAME}]
        named = [item for item in its_own if self._naming.provider(item.attributes[_NAME])]
        return offered(_TOOL, named, lambda item: self._offered(service, item))

    def _offered(self, service: Elsewhere, item: Found) -> list[Candidate]:
        name = item.attributes[_NAME]
        secret = Secret.from_input(_data(service.read(item)))
        candidate = Candidate(
            place=place(item),
            name=self._naming.shown(name),
            value=secret,
            provider=self._naming.provider(name, secret),
            alias=self._naming.alias(name),
            remove=self._naming.removal(clearing({_NAME: name})),
        )
        return [candidate]

    def _sealed_files(self) -> list[str]:
        try:
            names = sorted(map(urllib.parse.unquote, os.listdir(self._folder)))
        except OSError:
            return []
        likely = [self._naming.shown(name) for name in names if self._naming.provider(name)]
        why = "sealed with a passphrase; print it with the tool that made it, and give it to: ringlet keychain set"
        return [f"{self._folder} has {', '.join(likely)}: {why}"] if likely else []


def _data(raw: bytes) -> bytes:
    try:
        return base64.b64decode(json.loads(raw)["Data"], validate=True)
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
        raise InvalidSecret("it is not as the library writes it") from None
