"""Keys in the Secret Service under a service and a username, as Python's keyring, secret-tool and agents put them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ringlet_py.backends.system.secret_service_conversation import SERVICE as OURS
from ringlet_py.files.checks import quoted
from ringlet_py.moving.stores import Candidate
from ringlet_py.moving.stores.naming import Naming
from ringlet_py.moving.stores.secret_service import ADDED, clearing, locked, looked, offered, place
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.backends.system.secret_service_elsewhere import Elsewhere, Found
    from ringlet_py.profile.provider import Provider

_TOOL = "keyring entries"
_UNSEEN = "the keychain is locked: unlock it, and look again for what other programs keep in it"
_PYTHON = "Python keyring library"  # what that library has as the attribute `application`
_ACCOUNTS = ("username", "account")
# services under which programs keep the keys of several providers; the account says whose
PROGRAMS = ("aider", "codex", "Codex Auth", "crush", "goose", "llm", "opencode")


class PlainItems:
    """Items whose attributes name a provider, and whose value or attributes say that it is a key."""

    def __init__(self, environ: Mapping[str, str], providers: Mapping[str, Provider]) -> None:
        self._environ = environ
        self._naming = Naming(providers)

    def finds(self) -> tuple[list[Candidate], list[str]]:
        """The keys in all collections."""
        return looked(self._environ, _TOOL, self._look)

    def _look(self, service: Elsewhere) -> tuple[list[Candidate], list[str]]:
        wanted = [{"application": _PYTHON}, *({"service": name} for name in [*self._naming.words, *PROGRAMS])]
        answers = [service.search(attributes) for attributes in wanted]
        items = {item.path: item for found, _ in answers for item in found}
        found, notes = offered(_TOOL, items.values(), lambda item: self._offered(service, item))
        closed = locked(_TOOL, [path for _, paths in answers for path in paths])
        if not closed and service.is_locked():  # some services then answer every search with nothing
            closed = [_UNSEEN]
        return found, notes + closed

    def _offered(self, service: Elsewhere, item: Found) -> list[Candidate]:
        name, account = item.attributes.get("service", ""), _account(item)
        provider = self._naming.provider(account) or self._naming.provider(name)
        if name == OURS or not (provider or name in PROGRAMS):
            return []
        raw = service.read(item)
        if raw.startswith(b"{"):
            return self._several(raw, item)
        secret = Secret.from_input(raw)
        said = name in PROGRAMS or self._naming.means_key(f"{name} {account}")
        if not said and not self._naming.could_be_key(secret, provider):
            return []  # as likely the password of a page
        return [self._candidate(item, [name, account], secret, removal=_removal(item))]

    def _several(self, raw: bytes, item: Found) -> list[Candidate]:
        """The keys in a value that is JSON, as goose and Codex keep theirs, by variable."""
        removal = f"remove it with the program that keeps it, or all that it keeps with: {_removal(item)}"
        return [
            self._candidate(item, [name], value, removal=removal) for name, value in keys_in(raw, self._naming).items()
        ]

    def _candidate(self, item: Found, names: list[str], secret: Secret, *, removal: str) -> Candidate:
        told = next((said for name in reversed(names) if (said := self._naming.provider(name))), "")
        return Candidate(
            place=place(item),
            name=self._naming.shown(" ".join(names)),
            value=secret,
            provider=self._naming.provider("", secret) or told,
            alias=self._naming.alias(*names),
            remove=self._naming.removal(removal),
        )


def keys_in(raw: bytes, naming: Naming) -> dict[str, Secret]:
    """The keys in a value that is JSON, by variable."""
    try:
        stored = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    told = {name: value for name, value in stored.items() if naming.provider(name) and isinstance(value, str)}
    return {name: Secret.from_input(value.encode(errors="replace")) for name, value in told.items() if value}


def _account(item: Found) -> str:
    return next((item.attributes[name] for name in _ACCOUNTS if name in item.attributes), "")


def _removal(item: Found) -> str:
    its_own = {name: value for name, value in item.attributes.items() if name not in ADDED}
    if its_own.get("application") == _PYTHON and "service" in its_own and "username" in its_own:
        return f"keyring del {quoted(its_own['service'])} {quoted(its_own['username'])}"
    return clearing(its_own)
