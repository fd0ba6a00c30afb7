"""Takes keys from one backend to another; a key leaves the old one when the new one was seen to hold the same.

Three rounds: all keys are copied, then the new backend is taken into use (by whoever calls), then the old copies are
taken away.  So wherever it is cut off, a key is in one of the two at least, and to begin again finishes it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ringlet_py.entry import Entry
from ringlet_py.errors import InvalidSecret, KeychainBroken, KeyExists, KeyNotFound, RingletError
from ringlet_py.files.private import Lock
from ringlet_py.keychain.changes import Changes
from ringlet_py.keychain.fingerprints import RESERVED, fingerprint
from ringlet_py.keychain.inventory import Inventory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ringlet_py.audit import Recorder
    from ringlet_py.backends import Backend
    from ringlet_py.entry import Address
    from ringlet_py.keychain.recorded import Keychain
    from ringlet_py.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Move:
    """One key that the old place holds: its entry as it will be, and every address there, bound secrets first.

    `copied` is whether the new place holds the same already: of a move that was cut off.
    """

    entry: Entry
    held: tuple[Address, ...]
    copied: bool = False

    @property
    def address(self) -> Address:
        """The key's address."""
        return self.entry.address


@dataclass(frozen=True, kw_only=True)
class Relocation(Changes):
    """Moves keys from the backend `source` to `backend`."""

    source: Backend
    audit: Recorder
    lock_path: str

    def planned(self) -> list[Move]:
        """Every key that the old place holds, sorted; a bound secret without its key counts as one."""
        held: dict[Address, list[Address]] = {}
        for address in sorted(self._old.there(), key=lambda one: (one.key(), not one.field)):
            held.setdefault(address.key(), []).append(address)
        known = {entry.address: entry for entry in self.ledger.entries()}
        return [Move(entry=self._there(known.get(key), each), held=tuple(each)) for key, each in held.items()]

    def compared(self, moves: Iterable[Move], *, again: str, replace: bool = False) -> list[Move]:
        """The same moves, with what the new place holds already, but for those whose keys are gone by now.

        `again` is the command, for the hints.

        Raises InvalidSecret for what the new place cannot take, and KeyExists where it has other values (unless these
        are to be replaced): then nothing was changed.
        """
        found = [(move, list(self._states(move, replace=replace))) for move in moves]
        taken = [str(move.address) for move, states in found if "other" in states]
        if taken and not replace:
            raise KeyExists(
                f"{self.backend.place} holds another value for {', '.join(taken)}",
                why="nothing was moved; keep one of the two",
                hint=f"that of {self.source.place}: {again} --replace",
            )
        return [
            Move(entry=move.entry, held=move.held, copied=set(states) == {"same"}) for move, states in found if states
        ]

    def run(
        self,
        moves: Sequence[Move],
        *,
        replace: bool = False,
        between: Callable[[], None] = lambda: None,
        advance: Callable[[int], None] = lambda _: None,
    ) -> list[Move]:
        """Moves them, and gives those that are done: one that was changed meanwhile stays where it was.

        `between` runs while both places hold all of them, `advance` twice for each.  Raises KeychainErrors, KeyExists.
        """
        for move in moves:
            self._recorded("copy", move, partial(self._copy_all, replace=replace))
            advance(1)
        between()
        done = []
        for move in moves:
            done += [move] if self._recorded("move", move, self._finish) else []
            advance(1)
        self._tidy()
        return done

    @property
    def _old(self) -> Inventory:
        return Inventory(backend=self.source, ledger=self.ledger, catalog=self.catalog)

    def _there(self, known: Entry | None, held: Iterable[Address]) -> Entry:
        """The entry as it is at the new place, with all its fields."""
        address = next(iter(held)).key()
        kept = known or Entry(address, backend=self.source.name)
        # one of a third backend has its bound secrets there
        names = kept.secrets if kept.backend in (self.source.name, self.backend.name) else ()
        both = {*names, *(each.field for each in held if each.field)}
        return kept.changed(backend=self.backend.name, secrets=tuple(sorted(both)))

    def _states(self, move: Move, *, replace: bool) -> Iterator[str]:
        for address in move.held:
            try:
                secret = self.source.get(address)
            except KeyNotFound:
                continue  # another ringlet has moved or removed it since we looked
            if secret.length > self.backend.max_length:
                raise InvalidSecret(
                    f"{address} is longer than {self.backend.place} takes ({self.backend.max_length} characters)",
                    why="nothing was moved",
                    hint="leave it where it is: choose the others with --select",
                )
            yield self._state(address, secret, replace=replace)

    def _state(self, address: Address, secret: Secret, *, replace: bool) -> str:
        """What the new place holds there: nothing, the same, or another value (which may be damaged)."""
        try:
            return "same" if self.backend.get(address).same_as(secret) else "other"
        except KeyNotFound:
            return ""
        except KeychainBroken:
            if not replace:
                raise
            return "other"

    def _copy_all(self, move: Move, *, replace: bool) -> bool:
        with Lock(self.lock_path):
            left = self._left(move)  # some may have been removed since we looked
            if not left:
                return False
            self._name(move)
            new: list[Address] = []
            try:
                for address in left:
                    new += self._stored(address, self.source.get(address), replace=replace)
            except RingletError:
                self._take_away(new)
                raise
        return True

    def _name(self, move: Move) -> None:
        """No secret is stored that the ledger does not name."""
        before = self.ledger.entry(move.address)
        known = before or Entry(move.address, backend=self.source.name)
        named = known.changed(secrets=tuple(sorted({*known.secrets, *move.entry.secrets})))
        if named != before:
            self._put(named)

    def _stored(self, address: Address, secret: Secret, *, replace: bool) -> list[Address]:
        """Has the new place hold the secret, and returns what is new there."""
        state = self._state(address, secret, replace=replace)
        if state == "same":
            return []
        if state and not replace:
            raise KeyExists(f"{self.backend.place} holds another value for {address}", hint="begin again")
        self.backend.set(address, secret)
        if not self.backend.get(address).same_as(secret):
            raise KeychainBroken(f"{self.backend.place} does not hold for {address} what was written", hint="try again")
        return [] if state else [address]

    def _finish(self, move: Move) -> bool:
        """Takes the old copies away, if the new ones are still the same; whether they were."""
        with Lock(self.lock_path):
            left = self._left(move)
            if not left and not move.copied and self.ledger.entry(move.address) is None:
                self._take_away(move.held)  # removed or renamed since it was copied
            if not left or not all(self._is_same(address) for address in left):
                return False
            entry = self._there(self.ledger.entry(move.address), move.held)
            self._put(entry.changed(fingerprint=self._print_of(move.address)))
            for address in left:
                with suppress(KeyNotFound):
                    self.source.remove(address)
        return True

    def _left(self, move: Move) -> list[Address]:
        """What the old place still holds of it."""
        found = []
        for address in move.held:
            with suppress(KeyNotFound):
                self.source.get(address)
                found.append(address)
        return found

    def _take_away(self, addresses: Iterable[Address]) -> None:
        """Has the new place hold none of these, as far as that goes."""
        for address in addresses:
            with suppress(RingletError):
                self._discard(address)

    def _is_same(self, address: Address) -> bool:
        try:
            return self.backend.get(address).same_as(self.source.get(address))
        except KeyNotFound:
            return False

    def _print_of(self, address: Address) -> str:
        """Each backend has fingerprints of its own; a bound secret without its key has none."""
        try:
            return fingerprint(self.backend.get(address), self.backend)
        except KeyNotFound:
            return ""

    def _tidy(self) -> None:
        """Where no key is left, what its fingerprints were made with is of no use."""
        if self.source.names() == [RESERVED]:
            self.source.remove(RESERVED)

    def _recorded(self, action: str, move: Move, act: Callable[[Move], bool]) -> bool:
        purpose = f"from {self.source.name} to {self.backend.name}"
        try:
            done = act(move)
        except RingletError as problem:
            self._record(action, move, problem.code, purpose)
            raise
        self._record(action, move, "ok" if done else "changed-meanwhile", purpose)
        return done

    def _record(self, action: str, move: Move, outcome: str, purpose: str) -> None:
        self.audit.append(action, outcome, address=str(move.address), backend=self.backend.name, purpose=purpose)


def relocation(keychain: Keychain, source: Backend, target: Backend) -> Relocation:
    """What moves that keychain's keys from one backend to the other."""
    return Relocation(
        backend=target,
        source=source,
        ledger=keychain.ledger,
        catalog=keychain.catalog,
        audit=keychain.audit,
        lock_path=keychain.lock_path,
        generation_path=keychain.generation_path,
        clock=keychain.clock,
        counts=keychain.counts,
    )
