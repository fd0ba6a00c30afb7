"""Puts back what was cut out, with the values from the keychain: the same bytes, if the file is as it was left."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ringlet_py.entry import Address, utc
from ringlet_py.errors import KeyNotFound, RingletError
from ringlet_py.files.checks import quoted
from ringlet_py.files.private import Lock
from ringlet_py.keychain.fingerprints import RESERVED
from ringlet_py.lease import Request
from ringlet_py.moving import replacing
from ringlet_py.moving.formats import encoded
from ringlet_py.moving.placing import CHANGED, RESTORED, Placed, placed
from ringlet_py.moving.reading import read_source, why_not_edited
from ringlet_py.moving.receipts import print_of
from ringlet_py.moving.stores.reading import Unread
from ringlet_py.moving.windows_variables import Variable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ringlet_py.broker import Broker
    from ringlet_py.keychain import Keychain
    from ringlet_py.moving.receipts import FileReceipt, Receipt, Receipts, VariableReceipt
    from ringlet_py.moving.windows_variables import UserVariables
    from ringlet_py.secret import Secret

PURPOSE = "migrate undo"


@dataclass(kw_only=True)
class Return:
    """What is to be put back: the files where it goes, and why others are left as they are."""

    receipt: Receipt
    files: list[Placed] = field(default_factory=list)
    variables: tuple[VariableReceipt, ...] = ()
    restored: list[str] = field(default_factory=list)  # which already are as they were
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def addresses(self) -> list[str]:
        """The keys that go back into files."""
        in_files = [address for each in self.files for address in each.addresses]
        return list(dict.fromkeys([*in_files, *(each.address for each in self.variables)]))

    @property
    def changed(self) -> list[Placed]:
        """The files that were changed since."""
        return [each for each in self.files if each.state == CHANGED]


@dataclass(kw_only=True)
class Undone:
    """What became of it."""

    paths: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)  # the keys that went back
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Undoing:
    """Undoes receipts, one at a time on this machine; every key is claimed, so every one is recorded."""

    keychain: Keychain
    broker: Broker
    receipts: Receipts
    clock: Callable[[], float]
    lock_path: str
    registry: UserVariables | None = None

    def planned(self, receipt: Receipt) -> Return:
        """What would be done; reads the files, and no key."""
        plan = Return(receipt=receipt, variables=() if receipt.undone_at else receipt.variables)
        key, there = self._print_key(receipt), {str(address) for address in self.keychain.there()}
        for each in reversed(receipt.files):
            try:
                self._look(plan, each, key, there)
            except FileNotFoundError:
                plan.refused.append(f"{each.path} is gone")
            except (RingletError, Unread) as problem:
                plan.refused.append(str(problem))
        plan.notes += [
            f"{address} was replaced since: the new value goes into the file" for address in self._replaced(plan)
        ]
        return plan

    def undo(self, plan: Return) -> Undone:
        """Does it; a file whose key is not there, or that was changed meanwhile, is a problem, and the others go on.

        The receipt then says what is still out, and is closed once nothing is.  Raises the KeychainError that concerns
        all of them, and AuditUnwritable, and RingletError where another ringlet was at it since: then nothing was done.
        """
        done = Undone()
        with Lock(self.lock_path):
            self._check_same(plan)
            claimed = self._claimed(plan.addresses)
            for each in plan.files:
                self._put_back(each, claimed, done)
            for one in plan.variables:
                self._set_again(one, claimed, done)
            try:
                self._keep(plan, done)
            except OSError as problem:
                done.problems.append(f"the receipt {plan.receipt.id} was left as it is: {problem.strerror}")
        return done

    def drop(self, receipt: Receipt) -> None:
        """Closes the receipt, whatever is still out; by its name it can still be undone."""
        with Lock(self.lock_path):
            if self.receipts.load(receipt.id) != receipt:
                raise _meanwhile(receipt)
            self.receipts.save(replace(receipt, undone_at=utc(self.clock())))

    def _check_same(self, plan: Return) -> None:
        """A move that was still under way when this was planned has written down more by now, and cut it out."""
        now = self.planned(self.receipts.load(plan.receipt.id))
        if (now.receipt, now.restored) != (plan.receipt, plan.restored):
            raise _meanwhile(plan.receipt)

    def _keep(self, plan: Return, done: Undone) -> None:
        receipt = plan.receipt
        if receipt.undone_at:
            return
        back = {each.receipt.path: each.left_over for each in plan.files if each.receipt.path in done.paths}
        files = [back.get(each.path, each) for each in receipt.files if each.path not in plan.restored]
        left = tuple(each for each in files if each is not None)
        variables = tuple(each for each in receipt.variables if each.name not in done.paths)
        if not (left or variables):
            self.receipts.save(replace(receipt, undone_at=utc(self.clock())))
        elif (left, variables) != (receipt.files, receipt.variables):
            self.receipts.save(replace(receipt, files=left, variables=variables))

    def _look(self, plan: Return, each: FileReceipt, key: Secret | None, there: set[str]) -> None:
        source = read_source(each.path)
        found = placed(each, source, before=print_of(source.raw, key), there=there)
        why_not = _why_elsewhere(each, source.real) or why_not_edited(source.real)
        if found.state == RESTORED:
            plan.restored.append(each.path)
        elif why_not:
            plan.refused.append(f"{each.path} is left as it is: {why_not}")
        else:
            plan.refused += found.why_not
            plan.files += [found] if found.places else []

    def _print_key(self, receipt: Receipt) -> Secret | None:
        """The random value that the fingerprints were made with; None where it is not at hand."""
        backend = self.keychain.backend
        try:
            backend.check()
            return backend.get(RESERVED) if backend.name == receipt.backend else None
        except RingletError:
            return None

    def _replaced(self, plan: Return) -> list[str]:
        entries = self.keychain.ledger.entries()
        # one that was removed and set again was replaced, too
        known: Mapping[str, str] = {str(each.address): max(each.replaced_at, each.created_at) for each in entries}
        return [address for address in plan.addresses if known.get(address, "") > plan.receipt.made_at]

    def _put_back(self, each: Placed, claimed: _Claimed, done: Undone) -> None:
        gone = [claimed.gone[address] for address in each.addresses if address in claimed.gone]
        if gone:
            done.problems.append(f"{each.receipt.path} was left as it is: {gone[0]}")
            return
        try:
            replacing.replace(each.source, encoded(each.filled(lambda address: claimed.values[address].reveal())))
        except OSError as problem:
            done.problems.append(f"{each.receipt.path} was left as it is: {problem.strerror}")
        except replacing.ChangedError as problem:
            done.problems.append(str(problem))
        else:
            done.paths.append(each.receipt.path)
            done.addresses += each.addresses

    def _set_again(self, one: VariableReceipt, claimed: _Claimed, done: Undone) -> None:
        if self.registry is None:
            done.problems.append(f"{one.name} was a variable of Windows, which is not here")
            return
        if one.address in claimed.gone:
            done.problems.append(f"{one.name} was not put back: {claimed.gone[one.address]}")
            return
        try:
            self.registry.put_back(Variable(name=one.name, value=claimed.values[one.address], kind=one.kind))
        except RingletError as problem:
            done.problems.append(f"{one.name} was not put back: {problem.what}")
        else:
            done.paths.append(one.name)
            done.addresses.append(one.address)

    def _claimed(self, addresses: Sequence[str]) -> _Claimed:
        """All of them before anything is written: a keychain that is locked meanwhile leaves no half of it done."""
        claimed = _Claimed()
        for address in addresses:
            try:
                lease = self.broker.claim(Request(Address.parse(address), purpose=PURPOSE))
                claimed.values[address] = lease.secret
            except KeyNotFound as problem:
                claimed.gone[address] = problem.what
        return claimed


@dataclass(kw_only=True)
class _Claimed:
    """The keys that go back, and what is said of those that are not there."""

    values: dict[str, Secret] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)


def _meanwhile(receipt: Receipt) -> RingletError:
    what = f"another ringlet changed {receipt.id}, or a file of it, meanwhile"
    return RingletError(what, hint=f"ringlet migrate undo {receipt.id}")


def _why_elsewhere(each: FileReceipt, real: str) -> str:
    """Why a key that was in the file must not go into what is there now, "" if it may."""
    if real != each.real:
        return f"it is {real} now, and the key was in {each.real}"
    opened = os.stat(real).st_mode & 0o077 & ~each.mode
    return f"others can read or change it now, which they could not: chmod {each.mode:o} {quoted(real)}" * bool(opened)
