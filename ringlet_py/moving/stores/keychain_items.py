"""Keys that other programs keep in the keychains of macOS and Windows, under a service and an account.

Python's keyring and the libraries of other languages put them there; envchain has a service for each namespace,
`envchain-NAMESPACE`, and variables as accounts: https://github.com/sorah/envchain, envchain_osx.c.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from ringlet_py.errors import InvalidSecret, KeychainAbsent, KeychainError
from ringlet_py.files.checks import quoted
from ringlet_py.moving.stores import Candidate
from ringlet_py.moving.stores.databases import told
from ringlet_py.moving.stores.naming import Naming
from ringlet_py.moving.stores.plain_items import PROGRAMS, keys_in
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ringlet_py.backends.system.others import Name, Others
    from ringlet_py.profile.provider import Provider

_ENVCHAIN = "envchain-"
_GO = "keyring:"  # how 99designs' library begins its targets on Windows
_ASKING = "a value is read when it is moved, and the keychain may ask you then"
_PARTS = re.compile(r"[@:/.]")  # between what libraries on Windows make a target of
_SEVERAL = "it holds several values; print the key with the program that keeps it, and give it to: ringlet keychain set"


class KeychainItems:
    """Entries whose names tell a provider, and say that they are keys; where nobody is asked the value may say it."""

    def __init__(self, others: Callable[[], Others], providers: Mapping[str, Provider]) -> None:
        self._open = others
        self._naming = Naming(providers)
        self._services = {name.lower() for name in (*self._naming.words, *PROGRAMS)}

    def finds(self) -> tuple[list[Candidate], list[str]]:
        """The keys, by service and account."""
        try:
            others = self._open()
            names = [name for name in others.names() if "//" not in name[0]]  # the passwords of pages
        except KeychainAbsent:
            return [], []
        except KeychainError as problem:
            return [], [f"keys of other programs were not looked for: {told(problem)}"]
        return self._unread(others, names) if others.asks else self._read(others, names)

    def _unread(self, others: Others, names: list[Name]) -> tuple[list[Candidate], list[str]]:
        """Those that are keys by their names alone."""
        likely = [name for name in names if self._is_variable(name) or (self._provider(name) and self._says(name))]
        found = [self._candidate(others, name, later=partial(self._asked, others, name)) for name in likely]
        look = "1 entry looks like a key" if len(found) == 1 else f"{len(found)} entries look like keys"
        return found, [f"{others.place}: {look} by name; {_ASKING}"] if found else []

    def _read(self, others: Others, names: list[Name]) -> tuple[list[Candidate], list[str]]:
        found, notes = [], []
        for name in filter(self._may_be, names):
            try:
                found += self._offered(others, name, others.read(name))
            except (KeychainError, InvalidSecret) as problem:
                notes.append(f"{others.place}: {self._shown(name)} was left out: {told(problem)}")
        return found, notes

    def _offered(self, others: Others, name: Name, raw: bytes) -> list[Candidate]:
        if raw.startswith(b"{"):
            several = keys_in(raw, self._naming)
            return [self._candidate(others, name, value=value, variable=each) for each, value in several.items()]
        try:
            secret = Secret.from_input(raw)
        except InvalidSecret:
            if self._says(name):
                raise
            return []
        provider = self._naming.provider("", secret) or self._provider(name)
        if not provider or not (self._says(name) or self._naming.could_be_key(secret, provider)):
            return []  # as likely the password of a page
        return [self._candidate(others, name, value=secret)]

    def _asked(self, others: Others, name: Name) -> Secret:
        raw = others.read(name)
        if raw.startswith(b"{"):
            raise InvalidSecret(f"{self._shown(name)} is no key", why=_SEVERAL)
        return Secret.from_input(raw)

    def _candidate(
        self,
        others: Others,
        name: Name,
        *,
        value: Secret | None = None,
        variable: str = "",
        later: Callable[[], Secret] | None = None,
    ) -> Candidate:
        service, account = name
        space = service.removeprefix(_ENVCHAIN) if self._is_variable(name) else service
        return Candidate(
            place=others.place,
            name=self._naming.shown(variable) if variable else self._shown(name),
            value=value,
            provider=self._naming.provider(variable, value) or self._provider(name),
            alias=self._naming.alias(variable) if variable else self._naming.alias(space, account),
            remove=self._naming.removal(_removal(others, name)),
            later=later,
        )

    def _provider(self, name: Name) -> str:
        service, account = name
        return self._naming.provider(account) or self._naming.provider(service)

    def _is_variable(self, name: Name) -> bool:
        """Whether it is a key of envchain's by its name, whoever sells it."""
        return name[0].startswith(_ENVCHAIN) and (bool(self._provider(name)) or self._naming.means_key(name[1]))

    def _may_be(self, name: Name) -> bool:
        """Whether it is worth reading."""
        parts = _PARTS.split(name[0].lower())
        return not self._services.isdisjoint(parts) or bool(self._provider(name) and self._says(name))

    def _says(self, name: Name) -> bool:
        """Whether the names say that it is a key, and not the password of a page or a program's own secret."""
        service, account = name
        if service.startswith((_ENVCHAIN, _GO)) or service.lower() in self._services:
            return True
        return self._naming.is_variable(account) or self._naming.means_key(f"{service} {account}")

    def _shown(self, name: Name) -> str:
        return self._naming.shown(" ".join(filter(None, name)))


def _removal(others: Others, name: Name) -> str:
    service, account = name
    if not others.asks:
        return f'cmdkey "/delete:{service}"'
    if service.startswith(_ENVCHAIN):
        return f"envchain --unset {quoted(service.removeprefix(_ENVCHAIN))} {quoted(account)}"
    return f"security delete-generic-password -s {quoted(service)} -a {quoted(account)}"
