"""A sealed backend in a folder of its own, with its parts at hand."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ringlet_py.backends.sealed.backend import SealedBackend
from ringlet_py.backends.sealed.keys import DataKeys
from ringlet_py.backends.sealed.master_file import FileMaster
from ringlet_py.backends.sealed.masters import EnvMaster, PassphraseMaster, SystemMaster
from ringlet_py.ledger.sealed_values import SqliteSealedValues
from ringlet_py.ledger.sqlite_file import SqliteFile
from ringlet_py.ledger.sqlite_session import Session
from ringlet_py.secret import Secret
from ringlet_py.testing import MemoryBackend

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("system", "env", "file", "passphrase")


@dataclass
class SealedHome:
    """Folders, keychain, environment and a person who types; `open` is one more process over them."""

    path: Path
    keychain: MemoryBackend = field(default_factory=MemoryBackend)
    environ: dict[str, str] = field(default_factory=lambda: {"RINGLET_MASTER_KEY": "0f" * 32})
    passphrase: str = "correct horse battery"
    asked: list[str] = field(default_factory=list)

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.path / "state/ledger.sqlite"

    @property
    def master_file(self) -> Path:
        """The file of master keys."""
        return self.path / "config/master.key"

    def open(self, chosen: str = "file") -> SealedBackend:
        """A backend that has opened nothing yet."""
        masters: dict[str, Any] = {
            "system": SystemMaster(lambda: self.keychain),
            "env": EnvMaster(self.environ),
            "file": FileMaster(str(self.master_file)),
            "passphrase": PassphraseMaster(self.ask),
        }
        values = SqliteSealedValues(Session(SqliteFile(str(self.ledger))))
        lock = str(self.path / "state/sealed.lock")
        return SealedBackend(DataKeys(values, masters, chosen=chosen, lock_path=lock))

    def ask(self, prompt: str) -> Secret:
        """Types the passphrase."""
        self.asked.append(prompt)
        return Secret(self.passphrase)

    def sql(self, statement: str, *values: object) -> list[Any]:
        """Changes or reads the ledger behind ringlet's back."""
        with closing(sqlite3.connect(self.ledger)) as raw, raw:
            return raw.execute(statement, values).fetchall()
