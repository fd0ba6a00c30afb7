"""What was moved, and from where: enough to put it back, and never a value.

A receipt is written before the file that it is about is changed, so wherever that is cut off, the receipt knows more
rather than less.  Each is a private file of JSON in the state folder.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ringlet_py.entry import Address, utc
from ringlet_py.errors import NotFound, RingletError, StoreCorrupt, UsageError
from ringlet_py.files.checks import quoted
from ringlet_py.files.digest import digest_of
from ringlet_py.files.private import read_private, write_private
from ringlet_py.moving.cutting import Piece, Removed
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from ringlet_py.moving.cutting import Cut
    from ringlet_py.moving.windows_variables import Variable

SCHEMA_VERSION = 1
_ENDING = ".json"


@dataclass(frozen=True, kw_only=True)
class FileReceipt:
    """One file: where it is, what it was and is, and each edit.

    `before` is a fingerprint under the keychain's own random value ("" where that is not known), since whoever knows
    the rest of the file could try out values on a plain digest; `after` is the SHA-256 of the content without keys.
    `mode` is who could read it when it held the keys (permission bits).
    """

    path: str
    real: str
    mode: int
    before: str
    after: str
    removed: tuple[Removed, ...]

    @property
    def addresses(self) -> list[str]:
        """The keys that were cut out of it."""
        return list(dict.fromkeys(address for each in self.removed for address in each.addresses))


@dataclass(frozen=True, kw_only=True)
class VariableReceipt:
    """A variable of the user that Windows kept, with the kind of its value in the registry."""

    name: str
    kind: int
    address: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What is still out of what one `migrate apply` cut; `undone_at` is when it was closed, "" while it is open."""

    id: str
    made_at: str
    backend: str
    undone_at: str = ""
    files: tuple[FileReceipt, ...] = ()
    variables: tuple[VariableReceipt, ...] = ()

    def places_of(self, address: str) -> list[str]:
        """The files and variables that the key was cut out of."""
        files = [each.path for each in self.files if address in each.addresses]
        return [*files, *(each.name for each in self.variables if each.address == address)]

    def readdressed(self, old: str, new: str) -> Receipt:
        """The same with another address for that key; what was left in the files still names the old one."""
        files = (
            replace(file, removed=tuple(_readdressed(each, old, new) for each in file.removed)) for file in self.files
        )
        variables = (replace(each, address=new) if each.address == old else each for each in self.variables)
        return replace(self, files=tuple(files), variables=tuple(variables))

    def of(self, cut: Cut, key: Secret | None) -> Receipt:
        """The same with one more file."""
        return replace(self, files=(*self.files, _file_receipt(cut, key)))

    def of_variable(self, variable: Variable, address: str) -> Receipt:
        """The same with one more variable."""
        one = VariableReceipt(name=variable.name, kind=variable.kind, address=address)
        return replace(self, variables=(*self.variables, one))


def _readdressed(removed: Removed, old: str, new: str) -> Removed:
    pieces = tuple(replace(piece, address=new) if piece.address == old else piece for piece in removed.pieces)
    return replace(removed, pieces=pieces)


def _file_receipt(cut: Cut, key: Secret | None) -> FileReceipt:
    source = cut.text.source
    return FileReceipt(
        path=source.path,
        real=source.real,
        mode=os.stat(source.real).st_mode & 0o777,
        before=print_of(source.raw, key),
        after=digest_of(cut.content),
        removed=cut.removed,
    )


def print_of(raw: bytes, key: Secret | None) -> str:
    """The content's fingerprint under the keychain's random value, "" without that."""
    return Secret(raw.decode("latin-1")).fingerprint(key) if key is not None else ""


@dataclass(frozen=True)
class Receipts:
    """The folder of receipts."""

    folder: str

    def new(self, *, now: float, backend: str) -> Receipt:
        """An empty one; it is on disk once it is saved."""
        made_at = utc(now)
        # with milliseconds, since the latest is the last by name
        name = f"{re.sub('[-:.Z]', '', made_at)}-{os.urandom(3).hex()}"
        return Receipt(id=name, made_at=made_at, backend=backend)

    def save(self, receipt: Receipt) -> None:
        """Writes it, and has it on disk when this returns."""
        body = {"schema_version": SCHEMA_VERSION, **asdict(receipt)}
        write_private(self._path(receipt.id), json.dumps(body, indent=1).encode())

    def drop(self, receipt: Receipt) -> None:
        """Takes one away of which nothing was done."""
        os.unlink(self._path(receipt.id))

    def ids(self) -> list[str]:
        """All there are, the oldest first."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        return sorted(name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING) and name[0] != ".")

    def load(self, id_: str) -> Receipt:
        """The receipt of that id; StoreCorrupt for what is none, InsecurePermissions."""
        path = self._path(id_)
        try:
            return _read(json.loads(read_private(path)), id_)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
            hint = f"mend it or put it aside: ls -l {quoted(path)}"
            raise StoreCorrupt(f"the receipt {path} cannot be read", hint=hint) from None

    def needing(self, *addresses: str) -> list[str]:
        """What the open receipts would put these keys into, each with the command; those that cannot be read, too."""
        found = []
        for id_ in self.ids():
            try:
                receipt = self.load(id_)
            except RingletError as problem:
                found.append(f"{problem.what} and may need {'it' if len(addresses) == 1 else 'some of them'}")
                continue
            needed = [] if receipt.undone_at else [each for each in addresses if receipt.places_of(each)]
            places = dict.fromkeys(place for each in needed for place in receipt.places_of(each))
            if places:
                keys = "it" if len(addresses) == 1 else ", ".join(needed)
                found.append(f"{', '.join(places)} would get {keys} back by ringlet migrate undo {id_}")
        return found

    def files(self) -> list[str]:
        """Where the files really are that those which can be read name, closed ones too."""
        found: list[str] = []
        for id_ in self.ids():
            with suppress(RingletError, OSError):
                found += [each.real for each in self.load(id_).files]
        return list(dict.fromkeys(found))

    def readdress(self, old: str, new: str) -> None:
        """Has them name a key that was renamed by its new address; those that cannot be read stay as they are."""
        for id_ in self.ids():
            with suppress(RingletError):
                receipt = self.load(id_)
                if receipt.places_of(old):
                    self.save(receipt.readdressed(old, new))

    def named(self, text: str) -> Receipt:
        """The one whose id begins so; NotFound, or UsageError for several."""
        found = [each for each in self.ids() if each.startswith(text)]
        if not found:
            # as a whole: a part of a key that was pasted here would not be known for one, and shown
            raise NotFound(f"there is no receipt {text!a}", hint="ringlet migrate list")
        if len(found) > 1 and text not in found:
            raise UsageError(f"{len(found)} receipts begin with {text}", hint="ringlet migrate list")
        return self.load(text if text in found else found[0])

    def latest(self) -> Receipt:
        """The latest that is open; NotFound if there is none."""
        for id_ in reversed(self.ids()):
            receipt = self.load(id_)
            if not receipt.undone_at:
                return receipt
        raise NotFound("there is nothing to undo", why="no receipt is open", hint="ringlet migrate list --all")

    def _path(self, id_: str) -> str:
        return os.path.join(self.folder, f"{id_}{_ENDING}")


def _read(body: dict[str, Any], id_: str) -> Receipt:
    if body["schema_version"] != SCHEMA_VERSION:
        raise RingletError("the receipt is of another version of ringlet", hint="use that version to undo it")
    if body["id"] != id_:  # by which it is saved again
        raise ValueError
    files = tuple(_read_file(each) for each in body["files"])
    texts = {name: _text(body[name]) for name in ("id", "made_at", "backend", "undone_at")}
    return Receipt(files=files, variables=tuple(_read_variable(each) for each in body["variables"]), **texts)


def _read_variable(body: dict[str, Any]) -> VariableReceipt:
    return VariableReceipt(name=_text(body["name"]), kind=int(body["kind"]), address=_address(_text(body["address"])))


def _read_file(body: dict[str, Any]) -> FileReceipt:
    texts = {name: _text(body[name]) for name in ("path", "real", "before", "after")}
    if not os.path.isabs(texts["path"]) or "\0" in texts["path"]:
        raise ValueError
    removed = tuple(_read_removed(each) for each in body["removed"])
    return FileReceipt(mode=int(body["mode"]), removed=removed, **texts)


def _read_removed(body: dict[str, Any]) -> Removed:
    pieces = tuple(Piece(text=_text(each["text"]), address=_address(each["address"])) for each in body["pieces"])
    numbers = {name: int(body[name]) for name in ("line", "start", "column")}
    return Removed(around=_text(body["around"]), left=_text(body["left"]), pieces=pieces, **numbers)


def _address(text: str) -> str:
    return str(Address.parse(text)) if text else ""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
