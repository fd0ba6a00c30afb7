"""The classes of the tree that `ringlet_py.errors` draws; made when the first of them is asked for."""

from __future__ import annotations

from ringlet_py.errors.asked import (  # noqa: F401 - `ringlet_py.errors` looks all of them up here
    RUN_FAILED,
    CatalogNotFound,
    ConsentNeeded,
    Declined,
    InvalidField,
    InvalidName,
    InvalidSecret,
    KeyDuplicate,
    KeyExists,
    KeyInUse,
    KeyNotFound,
    KeySuspicious,
    LeaseNotFound,
    LimitInvalid,
    NotFound,
    PolicyNotFound,
    PoolEmpty,
    PoolExists,
    PoolInUse,
    PoolNotFound,
    ProfileChanged,
    ProfileExists,
    ProfileNotFound,
    ProviderSuspicious,
    RingletError,
    ScopeInvalid,
    TierNotFound,
    TokenExists,
    TokenNotFound,
    UsageError,
)


class KeychainError(RingletError):
    code = "keychain"
    exit_status = 9
    http_status = 503


class KeychainLocked(KeychainError):
    code = "keychain-locked"
    exit_status = 5
    http_status = 423
    hint = "ringlet doctor"


class KeychainDenied(KeychainError):
    code = "keychain-denied"
    exit_status = 6
    http_status = 403
    hint = "allow access when the keychain asks, then try again"


class KeychainAbsent(KeychainError):
    code = "keychain-absent"
    exit_status = 7
    hint = "ringlet doctor, or: ringlet config set credentials.backend file"


class KeychainTimeout(KeychainError):
    code = "keychain-timeout"
    exit_status = 8
    http_status = 504
    hint = "answer the keychain's window in time, or raise RINGLET_KEYCHAIN_TIMEOUT (seconds)"


class KeychainBroken(KeychainError):
    code = "keychain-broken"
    hint = "check the keychain with the system's own tool, then try again"


class MasterKeyMissing(KeychainError):
    code = "master-key-missing"
    hint = "ringlet sealed status"


class MasterKeyWrong(KeychainError):
    code = "master-key-wrong"
    hint = "ringlet sealed status"


class LedgerUnreachable(KeychainError):
    code = "ledger-unreachable"
    hint = "start that server, or set [ledger] url or RINGLET_LEDGER_URL to another"


class LedgerMissing(KeychainError):
    """A ledger that was there and is gone; no empty one is made in its place."""

    code = "ledger-missing"
    hint = "put its file back from a backup"


class StoreCorrupt(KeychainError):
    code = "store-corrupt"
    hint = "mend the file by hand; ringlet will not overwrite what it cannot read"


class InsecurePermissions(RingletError):
    code = "insecure-permissions"
    exit_status = 10
    http_status = 503
    hint = "chmod 600 the file and 700 its folder"


class ConfigError(RingletError):
    code = "config"
    exit_status = 11
    hint = "edit the file and try again"


class ProfileInvalid(ConfigError):
    code = "profile-invalid"


class CatalogInvalid(ConfigError):
    code = "catalog-invalid"


class PairingImpossible(ConfigError):
    code = "pairing-impossible"
    hint = "ringlet catalog agents"


class CheckImpossible(ConfigError):
    code = "check-impossible"
    hint = "ringlet catalog providers"


class AuditError(RingletError):
    code = "audit"
    exit_status = 12


class AuditUnwritable(AuditError):
    code = "audit-unwritable"
    hint = "mend the audit log's folder, or run with --no-audit-log"


class AuditBroken(AuditError):
    code = "audit-broken"
    hint = "ringlet audit verify --json"


class KeyUnusable(RingletError):
    code = "key-unusable"
    exit_status = 13
    http_status = 403
    hint = "ringlet keychain status"


class KeyExpired(KeyUnusable):
    code = "key-expired"


class KeyInactive(KeyUnusable):
    code = "key-inactive"


class PoolExhausted(RingletError):
    """No key is free now; `retry_at` is when one will be, in seconds since 1970 (infinite: never)."""

    code = "pool-exhausted"
    exit_status = 14
    http_status = 429
    hint = "wait for one with --wait 30s"
    retry_at = float("inf")


class QuotaUsedUp(PoolExhausted):
    code = "quota-used-up"
    hint = "use a key of your own, or wait"


class AccessError(RingletError):
    """A caller may not have what it asks for."""

    code = "access"
    exit_status = 15
    http_status = 403


class TokenRefused(AccessError):
    """There is no token, or it is unknown, revoked or expired; which of these is not said."""

    code = "token-refused"
    http_status = 401
    hint = "ask for a token: ringlet tokens create NAME --scope SCOPE"


class OutOfScope(AccessError):
    code = "out-of-scope"
    hint = "ask for a token with a wider scope: ringlet tokens create NAME --scope SCOPE"


class LeaseEnded(AccessError):
    """A lease that has expired, was released or was revoked."""

    code = "lease-ended"
    http_status = 410
    hint = "claim again"


class DaemonError(RingletError):
    code = "daemon"
    exit_status = 16
    http_status = 503
    hint = "ringlet daemon status"


class DaemonRunning(DaemonError):
    code = "daemon-running"


class DaemonBusy(DaemonError):
    """More waits already than is good; `retry_after` is in seconds."""

    code = "daemon-busy"
    hint = "ask again in a moment"
    retry_after = 1


class DaemonNotRunning(DaemonError):
    code = "daemon-not-running"
    hint = "ringlet daemon start"


class SearchIncomplete(RingletError):
    """A search could not look at everything, and found nothing that matters more."""

    code = "search-incomplete"
    exit_status = 17
    hint = "make it readable, or name the paths that matter"


class LaunchError(RingletError):
    code = "launch"
    exit_status = RUN_FAILED


class AgentNotExecutable(LaunchError):
    code = "agent-not-executable"
    exit_status = 126
    hint = "chmod +x the file"


class AgentNotFound(LaunchError):
    code = "agent-not-found"
    exit_status = 127
    hint = "install the agent, or put its folder on PATH"
