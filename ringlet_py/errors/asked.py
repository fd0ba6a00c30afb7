"""The first half of the tree that `ringlet_py.errors` draws: what was asked for could not be, or not just so."""

from __future__ import annotations

RUN_FAILED = 125


class RingletError(Exception):
    """The base of all; raised itself only where nothing more precise is known."""

    code = "error"
    exit_status = 1
    http_status = 500
    hint = "run the command again with --help"

    def __init__(self, what: str, *, why: str = "", hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        if hint is not None:
            self.hint = hint

    @property
    def run_status(self) -> int:
        """The exit status under `run`, where 1 to 124 belong to the agent."""
        return max(RUN_FAILED, self.exit_status)


class UsageError(RingletError):
    code = "usage"
    exit_status = 2
    http_status = 400


class InvalidName(UsageError):
    code = "invalid-name"
    hint = "names are ASCII letters, digits, '.', '_' and '-', at most 64, not starting with '-' or '.'"


class InvalidSecret(UsageError):
    code = "invalid-secret"
    hint = "copy the key again from the provider's page"


class InvalidField(UsageError):
    code = "invalid-field"
    hint = "ringlet keychain edit --help"


class LimitInvalid(UsageError):
    code = "limit-invalid"
    hint = "write an amount for a window: '10/minute', '1000/30d', '100/day@UTC', or '1000' for a lifetime"


class ScopeInvalid(UsageError):
    code = "scope-invalid"
    hint = "write it like this: 'pool=openai feature=image-* agent=claude'"


class NotFound(RingletError):
    code = "not-found"
    exit_status = 3
    http_status = 404


class KeyNotFound(NotFound):
    code = "key-not-found"
    hint = "ringlet keychain list"


class ProfileNotFound(NotFound):
    code = "profile-not-found"
    hint = "ringlet profiles list"


class CatalogNotFound(NotFound):
    code = "catalog-not-found"
    hint = "ringlet profiles create --help"


class TierNotFound(NotFound):
    code = "tier-not-found"
    hint = "ringlet tiers set NAME FEATURE=RATE"


class PolicyNotFound(NotFound):
    code = "policy-not-found"
    hint = "ringlet pools create --help"


class PoolNotFound(NotFound):
    code = "pool-not-found"
    hint = "ringlet pools list"


class PoolEmpty(NotFound):
    code = "pool-empty"
    hint = "ringlet pools list"


class TokenNotFound(NotFound):
    code = "token-not-found"
    hint = "ringlet tokens list"


class LeaseNotFound(NotFound):
    code = "lease-not-found"
    hint = "ringlet leases list"


class ConsentNeeded(RingletError):
    code = "consent-needed"
    exit_status = 4
    http_status = 409


class KeyExists(ConsentNeeded):
    code = "key-exists"
    hint = "add --replace"


class PoolExists(ConsentNeeded):
    code = "pool-exists"
    hint = "ringlet pools edit --help"


class PoolInUse(ConsentNeeded):
    code = "pool-in-use"
    hint = "add --yes"


class TokenExists(ConsentNeeded):
    code = "token-exists"
    hint = "choose another name, or: ringlet tokens revoke NAME"


class KeyInUse(ConsentNeeded):
    code = "key-in-use"
    hint = "add --yes"


class KeyDuplicate(ConsentNeeded):
    code = "key-duplicate"
    hint = "add --force if it is right all the same"


class KeySuspicious(ConsentNeeded):
    code = "key-suspicious"
    hint = "add --force if it is right all the same"


class ProviderSuspicious(ConsentNeeded):
    code = "provider-suspicious"
    hint = "add --force if it is right all the same"


class ProfileExists(ConsentNeeded):
    code = "profile-exists"
    hint = "add --replace"


class ProfileChanged(ConsentNeeded):
    code = "profile-changed"
    hint = "look at it and try again"


class Declined(ConsentNeeded):
    code = "declined"
    hint = "nothing was changed"
