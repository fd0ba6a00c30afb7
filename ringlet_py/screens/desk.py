"""What the table asks the services to do: the same calls as the commands', with a person in front of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py import status, values
from ringlet_py.entry import DEFAULT_ALIAS, Address
from ringlet_py.errors import Declined, KeyDuplicate, KeyNotFound, KeySuspicious, ProviderSuspicious, RingletError
from ringlet_py.screens.rows import View, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ringlet_py.app import App
    from ringlet_py.entry import Entry
    from ringlet_py.secret import Secret

FORCIBLE = (KeySuspicious, KeyDuplicate)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The services, and the two things that are asked on the plain terminal: a value, and a yes."""

    app: App
    ask: Callable[[str], Secret]
    agree: Callable[[str], bool]

    def look(self) -> View:
        """What there is now; raises what the keychain raises, so that a locked one never looks empty."""
        app, now = self.app, self.app.clock()
        entries = app.keychain.entries()
        resting, notes = self._resting()
        missing = [f"{a} was stored once, but is not there: {a.to_set()}" for a in app.keychain.missing(entries)]
        strays = [f"{a} is bound to a key that is not there" for a in app.keychain.strays(entries)]
        known = status.of(entries, profiles=app.profiles, folder=app.folders.state, now=now, resting=resting)
        by_provider = [entry.changed(source="", login="", batch="") for entry in entries]
        return View(
            place=app.backend.place,
            keys=tuple(known),
            groups=tuple(status.groups(by_provider, now=now, resting=resting)),
            notes=(*notes, *missing, *strays),
        )

    def address(self, provider: str, alias: str) -> Address:
        """The address of the words; raises InvalidName, and UsageError for what looks like a key."""
        return values.check_address(Address(provider, alias or DEFAULT_ALIAS), self.app.catalog.providers)

    def check_new(self, provider: str, alias: str, fields: Mapping[str, str]) -> str:
        """Nothing, if there may be such a key; raises what speaks against it, before a person types its value."""
        address = self.address(provider, alias)
        try:
            values.check_provider(address.provider, self.app.catalog.providers)
        except ProviderSuspicious as problem:
            hint = f"mend it, or: ringlet keychain set {address.provider} {address.alias} --force"
            raise ProviderSuspicious(problem.what, hint=hint) from None
        self.check_fields(fields)
        self.app.keychain.check_free(address)
        return ""

    def check_fields(self, fields: Mapping[str, str]) -> str:
        """Nothing, if a key can have these fields; raises InvalidField or LimitInvalid."""
        self.app.keychain.check_fields(fields)
        return ""

    def store(self, address: Address, fields: Mapping[str, str], *, replace: bool = False) -> str:
        """Asks for the value on the plain terminal and stores it; what came of it.

        What looks wrong is stored only after a yes, which counts as the commands' `--force` does: a provider is asked
        about before the value.  Raises Declined, and what the keychain raises.
        """
        keychain = self.app.keychain
        forced = self._provider_forced(address)
        secret = self.ask(f"Key for {address}")
        try:
            warnings = keychain.set(address, secret, replace=replace, fields=fields, force=forced)
        except FORCIBLE as problem:
            self._insist(problem)
            warnings = keychain.set(address, secret, replace=replace, fields=fields, force=True)
        done = f"{'replaced' if replace else 'stored'} {address} in {keychain.backend.place}"
        return printable("; ".join([done, *(f"warning: {warning}" for warning in warnings)]))

    def edit(self, address: Address, fields: Mapping[str, str]) -> str:
        """Changes these fields; what came of it."""
        if not fields:
            return "nothing was changed"
        self.app.keychain.edit([address], fields)
        return f"changed {address}"

    def switch(self, entry: Entry) -> str:
        """Sets an active key inactive, and an inactive one active; what came of it."""
        self.app.keychain.edit([entry.address], {"active": not entry.active})
        return f"{entry.address} is {'inactive' if entry.active else 'active'} now; i takes it back"

    def question(self, addresses: Sequence[Address]) -> str:
        """What a person is asked before these keys are removed, with the profiles and receipts that need them."""
        from ringlet_py.moving import made  # slow to import

        profiles = self.app.profiles
        lines = [f"{a}, used by {', '.join(using)}" if (using := profiles.using(a)) else str(a) for a in addresses]
        if unreadable := profiles.unreadable():
            lines.append(f"these profiles cannot be read and may use them: {', '.join(unreadable)}")
        lines += made.receipts(self.app.folders).needing(*map(str, addresses))
        what = "this key" if len(addresses) == 1 else f"these {len(addresses)} keys"
        return "\n".join([f"remove {what}?", *map(printable, lines)])

    def remove(self, addresses: Sequence[Address]) -> str:
        """Removes the keys, one after the other; what came of it."""
        for address in addresses:
            self._remove(address)
        return f"removed {addresses[0]}" if len(addresses) == 1 else f"removed {len(addresses)} keys"

    def _provider_forced(self, address: Address) -> bool:
        """Whether the provider is probably a slip, and a person insists on it."""
        try:
            values.check_provider(address.provider, self.app.catalog.providers)
        except ProviderSuspicious as problem:
            self._insist(problem)
            return True
        return False

    def _insist(self, problem: RingletError) -> None:
        """Raises Declined, unless a person says yes to it all the same."""
        if not self.agree(f"{problem.what}; store it all the same?"):
            raise Declined("nothing was changed", hint="") from None

    def _remove(self, address: Address) -> None:
        try:
            self.app.keychain.remove(address)
        except KeyNotFound:
            return  # somebody else was quicker, and it is gone, which is what was wanted

    def _resting(self) -> tuple[set[Address], list[str]]:
        """The keys that rest for every feature, and a note where the ledger cannot say so."""
        try:
            return {Address.parse(address) for address in self.app.kept.claims.resting()}, []
        except RingletError as problem:
            return set(), [f"which keys rest cannot be told: {problem.what}"]
