"""A home whose keys lie about, with a real keychain in a file, and a format of a few lines."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringlet_py.app import App
from ringlet_py.catalog import Catalog
from ringlet_py.moving import made
from ringlet_py.moving.applying import planned
from ringlet_py.moving.finding import is_sure
from ringlet_py.moving.formats import Edit, Spot, mark
from ringlet_py.moving.places import Place
from ringlet_py.moving.scanning import Scanner
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ringlet_py.moving.applying import Done, Plan
    from ringlet_py.moving.formats import Format
    from ringlet_py.moving.scanning import Scan
    from tests.end_to_end.program import Home

CATALOG = Catalog("/nowhere")
A = "sk-ant-api03-" + "a1B2c3D4e5F6" * 4
B = "sk-proj-" + "z9Y8x7W6v5U4" * 4
C = "gsk_" + "q1w2e3r4t5y6" * 3


class Lines:
    """`NAME=value` or `NAME='value'`, a line each; `# …` is a comment, and `. PATH` reads a file.

    A value with a blank is certain too, and one behind `?=` is not.
    """

    _LINE = re.compile(r"^(\w+)(\?)?='?([^'\r\n]*)'?\r?$", re.MULTILINE)

    def spots(self, text: str) -> list[Spot]:
        return [self._spot(text, found) for found in self._LINE.finditer(text)]

    def _spot(self, text: str, found: re.Match[str]) -> Spot:
        line = text.count("\n", 0, found.start()) + 1
        why_not = "it is set only if it is not set" if found[2] else ""
        value = Secret(found[3])
        return Spot(name=found[1], line=line, start=found.start(3), end=found.end(3), value=value, why_not=why_not)

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        found = []
        for spot, address in cut:
            start = text.rfind("\n", 0, spot.start) + 1
            end = text.find("\n", spot.end)
            end = len(text) if end < 0 else end
            end -= text[start:end].endswith("\r")
            found.append(Edit(start=start, end=end, left=f"# {mark([(spot, address)])}"))
        return found

    def sourced(self, text: str) -> list[str]:
        return re.findall(r"^\. (\S+)$", text, re.MULTILINE)


class Bare(Lines):
    """The same without comments: what is cut leaves nothing."""

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        lines = [(text.rfind("\n", 0, spot.start) + 1, text.find("\n", spot.end)) for spot, _ in cut]
        return [Edit(start=start, end=len(text) if end < 0 else end + 1, left="") for start, end in lines]


def format_of(path: str, *, shell: str = "") -> Format | None:
    """What reads the files of this world, by their names."""
    if path.endswith(".unknown"):
        return None
    return Bare() if path.endswith(".bare") else Lines()


@dataclass(frozen=True, kw_only=True)
class World:
    """One person's home."""

    home: Home

    @property
    def app(self) -> App:
        """A fresh app, as each command has one."""
        app = App(self.home.environ, say=lambda _: None)
        vars(app)["catalog"] = CATALOG  # read once: a hundred tests need it
        return app

    def file(self, name: str, text: str | bytes, *, mode: int = 0o644) -> Path:
        """A file in the home."""
        path = self.home.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def scanner(self, **parts: Any) -> Scanner:
        """A scanner for this home, without stores and with an empty environment if not told otherwise."""
        app = self.app
        given = {"keychain": app.keychain, "environ": {}, "stores": list, "format_of": format_of, **parts}
        return Scanner(providers=app.catalog.providers, home=str(self.home.path), **given)

    def scan(self, *paths: Path, kind: str = "shell", **parts: Any) -> Scan:
        """What is found in these files."""
        return self.scanner(**parts).scan([Place(str(path), kind) for path in paths])

    def plan(self, *paths: Path, keep: bool = False) -> Plan:
        """The plan to move all that is sure in them."""
        sure = [find for find in self.scan(*paths).finds if is_sure(find)]
        return planned(sure, self.app.catalog.providers, keep=keep)

    def carry_out(self, plan: Plan) -> Done:
        """Does what the plan says."""
        app = self.app
        return made.mover(app.keychain, app.folders, app.clock).apply(plan)

    def move(self, *paths: Path) -> Done:
        """Moves all that is sure in these files."""
        return self.carry_out(self.plan(*paths))

    def undo(self, name: str = "") -> tuple[list[str], list[str]]:
        """Undoes a receipt, the latest if none is named; which files were restored, and what went wrong."""
        app = self.app
        kept = made.receipts(app.folders)
        undoing = made.undoing(app.keychain, app.broker, app.folders, app.clock)
        plan = undoing.planned(kept.named(name) if name else kept.latest())
        done = undoing.undo(plan)
        return [os.path.basename(path) for path in done.paths], [*plan.refused, *done.problems]

    def value(self, address: str) -> str:
        """What the keychain holds there."""
        from ringlet_py.entry import Address

        return self.app.backend.get(Address.parse(address)).reveal()

    def addresses(self) -> set[str]:
        """The keys that are stored."""
        return {str(address) for address in self.app.keychain.there()}
