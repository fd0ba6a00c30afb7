"""Who sells the API: its variables, endpoints, and what its keys look like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ringlet_py.profile.check import read_check
from ringlet_py.profile.values import SHAPES, check_base_url, check_variable

if TYPE_CHECKING:
    from ringlet_py.document import Source, Table
    from ringlet_py.profile.check import Check


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A provider of the catalog; the first endpoint is the default, an endpoint maps wire shapes to base URLs."""

    name: str
    title: str
    key_env: str
    base_url_env: str
    drop: tuple[str, ...]
    key_pattern: str
    key_prefixes: tuple[str, ...]
    sign_up: str
    source: str
    models: tuple[str, ...]
    keyless: bool
    placeholder_key: str
    endpoints: dict[str, dict[str, str]]
    shapes: tuple[str, ...]
    check: Check | None = None

    @property
    def variables(self) -> frozenset[str]:
        """Every variable that carries this provider's key, token or address."""
        return frozenset(filter(None, (self.key_env, self.base_url_env, *self.drop)))

    def all_shapes(self) -> tuple[str, ...]:
        """The wire shapes it can be spoken to in, over all endpoints, in their order."""
        offered = [shape for endpoint in self.endpoints.values() for shape in endpoint]
        return tuple(dict.fromkeys([*offered, *self.shapes]))


def read_provider(name: str, source: Source) -> Provider:
    """The provider in the document; raises the source's error for anything wrong in it."""
    root = source.root()
    endpoints = _endpoints(root.table("endpoints"))
    provider = Provider(
        name=name,
        title=root.text("title"),
        key_env=_variable(root, "key-env"),
        base_url_env=_variable(root, "base-url-env"),
        drop=_variables(root, "drop"),
        key_pattern=_pattern(root),
        key_prefixes=root.texts("key-prefixes"),
        sign_up=root.text("sign-up", ""),
        source=root.text("source", ""),
        models=root.texts("models"),
        keyless=root.flag("keyless"),
        placeholder_key=root.text("placeholder-key", ""),
        endpoints=endpoints,
        shapes=_shapes(root),
        check=read_check(root.table("check"), endpoints.values()),
    )
    root.done()
    if not provider.keyless and not provider.key_env:
        raise source.wrong("'key-env' is missing (or keyless = true)", "key-env")
    return provider


def _endpoints(table: Table) -> dict[str, dict[str, str]]:
    return {name: _endpoint(table, name) for name in list(table.values)}


def _endpoint(table: Table, name: str) -> dict[str, str]:
    endpoint = table.mapping(name)
    for shape, url in endpoint.items():
        if shape not in SHAPES:
            raise table.wrong(f"the wire shape {shape!r} is not known", shape, why=f"there are: {', '.join(SHAPES)}")
        if url:
            check_base_url(url, partial(table.wrong, key=shape))
    return endpoint


def _shapes(root: Table) -> tuple[str, ...]:
    shapes = root.texts("shapes")
    for shape in shapes:
        if shape not in SHAPES:
            raise root.wrong(f"the wire shape {shape!r} is not known", "shapes", why=f"there are: {', '.join(SHAPES)}")
    return shapes


def _variable(root: Table, key: str) -> str:
    name = root.text(key, "")
    return check_variable(name, lambda what: root.wrong(what, key)) if name else ""


def _variables(root: Table, key: str) -> tuple[str, ...]:
    return tuple(check_variable(name, lambda what: root.wrong(what, key)) for name in root.texts(key))


def _pattern(root: Table) -> str:
    pattern = root.text("key-pattern", "")
    try:
        re.compile(pattern)
    except re.error as problem:
        raise root.wrong(f"'key-pattern' is not a regular expression: {problem}", "key-pattern") from None
    return pattern
