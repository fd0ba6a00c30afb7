"""Moves keys: into the keychain, read back and compared, written down, and only then cut out of their files.

Wherever it is stopped, each key is in its file or in the keychain, and the receipt names every file that was changed.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ringlet_py.entry import Address
from ringlet_py.errors import (
    AuditUnwritable,
    InvalidField,
    InvalidSecret,
    KeychainBroken,
    KeychainError,
    KeyDuplicate,
    KeyExists,
    KeySuspicious,
    ProviderSuspicious,
    RingletError,
)
from ringlet_py.files.private import Lock
from ringlet_py.keychain.fingerprints import RESERVED, fingerprint
from ringlet_py.moving.cutting import cut_of
from ringlet_py.moving.finding import is_possible
from ringlet_py.moving.replacing import ChangedError, replace
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ringlet_py.keychain import Keychain
    from ringlet_py.moving.cutting import Cut
    from ringlet_py.moving.finding import Find, Text
    from ringlet_py.moving.receipts import Receipt, Receipts
    from ringlet_py.moving.windows_variables import UserVariables
    from ringlet_py.profile.provider import Provider


@dataclass(kw_only=True)
class Plan:
    """What is to be done: the keys to store, the files to cut, and why others are left alone."""

    finds: list[Find]
    cuts: list[Cut]
    variables: list[Find] = field(default_factory=list)  # the user's, on Windows
    refused: list[str] = field(default_factory=list)

    @property
    def addresses(self) -> list[str]:
        """Where the keys go."""
        return list(dict.fromkeys(find.address for find in self.finds))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.cuts or self.variables) and all(find.stored for find in self.finds)


@dataclass(kw_only=True)
class Done:
    """What became of a plan."""

    stored: list[str] = field(default_factory=list)
    cut: list[Cut] = field(default_factory=list)
    taken_out: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    receipt: str = ""


def planned(finds: Sequence[Find], providers: Mapping[str, Provider], *, keep: bool = False) -> Plan:
    """The plan for these finds; `keep` leaves the files as they are."""
    chosen = [find for find in finds if is_possible(find)]
    taken_out = [find for find in chosen if find.variable is not None and not keep]
    plan = Plan(finds=chosen, cuts=[], variables=taken_out)
    for text, own in [] if keep else _by_text(chosen):
        cuts, refused = _cuts(text, own, providers)
        plan.cuts += cuts
        plan.refused += refused
    cut = [find for each in plan.cuts for find in each.finds]
    plan.finds = [find for find in chosen if keep or find.text is None or find in cut]
    return plan


def _cuts(text: Text, finds: list[Find], providers: Mapping[str, Provider]) -> tuple[list[Cut], list[str]]:
    """The file without as many of these as is safe, and why the others stay."""
    try:
        return [cut_of(text, finds, providers)], []
    except RingletError as problem:
        together = problem.what
    if len(finds) == 1:
        return [], [together]
    alone = [(find, _cuts(text, [find], providers)[1]) for find in finds]
    fine = [find for find, refused in alone if not refused]
    if len(fine) in (0, len(finds)):
        return [], [together]
    cuts, more = _cuts(text, fine, providers)
    return cuts, [*(each for _, refused in alone for each in refused), *more]


def _by_text(finds: Iterable[Find]) -> list[tuple[Text, list[Find]]]:
    found: dict[int, tuple[Text, list[Find]]] = {}
    for find in finds:
        if find.text is not None:
            found.setdefault(id(find.text), (find.text, []))[1].append(find)
    return list(found.values())


@dataclass(frozen=True, kw_only=True)
class Mover:
    """Carries a plan out, one at a time on this machine."""

    keychain: Keychain
    receipts: Receipts
    clock: Callable[[], float]
    lock_path: str
    variables: UserVariables | None = None

    def apply(self, plan: Plan) -> Done:
        """Does what the plan says; what fails for one key or file is a problem, and the others go on.

        Raises the KeychainError that concerns all of them, and AuditUnwritable.
        """
        done = Done()
        if plan.is_empty:
            return done
        with Lock(self.lock_path):
            try:
                addresses = self._store_all(plan, done)
                key = self._print_key() if plan.cuts else None  # before the first cut: it may be locked by now
            except (KeychainError, AuditUnwritable) as problem:
                problem.why = "; ".join(filter(None, [problem.why, _halfway(done.stored)]))
                raise
            receipt = self.receipts.new(now=self.clock(), backend=self.keychain.backend.name)
            for cut in plan.cuts:
                if all(find.address in addresses for find in cut.finds):
                    receipt = self._cut(cut, receipt, done, key=key)
                else:
                    done.problems.append(f"{cut.text.source.path} was left as it is: not all of its keys were moved")
            for find in plan.variables:
                if find.address in addresses:
                    receipt = self._take_out(find, receipt, done)
        return done

    def _store_all(self, plan: Plan, done: Done) -> set[str]:
        """The addresses that were seen to hold their value."""
        held: set[str] = set()
        for find in plan.finds:
            if find.address in held:
                continue
            try:
                self._store(find, done)
            except (KeyExists, KeyDuplicate, InvalidSecret, InvalidField, _UnreadableError) as problem:
                done.problems.append(f"{find.name} in {find.where} was not moved: {problem.what}")
            else:
                held.add(find.address)
        return held

    def _store(self, find: Find, done: Done) -> None:
        address = Address.parse(find.address)
        secret = find.value if find.value is not None else _asked(find)
        if not self._holds(address, secret):
            self._refuse_other(address)
            self._set(address, secret, find)
            done.stored.append(find.address)
        if not self._holds(address, secret):
            raise KeychainBroken(f"{address} does not hold what was stored", hint="nothing was cut; try again")

    def _set(self, address: Address, secret: Secret, find: Find) -> None:
        bound = find.candidate.bound if find.candidate is not None else {}
        try:
            self.keychain.set(address, secret, fields=dict(find.fields), bound=bound)
        except (KeySuspicious, ProviderSuspicious):
            # the person has seen the plan, so what the value reads like is no reason to stop
            self.keychain.set(address, secret, force=True, fields=dict(find.fields), bound=bound)

    def _refuse_other(self, address: Address) -> None:
        if address in self.keychain.there():
            raise KeyExists(f"{address} holds another value by now", hint="ringlet migrate scan")

    def _holds(self, address: Address, secret: Secret) -> bool:
        """Whether the keychain, asked anew, gives exactly this value."""
        if address not in self.keychain.there():
            return False
        return self.keychain.backend.get(address).same_as(secret)

    def _cut(self, cut: Cut, receipt: Receipt, done: Done, *, key: Secret | None) -> Receipt:
        try:
            after = receipt.of(cut, key)
            self.receipts.save(after)
            replace(cut.text.source, cut.content)
        except ChangedError as problem:
            done.problems.append(str(problem))
        except OSError as problem:
            done.problems.append(f"{cut.text.source.path} was left as it is: {problem.strerror}")
        else:
            done.cut.append(cut)
            done.receipt = after.id
            return after
        return self._without(receipt)

    def _take_out(self, find: Find, receipt: Receipt, done: Done) -> Receipt:
        """As `_cut`, for a variable of the user on Windows."""
        if self.variables is None or find.variable is None:
            return receipt
        after = receipt.of_variable(find.variable, find.address)
        try:
            self.receipts.save(after)
            self.variables.take_out(find.variable)
        except RingletError as problem:
            done.problems.append(f"{problem.what}: {problem.why}")
            return self._without(receipt)
        except OSError as problem:
            done.problems.append(f"{find.name} was left as it is: {problem.strerror}")
            return self._without(receipt)
        done.taken_out.append(find.name)
        done.receipt = after.id
        return after

    def _without(self, receipt: Receipt) -> Receipt:
        """The receipt without a file that was not changed after all; one that knows more than was done does no harm."""
        with suppress(OSError):
            if receipt.files or receipt.variables:
                self.receipts.save(receipt)
            else:
                self.receipts.drop(receipt)
        return receipt

    def _print_key(self) -> Secret:
        """The keychain's random value for fingerprints, made if it is not there."""
        fingerprint(Secret(""), self.keychain.backend)
        return self.keychain.backend.get(RESERVED)


def _halfway(stored: Sequence[str]) -> str:
    """What was done of a plan that stopped before its first cut, "" if nothing was."""
    done = f"{', '.join(stored)} {'was' if len(stored) == 1 else 'were'} stored already, and no file was changed"
    return f"{done}: run again, it goes on from there" if stored else ""


class _UnreadableError(RingletError):
    """Another tool's store did not give the value, or gave what is no key."""


def _asked(find: Find) -> Secret:
    """The value out of another tool's store, which may ask the person for it."""
    if find.candidate is None:
        raise _UnreadableError(f"the value of {find.name} is not known")
    try:
        return find.candidate.secret()
    except RingletError as problem:
        raise _UnreadableError(problem.what, why=problem.why, hint=problem.hint) from None
