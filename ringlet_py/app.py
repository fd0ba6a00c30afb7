"""The composition root: every concrete part, built once and only when it is asked for."""

from __future__ import annotations

import os
import sys
import time

from ringlet_py import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from functools import cached_property as once

    from ringlet_py.audit import Recorder
    from ringlet_py.backends import Backend
    from ringlet_py.backends.sealed.backend import SealedBackend
    from ringlet_py.broker import Broker
    from ringlet_py.catalog import Catalog
    from ringlet_py.files.folders import Folders
    from ringlet_py.keychain import Keychain
    from ringlet_py.leasing import Leasing
    from ringlet_py.ledger.made import LedgerParts
    from ringlet_py.lending import Lending
    from ringlet_py.plan import LaunchPlan
    from ringlet_py.plans import PlanStore
    from ringlet_py.profile.profile import Profile
    from ringlet_py.profiles import ProfileStore
    from ringlet_py.settings import Settings
    from ringlet_py.tokens import TokenService
else:
    from ringlet_py.once import once


def say_on_stderr(text: str) -> None:
    """One message for the person, never on standard output; one that cannot be shown changes nothing."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        return


class App:
    """Everything ringlet is made of, for one environment and one file of settings (`config`; "": the ordinary one).

    `audit` overrides the settings (None: as they say), `hold` keeps it open; `interactive`: a person can be asked.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        audit: bool | None = None,
        interactive: bool = False,
        hold: bool = False,
        settings: Settings | None = None,
        config: str = "",
        clock: Callable[[], float] = time.time,
        say: Callable[[str], None] = say_on_stderr,
    ) -> None:
        self.environ = environ
        self.interactive = interactive
        self.clock, self.say = clock, say
        self._audit_override, self._hold = audit, hold
        self._given_settings = settings
        self._config = config

    @once
    def folders(self) -> Folders:
        from ringlet_py.files.folders import Folders

        return Folders.of(self.environ, self._config)

    @once
    def settings(self) -> Settings:
        if self._given_settings is not None:
            return self._given_settings
        from ringlet_py.settings import load_settings

        return load_settings(self.folders.config_file, self.environ)

    @once
    def catalog(self) -> Catalog:
        from ringlet_py.catalog import Catalog

        return Catalog(self.folders.config)

    @once
    def profiles(self) -> ProfileStore:
        from ringlet_py.profiles import ProfileStore

        return ProfileStore(self.folders.profiles)

    @once
    def kept(self) -> LedgerParts:
        """The parts of the ledger that the settings choose."""
        from ringlet_py.ledger.made import ledger_parts
        from ringlet_py.settings import load_ledger

        chosen = load_ledger(self.folders.config_file, self.environ)
        path = os.path.join(self.folders.state, "ledger.sqlite")
        return ledger_parts(chosen, path=path, clock=self.clock, say=self.say)

    @once
    def audit(self) -> Recorder:
        from ringlet_py.audit.log import Audit

        kind = Audit
        if self._hold:
            from ringlet_py.audit.held import HeldAudit as kind  # noqa: N813
        enabled = self.settings.audit if self._audit_override is None else self._audit_override
        audit = kind(self.folders.state, enabled=enabled, max_size=self.settings.audit_max_size, clock=self.clock)
        if self.settings.audit_on_error == "refuse":
            return audit
        from ringlet_py.audit.lenient import LenientAudit

        return LenientAudit(audit, self.say)

    @once
    def backend(self) -> Backend:
        choice = self.settings.backend
        if choice == "file":
            return self.file_backend()
        if choice == "system-only":
            return self.system_backend()
        if choice == "sealed":
            return self.sealed
        from ringlet_py.backends.choice import SystemOrFile

        return SystemOrFile(self.system_backend(), self.file_backend(), self.say)

    @once
    def sealed(self) -> SealedBackend:
        from ringlet_py.backends.sealed.made import sealed_backend

        kept, folders, chosen = self.kept.sealed, self.folders, self.settings.master_key
        system, can_ask = self.system_backend, self.interactive
        return sealed_backend(kept, self.environ, folders=folders, system=system, can_ask=can_ask, chosen=chosen)

    @once
    def keychain(self) -> Keychain:
        from ringlet_py.keychain import Keychain
        from ringlet_py.plans import GENERATION

        return Keychain(
            backend=self.backend,
            ledger=self.kept.entries,
            audit=self.audit,
            catalog=self.catalog,
            lock_path=os.path.join(self.folders.state, "keychain.lock"),
            generation_path=os.path.join(self.folders.state, GENERATION),
            clock=self.clock,
            counts=lambda: self.kept.claims,
            known_tier=lambda name: self.lending.tiers.get(name),  # noqa: PLW0108 - made only when it is asked
        )

    @once
    def broker(self) -> Broker:
        from ringlet_py.broker import Broker

        return Broker(self.backend, self.audit, lambda: self.lending)

    @once
    def lending(self) -> Lending:
        from ringlet_py.lending.made import lending
        from ringlet_py.settings import load_places

        keychain, clock, sealed = lambda: self.keychain, self.clock, self.settings.backend == "sealed"
        places, parts = load_places(self.folders.config_file), (self.kept, self.catalog, self.environ)
        return lending(*parts, keychain=keychain, clock=clock, places=places, sealed=sealed)

    @once
    def tokens(self) -> TokenService:
        """Who may call, and with which scope."""
        from ringlet_py.tokens.made import token_service

        return token_service(self.kept.callers, folder=self.folders.config, audit=self.audit, clock=self.clock)

    @once
    def leasing(self) -> Leasing:
        from ringlet_py.leasing import Leasing

        return Leasing(self.broker, self.kept.callers, self.audit, self.clock, entry=self.kept.entries.entry)

    @once
    def plans(self) -> PlanStore:
        from ringlet_py.plans import PlanStore

        return PlanStore(self.folders.cache)

    def compiled(self, name: str) -> LaunchPlan | None:
        """The profile's compiled plan, whose settings then hold for this app; None where planning is needed."""
        from ringlet_py.settings import URL_VARIABLE, keychain_timeout

        found = self.plans.load(name, sources=self._fixed_sources(name))
        if found is None or self.environ.get(URL_VARIABLE):  # another ledger than the plan was made with
            return None
        plan, settings = found
        settings.keychain_timeout = keychain_timeout(self.environ)
        self._given_settings = settings
        return plan

    def plan_named(self, name: str) -> LaunchPlan:
        """The launch plan of the profile of that name, compiled for the next time."""
        from ringlet_py.imaging import keep_images
        from ringlet_py.plans import stamps_of

        stamps = stamps_of([*self._fixed_sources(name), *self.catalog.sources()])
        plan = self.plan(self.profiles.load(name))
        now = time.time_ns()
        if not (self.kept.is_shared or self._config):  # which others may change unseen, or which counts this once
            self.plans.save(plan, self.settings, stamps, now=now)
        keep_images(now=now)
        return plan

    def plan(self, profile: Profile) -> LaunchPlan:
        """The launch plan of a profile; raises what planning raises."""
        from ringlet_py.agreeing import agreed_plan

        return agreed_plan(profile, self.catalog, self.kept, folder=os.path.join(self.folders.profiles, profile.name))

    def run(self, plan: LaunchPlan, *, args: tuple[str, ...] = (), purpose: str = "") -> int:
        """Becomes the plan's agent (see `launcher.launch`); LeaseEnded if it has to be granted and is not."""
        from ringlet_py.launcher import launch, without_coercion

        if plan.lease:
            self.leasing.grants.check(plan, purpose=purpose)
        environ = without_coercion(self.environ)
        try:
            return launch(plan, broker=self.broker, audit=self.audit, environ=environ, args=args, purpose=purpose)
        except errors.KeyNotFound as problem:
            raise self._explained(problem, plan) from None

    def _explained(self, problem: errors.KeyNotFound, plan: LaunchPlan) -> errors.KeyNotFound:
        """The same error with what is there instead and where to get the key: slow, and only needed now."""
        there = self.keychain.there()
        missing = [address for address in plan.addresses() if address not in there]
        return self.keychain.not_found(missing[0]) if missing else problem

    def _fixed_sources(self, name: str) -> list[str]:
        """The files, there or not, that a plan depends on by the environment and this installation alone."""
        from ringlet_py.plans import GENERATION

        own = os.path.join(os.path.dirname(__file__), "__init__.py")
        document = os.path.join(self.folders.profiles, name, "ringlet.toml")
        return [document, self.folders.config_file, os.path.join(self.folders.state, GENERATION), own]

    def file_backend(self) -> Backend:
        from ringlet_py.backends.file import FileBackend

        return FileBackend(os.path.join(self.folders.config, "credentials.toml"))

    def system_backend(self) -> Backend:
        """The OS keychain, whether it is chosen or not."""
        from ringlet_py.backends.system import system_backend

        timeout = self.settings.keychain_timeout
        return system_backend(self.environ, timeout=timeout, can_ask=self.interactive, say=self.say)
