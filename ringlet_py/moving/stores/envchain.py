"""The variables that envchain keeps in the Secret Service, by namespace.

Its items have the schema `envchain.EnvironmentVariable`, with the attributes `name`, which is the namespace, and
`key`, which is the variable: https://github.com/sorah/envchain, envchain_linux.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.moving.stores import Candidate
from ringlet_py.moving.stores.naming import Naming
from ringlet_py.moving.stores.secret_service import SCHEMA, clearing, locked, looked, offered
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.backends.system.secret_service_elsewhere import Elsewhere, Found
    from ringlet_py.profile.provider import Provider

_ITS_ITEMS = {SCHEMA: "envchain.EnvironmentVariable"}
_TOOL = "envchain"


class Envchain:
    """Those of its variables that a provider's key is in, or that say so themselves."""

    def __init__(self, environ: Mapping[str, str], providers: Mapping[str, Provider]) -> None:
        self._environ = environ
        self._naming = Naming(providers)

    def finds(self) -> tuple[list[Candidate], list[str]]:
        """The keys of all namespaces."""
        return looked(self._environ, _TOOL, self._look)

    def _look(self, service: Elsewhere) -> tuple[list[Candidate], list[str]]:
        items, closed = service.search(_ITS_ITEMS)
        found, notes = offered(_TOOL, items, lambda item: self._offered(service, item))
        return found, notes + locked(_TOOL, closed)

    def _offered(self, service: Elsewhere, item: Found) -> list[Candidate]:
        space, variable = item.attributes.get("name", ""), item.attributes.get("key", "")
        if not self._naming.provider(variable) and not self._naming.means_key(variable):
            return []  # a region, a folder, a user's name: not ours to read
        secret = Secret.from_input(service.read(item))
        candidate = Candidate(
            place=f"envchain, namespace {self._naming.shown(space)}",
            name=self._naming.shown(variable),
            value=secret,
            provider=self._naming.provider(variable, secret),
            alias=self._naming.alias(space, variable),
            remove=self._naming.removal(clearing({"name": space, "key": variable})),
        )
        return [candidate]
