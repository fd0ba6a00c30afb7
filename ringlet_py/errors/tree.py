"""The classes of the tree that `ringlet_py.errors` draws; made when the first of them is asked for."""

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


class ConsentNeeded(RingletError):
    code = "consent-needed"
    exit_status = 4
    http_status = 409


class KeyExists(ConsentNeeded):
    code = "key-exists"
    hint = "add --replace"


class KeyInUse(ConsentNeeded):
    code = "key-in-use"
    hint = "add --yes"


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


class KeychainError(RingletError):
    code = "keychain"
    exit_status = 9
    http_status = 503


class KeychainLocked(KeychainError):
    code = "keychain-locked"
    exit_status = 5
    http_status = 423
    hint = "unlock your keychain, then try again"


class KeychainDenied(KeychainError):
    code = "keychain-denied"
    exit_status = 6
    http_status = 403
    hint = "allow access when the keychain asks, then try again"


class KeychainAbsent(KeychainError):
    code = "keychain-absent"
    exit_status = 7
    hint = 'start a keychain service, or set [credentials] backend = "file" in config.toml'


class KeychainTimeout(KeychainError):
    code = "keychain-timeout"
    exit_status = 8
    http_status = 504
    hint = "answer the keychain's window in time, or raise RINGLET_KEYCHAIN_TIMEOUT (seconds)"


class KeychainBroken(KeychainError):
    code = "keychain-broken"
    hint = "check the keychain with the system's own tool, then try again"


class StoreCorrupt(KeychainError):
    code = "store-corrupt"
    hint = "mend the file by hand; ringlet will not overwrite what it cannot read"


class InsecurePermissions(RingletError):
    code = "insecure-permissions"
    exit_status = 10
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


class AuditError(RingletError):
    code = "audit"
    exit_status = 12


class AuditUnwritable(AuditError):
    code = "audit-unwritable"
    hint = "mend the audit log's folder, or run with --no-audit-log"


class AuditBroken(AuditError):
    code = "audit-broken"
    hint = "ringlet audit verify --json"


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
