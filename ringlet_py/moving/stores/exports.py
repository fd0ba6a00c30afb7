"""What Doppler, Infisical and 1Password leave in a folder: exports in the clear, references, and sealed copies.

Exports in the dotenv format are `.env` files like others, which can be edited, so they are not offered here.
"""

from __future__ import annotations

import csv
import json
import os
import re
from typing import TYPE_CHECKING

from ringlet_py.errors import InvalidSecret
from ringlet_py.files.checks import quoted
from ringlet_py.moving.stores import Candidate
from ringlet_py.moving.stores.naming import Naming
from ringlet_py.moving.stores.reading import Unread, read
from ringlet_py.moving.stores.references import reference, references
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ringlet_py.profile.provider import Provider

# what `doppler secrets download` and the examples of `infisical export` call their files
EXPORTS = ("doppler.json", "doppler.yaml", "secrets.csv", "secrets.json", "secrets.yaml")
_FALLBACKS = ".doppler/fallback"  # below the home folder
_FLAT_YAML = re.compile(r"""^([A-Za-z_]\w*): *(?:"([^"\\\n]*)"|'([^'\n]*)'|([^\s"'#][^\s#]*))[ \t]*$""", re.MULTILINE)


class _UnknownError(Exception):
    """A file that is not as its tool writes it."""


class Exports:
    """The exports, `.env` files with references among them, at these paths."""

    def __init__(self, paths: Sequence[str], home: str, providers: Mapping[str, Provider]) -> None:
        self._paths = paths
        self._fallbacks = os.path.join(home, _FALLBACKS)
        self._naming = Naming(providers)

    def finds(self) -> tuple[list[Candidate], list[str]]:
        """The keys in the exports, file by file."""
        found, notes = [], []
        for path in self._paths:
            try:
                candidates, said = self._file(path, read(path).decode(errors="surrogateescape"))
            except FileNotFoundError:
                continue
            except Unread as problem:
                candidates, said = [], [str(problem)]
            found += candidates
            notes += said
        return found, notes + self._sealed()

    def _file(self, path: str, text: str) -> tuple[list[Candidate], list[str]]:
        if os.path.basename(path) not in EXPORTS:
            told = [f"{count} of {tool}" for tool, count in references(text).items()]
            return [], [f"{path} has references ({', '.join(told)}), which are no keys"] if told else []
        try:
            stored = _READING[os.path.splitext(path)[1]](text)
        except (ValueError, RecursionError, csv.Error, _UnknownError):
            return [], [f"{path} was not read: it is sealed, or not as the tool writes it"]
        offers = [self._offered(path, name, value) for name, value in stored.items()]
        return [offer for offer in offers if offer], []

    def _offered(self, path: str, name: str, value: str) -> Candidate | None:
        provider = self._naming.provider(name)
        if not provider and not self._naming.means_key(name):
            return None
        try:
            secret = Secret.from_input(value.encode(errors="replace"))
        except InvalidSecret:
            return None
        if reference(secret):
            return None
        return Candidate(
            place=path,
            name=self._naming.shown(name),
            value=secret,
            provider=self._naming.provider(name, secret),
            alias=self._naming.alias(name),
            remove=f"rm {quoted(path)}, once all that you need of it is moved; its tool can write it again",
        )

    def _sealed(self) -> list[str]:
        try:
            count = len(os.listdir(self._fallbacks))
        except OSError:
            return []
        why = "doppler's sealed copies, for when it is offline; remove them with: doppler run clean"
        return [f"{self._fallbacks} was not read: {count} of {why}"] if count else []


def _json(text: str) -> dict[str, str]:
    """An object of names and values, as Doppler writes it, or Infisical's list of objects."""
    stored = json.loads(text)
    if isinstance(stored, list):
        stored = {item.get("key"): item.get("value") for item in stored if isinstance(item, dict)}
    if not isinstance(stored, dict):
        raise _UnknownError
    return {name: value for name, value in stored.items() if isinstance(name, str) and isinstance(value, str)}


def _csv(text: str) -> dict[str, str]:
    """Infisical's table, whose first two columns are the names and the values."""
    rows = list(csv.reader(text.splitlines()))
    if not rows or [cell.strip().lower() for cell in rows[0][:2]] != ["key", "value"]:
        raise _UnknownError
    return {row[0]: row[1] for row in rows[1:] if len(row) > 1}


def _yaml(text: str) -> dict[str, str]:
    """The values of a flat document that stand on one line; anything else is no key."""
    return {match[1]: match[2] or match[3] or match[4] or "" for match in _FLAT_YAML.finditer(text)}


_READING = {".json": _json, ".csv": _csv, ".yaml": _yaml}
