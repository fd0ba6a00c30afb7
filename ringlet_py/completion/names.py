"""The names of each kind that there are: those that come with ringlet, and those on this machine.

Only names that follow the grammar are ever offered, so none can do anything to the shell that inserts it.
"""

from __future__ import annotations

import os

from ringlet_py import errors
from ringlet_py.completion.words import CHOICES, NAMES
from ringlet_py.entry import check_name
from ringlet_py.files.folders import Folders
from ringlet_py.ledger.glance import addresses, documents, leases, tokens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ringlet_py.completion.place import Place


def names(kind: str, place: Place, environ: Mapping[str, str]) -> dict[str, str]:
    """The names of that kind, sorted, each with what it is ("" where a name says all); whatever fails, none."""
    found = {name: "" for name in _here(kind, place, environ) if _is_name(name)}
    found.update(NAMES.get(kind, {}))
    return {name: found[name] for name in sorted(found)}


def _here(kind: str, place: Place, environ: Mapping[str, str]) -> Iterable[str]:
    """What this machine has, unchecked."""
    look = _LOOKING.get(kind)
    if look is None:
        return ()
    try:
        return look(Folders.of(environ), place)
    except (OSError, errors.RingletError):
        return ()


def _profiles(folders: Folders, _: Place) -> list[str]:
    root = folders.profiles
    return [name for name in os.listdir(root) if os.path.isfile(os.path.join(root, name, "ringlet.toml"))]


def _agents(folders: Folders, _: Place) -> list[str]:
    return _documents(os.path.join(folders.config, "agents"))


def _providers(folders: Folders, _: Place) -> list[str]:
    with_keys = [provider for provider, _ in _known(folders)]
    return [*with_keys, *_documents(os.path.join(folders.config, "providers"))]


def _aliases(folders: Folders, place: Place) -> list[str]:
    return [alias for provider, alias in _known(folders) if provider == place.provider]


def _addresses(folders: Folders, _: Place) -> list[str]:
    return [f"{provider}/{alias}" for provider, alias in _known(folders)]


def _pools(folders: Folders, _: Place) -> list[str]:
    return documents(_ledger(folders), "pool")


def _tiers(folders: Folders, _: Place) -> list[str]:
    return documents(_ledger(folders), "tier")


def _tokens(folders: Folders, _: Place) -> list[str]:
    return tokens(_ledger(folders))


def _leases(folders: Folders, _: Place) -> list[str]:
    return leases(_ledger(folders))


def _receipts(folders: Folders, _: Place) -> list[str]:
    found = os.listdir(os.path.join(folders.state, "receipts"))
    return [name.removesuffix(".json") for name in found if name.endswith(".json")]


def _pools_and_providers(folders: Folders, place: Place) -> list[str]:
    return [*_pools(folders, place), *_providers(folders, place), *NAMES["provider"]]


def _endpoints(folders: Folders, place: Place) -> Iterable[str]:
    from ringlet_py.completion.endpoints import endpoints  # few ask for one

    return endpoints(folders, place)


def _choices(_: Folders, place: Place) -> Iterable[str]:
    return CHOICES.get(place.values[0], ())


_LOOKING = {
    "profile": _profiles,
    "agent": _agents,
    "provider": _providers,
    "alias": _aliases,
    "address": _addresses,
    "binding": _addresses,  # [VARIABLE=]PROVIDER/ALIAS
    "endpoint": _endpoints,
    "choice": _choices,  # what the setting before it may be
    "pool": _pools,
    "tier": _tiers,
    "token": _tokens,
    "lease": _leases,
    "receipt": _receipts,
    "pool-or-provider": _pools_and_providers,
}


def _known(folders: Folders) -> list[tuple[str, str]]:
    return addresses(_ledger(folders))


def _ledger(folders: Folders) -> str:
    return os.path.join(folders.state, "ledger.sqlite")


def _documents(folder: str) -> list[str]:
    try:
        found = os.listdir(folder)
    except OSError:
        return []
    return [name.removesuffix(".toml") for name in found if name.endswith(".toml")]


def _is_name(name: str) -> bool:
    """Whether it is a name, or an address made of two."""
    try:
        for part in name.split("/", 1):
            check_name("name", part)
    except errors.InvalidName:
        return False
    return True
