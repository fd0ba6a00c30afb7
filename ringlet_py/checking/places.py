"""Where a key may be sent to be checked: its own base URL, else its provider's endpoint; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ringlet_py.errors import CheckImpossible
from ringlet_py.profile.values import check_base_url
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from ringlet_py.entry import Entry
    from ringlet_py.profile.check import Check
    from ringlet_py.profile.provider import Provider


def place_of(provider: Provider, entry: Entry, endpoint: str = "") -> tuple[Check, str]:
    """What to ask, and the whole URL; CheckImpossible where the catalog does not say how, or where not."""
    check = provider.check
    if check is None:
        raise CheckImpossible(
            f"{entry.address} cannot be checked",
            why=f"the catalog does not say what {provider.title} can be asked for nothing",
            hint=f"use it, or describe it under [check] in providers/{provider.name}.toml of the config folder",
        )
    if entry.base_url and check.url:
        raise CheckImpossible(
            f"{entry.address} cannot be checked at {entry.base_url}",
            why=f"{provider.title} is asked at an address of its own, and the key may only go to its base URL",
        )
    base = entry.base_url or _endpoint(provider, endpoint).get(check.shape, "")
    if not base:
        raise CheckImpossible(f"{provider.title} has no address for {check.shape} there")
    return check, check.url or f"{_checked(base)}{check.path}"


def host_and_path(url: str) -> str:
    """The URL for people: where the question went."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}"


def _endpoint(provider: Provider, name: str) -> dict[str, str]:
    if name and name not in provider.endpoints:
        raise CheckImpossible(
            f"the provider {provider.name} has no endpoint {name!a}",
            why=did_you_mean(name, provider.endpoints),
            hint=f"one of {', '.join(provider.endpoints)}",
        )
    return provider.endpoints.get(name or next(iter(provider.endpoints), ""), {})


def _checked(url: str) -> str:
    """Once more, whoever wrote the entry: https, or http on this machine."""
    return check_base_url(url, CheckImpossible)
