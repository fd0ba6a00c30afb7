"""The file in which keyrings.alt keeps what Python's keyring is given where there is no keychain: base64, no secrecy.

Sections are services, options accounts, each spelled with `_` and two hex digits for all but letters and digits.
"""

from __future__ import annotations

import base64
import binascii
import configparser
import os
import re
from typing import TYPE_CHECKING

from ringlet_py.errors import InvalidSecret
from ringlet_py.files.checks import quoted
from ringlet_py.moving.stores import Candidate
from ringlet_py.moving.stores.naming import Naming
from ringlet_py.moving.stores.reading import Unread, read
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.profile.provider import Provider

_PLAIN, _SEALED = "keyring_pass.cfg", "crypted_pass.cfg"


def keyring_folder(home: str, environ: Mapping[str, str], platform: str) -> str:
    """Where keyrings.alt keeps its files, as keyring's data_root says it."""
    if platform == "win32":
        return os.path.join(environ.get("LOCALAPPDATA") or environ.get("ProgramData") or home, "Python Keyring")
    return os.path.join(environ.get("XDG_DATA_HOME") or os.path.join(home, ".local/share"), "python_keyring")


class KeyringFile:
    """Those of its entries whose service or account names a provider, and that are keys."""

    def __init__(self, folder: str, providers: Mapping[str, Provider]) -> None:
        self._folder = folder
        self.path = os.path.join(folder, _PLAIN)
        self._naming = Naming(providers)

    def finds(self) -> tuple[list[Candidate], list[str]]:
        """The keys, in the order of the file."""
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(read(self.path).decode())
        except FileNotFoundError:
            return [], self._sealed()
        except Unread as problem:
            return [], [str(problem)]
        except (configparser.Error, ValueError):
            return [], [f"{self.path} was not read: it is not as keyrings.alt writes it"]
        found, notes = [], self._sealed()
        for service, account, stored in _entries(parser):
            try:
                found += self._offered(service, account, stored)
            except InvalidSecret as problem:
                notes.append(f"{self.path}: {self._naming.shown(f'{service} {account}')} is no key: {problem.what}")
        return found, notes

    def _offered(self, service: str, account: str, stored: str) -> list[Candidate]:
        provider = self._naming.provider(account) or self._naming.provider(service)
        if not provider:
            return []
        secret = Secret.from_input(_decoded(stored))
        if not (self._naming.means_key(f"{service} {account}") or self._naming.could_be_key(secret, provider)):
            return []
        candidate = Candidate(
            place=self.path,
            name=self._naming.shown(f"{service} {account}"),
            value=secret,
            provider=self._naming.provider("", secret) or provider,
            alias=self._naming.alias(service, account),
            remove=self._naming.removal(f"keyring del {quoted(service)} {quoted(account)}"),
        )
        return [candidate]

    def _sealed(self) -> list[str]:
        path = os.path.join(self._folder, _SEALED)
        why = "it is sealed with a password; print a key with: keyring get SERVICE NAME"
        return [f"{path} was not read: {why}"] if os.path.exists(path) else []


def _entries(parser: configparser.RawConfigParser) -> list[tuple[str, str, str]]:
    return [
        (_unescaped(service), _unescaped(account), stored)
        for service in parser.sections()
        for account, stored in parser.items(service)
    ]


def _unescaped(name: str) -> str:
    return re.sub(rb"_([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match[1].decode()), name.encode()).decode(
        errors="replace"
    )


def _decoded(stored: str) -> bytes:
    try:
        return base64.b64decode("".join(stored.split()), validate=True)
    except (ValueError, binascii.Error):
        raise InvalidSecret("it is not as keyrings.alt writes it") from None
