"""The agents and providers ringlet knows, as TOML data: the package's own and more from the config folder."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from ringlet_py.document import Source
from ringlet_py.entry import check_name
from ringlet_py.errors import CatalogInvalid, CatalogNotFound, UsageError
from ringlet_py.files.trusted import read_trusted
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ringlet_py.profile.agent import Agent
    from ringlet_py.profile.provider import Provider

T = TypeVar("T")
_HERE = os.path.dirname(__file__)
_ENDING = ".toml"


class Catalog:
    """Agents and providers by name; a file in the config folder takes the place of ours of the same name."""

    def __init__(self, config_folder: str) -> None:
        self._config_folder = config_folder

    @cached_property
    def agents(self) -> dict[str, Agent]:
        """Every agent, sorted by name."""
        from ringlet_py.profile.agent import read_agent

        return self._load("agents", read_agent)

    @cached_property
    def providers(self) -> dict[str, Provider]:
        """Every provider, sorted by name."""
        from ringlet_py.profile.provider import read_provider

        return self._load("providers", read_provider)

    def agent(self, name: str) -> Agent:
        """The agent of that name; raises CatalogNotFound with the nearest one."""
        return _find("agent", name, self.agents)

    def provider(self, name: str) -> Provider:
        """The provider of that name; raises CatalogNotFound with the nearest one."""
        return _find("provider", name, self.providers)

    @cached_property
    def routing(self) -> frozenset[str]:
        """Every variable of any agent or provider that carries a key, a token or an address."""
        names = {name for provider in self.providers.values() for name in provider.variables}
        return frozenset(names.union(*([*agent.drop, *agent.nesting] for agent in self.agents.values())))

    def sources(self) -> list[str]:
        """The files the catalog is read from, and the folders that would show a new one."""
        folders = [
            os.path.join(root, kind) for root in (_HERE, self._config_folder) for kind in ("agents", "providers")
        ]
        return [*folders, *(path for folder in folders for path in _files(folder).values())]

    def _load(self, kind: str, read: Callable[[str, Source], T]) -> dict[str, T]:
        files = _files(os.path.join(_HERE, kind)) | _files(os.path.join(self._config_folder, kind))
        return {name: _read(name, files[name], read) for name in sorted(files)}


def ready_made() -> dict[str, str]:
    """The ready-made profiles that come with ringlet: name to path."""
    packaged = os.path.join(_HERE, "ready_made")
    # in a checkout they stand at the top, where people look for them
    return _files(packaged) or _files(os.path.join(_HERE, "..", "..", "profiles"))


def _files(folder: str) -> dict[str, str]:
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return {}
    found = sorted(name for name in names if name.endswith(_ENDING) and not name.startswith("."))
    return {name.removesuffix(_ENDING): os.path.join(folder, name) for name in found}


def _read(name: str, path: str, read: Callable[[str, Source], T]) -> T:
    try:
        check_name("name", name)
    except UsageError as problem:
        raise CatalogInvalid(f"{path}: {problem.what}", hint="rename the file") from None
    text = _package_text(path) if path.startswith(_HERE) else read_trusted(path)
    return read(name, Source(path=path, text=text, error=CatalogInvalid))


def _package_text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _find(kind: str, name: str, known: Mapping[str, T]) -> T:
    if name not in known:
        raise CatalogNotFound(f"there is no {kind} {name!r} in the catalog", why=did_you_mean(name, known))
    return known[name]
