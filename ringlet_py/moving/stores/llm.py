"""The keys of `llm`: keys.json in its user folder, names to values in the clear."""

from __future__ import annotations

import json
import ntpath
import os
import re
from typing import TYPE_CHECKING

from ringlet_py.errors import InvalidSecret
from ringlet_py.moving.stores import Candidate
from ringlet_py.moving.stores.naming import Naming
from ringlet_py.moving.stores.reading import Unread, read
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.profile.provider import Provider

_APPLICATION = "io.datasette.llm"
_COMMENT = "//"  # the file begins with a "// Note" that says what it is


def keys_file(home: str, environ: Mapping[str, str], platform: str) -> str:
    """Where llm keeps its keys: LLM_USER_PATH, or else the system's folder for settings, as click finds it."""
    chosen = environ.get("LLM_USER_PATH")
    if chosen:
        return os.path.join(chosen, "keys.json")
    if platform == "win32":
        return ntpath.join(environ.get("APPDATA") or home, _APPLICATION, "keys.json")
    if platform == "darwin":
        return os.path.join(home, "Library/Application Support", _APPLICATION, "keys.json")
    return os.path.join(environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), _APPLICATION, "keys.json")


class LlmKeys:
    """The keys in that file."""

    def __init__(self, path: str, providers: Mapping[str, Provider]) -> None:
        self.path = path
        self._naming = Naming(providers)

    def finds(self) -> tuple[list[Candidate], list[str]]:
        """The keys, in the order of the file."""
        try:
            text = read(self.path).decode("utf-8-sig")
            stored = json.loads(text)
        except FileNotFoundError:
            return [], []
        except Unread as problem:
            return [], [str(problem)]
        except (ValueError, RecursionError):
            return [], [f"{self.path} was not read: it is not JSON"]
        if not isinstance(stored, dict):
            return [], [f"{self.path} was not read: it holds no names with keys"]
        found, notes = [], []
        for name, value in stored.items():
            if name.startswith(_COMMENT) or not value:
                continue
            try:
                found.append(self._candidate(name, value, text))
            except InvalidSecret as problem:
                notes.append(f"{self.path}: {self._naming.shown(name)} is no key: {problem.what}")
        return found, notes

    def _candidate(self, name: str, value: object, text: str) -> Candidate:
        if not isinstance(value, str):
            raise InvalidSecret("the value is not a text")
        secret, shown = Secret.from_input(value.encode(errors="replace")), self._naming.shown(name)
        return Candidate(
            place=self.path,
            name=shown,
            value=secret,
            provider=self._naming.provider(name, secret),
            alias=self._naming.alias(name),
            line=_line(text, name),
            remove=f"take the line of {json.dumps(shown)} out of {self.path}",
        )


def _line(text: str, name: str) -> int:
    """The line of the last member of that name, which is the one that counts; 0 if it is written unusually."""
    places = [match.start() for match in re.finditer(re.escape(json.dumps(name)) + r"\s*:", text)]
    return text.count("\n", 0, places[-1]) + 1 if places else 0
