"""The program launched: its binary, the wire shapes it speaks, and how it is told key, address and model."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.profile.values import ISOLATIONS, SHAPES, check_variable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping as Environment

    from ringlet_py.document import Source, Table

KEY = "{key}"
CONFIG_FOLDER = "{config-folder}"
HOME = "{home}"
_PLACE = re.compile(r"(~|\$[A-Z_][A-Z0-9_]*)/(.+)")  # in the home folder, or in the one that a variable names


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """How an agent speaks one wire shape; `{key}` is the whole value of the variables that take the key."""

    shape: str
    env: dict[str, str]
    args: tuple[str, ...]
    files: dict[str, str]
    isolation: str


@dataclass(frozen=True, kw_only=True)
class Agent:
    """An agent of the catalog."""

    name: str
    title: str
    binary: str
    install: str
    source: str
    checked: str
    config_folder: str
    drop: tuple[str, ...]
    nesting: tuple[str, ...]
    env: dict[str, str]
    model_args: tuple[str, ...]
    model_env: dict[str, str]
    key_files: tuple[str, ...]
    login_files: tuple[str, ...]
    transcripts: tuple[str, ...]
    any: bool
    mappings: tuple[Mapping, ...]

    @property
    def shapes(self) -> tuple[str, ...]:
        """The wire shapes it speaks, the preferred one first."""
        return SHAPES if self.any else tuple(mapping.shape for mapping in self.mappings)


def located(places: Iterable[str], *, home: str, environ: Environment[str, str]) -> list[str]:
    """The places (`key_files`, …) as patterns for glob; without those of a variable that names no folder.

    A pattern may match folders, which stand for all that is in them.
    """
    found = []
    for place in places:
        start, _, rest = place.partition("/")
        folder = home if start == "~" else environ.get(start[1:], "")
        if os.path.isabs(folder):
            found.append(os.path.join(glob.escape(folder), rest))
    return found


def read_agent(name: str, source: Source) -> Agent:
    """The agent in the document; raises the source's error for anything wrong in it."""
    root = source.root()
    agent = Agent(
        name=name,
        title=root.text("title"),
        binary=root.text("binary", ""),
        install=root.text("install", ""),
        source=root.text("source", ""),
        checked=root.text("checked", ""),
        config_folder=root.text("config-folder", ""),
        drop=_variables(root, "drop"),
        nesting=_variables(root, "nesting"),
        env=_env(root, "env"),
        model_args=root.texts("model-args"),
        model_env=_env(root, "model-env"),
        key_files=_places(root, "key-files"),
        login_files=_places(root, "login-files"),
        transcripts=_places(root, "transcripts"),
        any=root.flag("any"),
        mappings=tuple(_mapping(table) for table in root.tables("shapes")),
    )
    root.done()
    _check(agent, source)
    return agent


def _mapping(table: Table) -> Mapping:
    mapping = Mapping(
        shape=table.choice("shape", SHAPES, ""),
        env=_env(table, "env"),
        args=table.texts("args"),
        files=table.mapping("files"),
        isolation=table.choice("isolation", ISOLATIONS, "none"),
    )
    table.done()
    return mapping


def _check(agent: Agent, source: Source) -> None:
    if not agent.any and not agent.binary:
        raise source.wrong("'binary' is missing (or any = true)", "binary")
    if KEY in "".join([*agent.env.values(), *agent.model_args, *agent.model_env.values()]):
        raise source.wrong("{key} may only stand in the env of a shape", "env")
    for mapping in agent.mappings:
        _check_mapping(mapping, source)


def _check_mapping(mapping: Mapping, source: Source) -> None:
    """The key is given by variable alone: an argument is readable by every user, a file stays behind."""
    if KEY in "".join([*mapping.args, *mapping.files, *mapping.files.values()]):
        raise source.wrong("{key} may not stand in arguments and files", "args", table="shapes")
    if any(KEY in value and value != KEY for value in mapping.env.values()):
        raise source.wrong("{key} must be the whole value of a variable", "env", table="shapes")
    for path in mapping.files:
        if not path.startswith((CONFIG_FOLDER + "/", HOME + "/")) or ".." in path.split("/"):
            raise source.wrong(f"the file {path!r} must lie below {CONFIG_FOLDER} or {HOME}", "files", table="shapes")


def _env(table: Table, key: str) -> dict[str, str]:
    env = table.mapping(key)
    for name in env:
        check_variable(name, lambda what: table.wrong(what, key))
    return env


def _variables(table: Table, key: str) -> tuple[str, ...]:
    return tuple(check_variable(name, lambda what: table.wrong(what, key)) for name in table.texts(key))


def _places(table: Table, key: str) -> tuple[str, ...]:
    places = table.texts(key)
    for place in places:
        if not _PLACE.fullmatch(place) or ".." in place.split("/"):
            raise table.wrong(f"{place!r} must start with '~/' or with '$VARIABLE/', without '..'", key)
    return places
