"""Everything that can go wrong, as one tree.

Each class has a code (stable, for programs), an exit status, an HTTP status and a hint; each error says
what happened (with the name it concerns), why, and the exact next command.  No error ever holds a secret.

    RingletError
      UsageError                2   the command was not understood
        InvalidName             2   a provider, alias or profile name outside the grammar
        InvalidSecret           2   a value that cannot be a key, or that the backend cannot take
        InvalidField            2   a label, date, owner or other field of an entry that cannot be one
        LimitInvalid            2   a rate, tier or weight that cannot be a limit
        ScopeInvalid            2   a scope that cannot be one, or is wider than it may be
      NotFound                  3   no such thing
        KeyNotFound             3
        ProfileNotFound         3
        CatalogNotFound         3   no such agent, provider or ready-made profile
        TierNotFound            3
        PolicyNotFound          3
        PoolNotFound            3
        PoolEmpty               3   a pool, or a provider, without a key that could be used
        TokenNotFound           3
        LeaseNotFound           3
      ConsentNeeded             4   needs --replace, --force or --yes
        KeyExists               4
        KeyInUse                4
        PoolExists              4
        PoolInUse               4
        TokenExists             4
        KeyDuplicate            4   the same value is stored under another address
        KeySuspicious           4   looks like another provider's key, or like a placeholder
        ProviderSuspicious      4   nearly the name of a provider in the catalog
        ProfileExists           4
        ProfileChanged          4   somebody else changed it meanwhile
        Declined                4   the person said no
      KeychainError             9   something between us and the store
        KeychainLocked          5
        KeychainDenied          6
        KeychainAbsent          7
        KeychainTimeout         8
        KeychainBroken          9
        MasterKeyMissing        9   what opens the sealed values is not where it was kept
        MasterKeyWrong          9   it is there, and does not open them
        LedgerUnreachable       9   the server of the ledger is down, or cannot be spoken to
        LedgerMissing           9   the file of the ledger was there, and is gone
        StoreCorrupt            9   a file of ours that cannot be read as what it should be
      InsecurePermissions      10
      ConfigError              11   a configuration file that is wrong
        ProfileInvalid         11
        CatalogInvalid         11
        PairingImpossible      11   this agent cannot talk to this provider
        CheckImpossible        11   nothing is known to ask this provider whether a key works
      AuditError               12
        AuditUnwritable        12
        AuditBroken            12
      KeyUnusable              13   a key that is there, and is not to be used
        KeyExpired             13
        KeyInactive            13
      PoolExhausted            14   no key is free now; the error says when one will be
        QuotaUsedUp            14   a caller has had its share of keys that are not its own
      AccessError              15   a caller may not have what it asks for
        TokenRefused           15   no token, or one that is unknown, revoked or expired
        OutOfScope             15
        LeaseEnded             15   a lease that has expired, was released or was revoked
      DaemonError              16   the daemon cannot do what it was asked
        DaemonRunning          16   another one has its place
        DaemonBusy             16   more waits already than it can answer in time
        DaemonNotRunning       16
      SearchIncomplete         17   a search could not look at everything
      LaunchError             125   the agent could not be started
        AgentNotExecutable    126
        AgentNotFound         127

Under `run`, everything that fails before the agent has started exits with 125 (see `run_status`).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringlet_py.errors.asked import RUN_FAILED as RUN_FAILED
    from ringlet_py.errors.asked import CatalogNotFound as CatalogNotFound
    from ringlet_py.errors.asked import ConsentNeeded as ConsentNeeded
    from ringlet_py.errors.asked import Declined as Declined
    from ringlet_py.errors.asked import InvalidField as InvalidField
    from ringlet_py.errors.asked import InvalidName as InvalidName
    from ringlet_py.errors.asked import InvalidSecret as InvalidSecret
    from ringlet_py.errors.asked import KeyDuplicate as KeyDuplicate
    from ringlet_py.errors.asked import KeyExists as KeyExists
    from ringlet_py.errors.asked import KeyInUse as KeyInUse
    from ringlet_py.errors.asked import KeyNotFound as KeyNotFound
    from ringlet_py.errors.asked import KeySuspicious as KeySuspicious
    from ringlet_py.errors.asked import LeaseNotFound as LeaseNotFound
    from ringlet_py.errors.asked import LimitInvalid as LimitInvalid
    from ringlet_py.errors.asked import NotFound as NotFound
    from ringlet_py.errors.asked import PolicyNotFound as PolicyNotFound
    from ringlet_py.errors.asked import PoolEmpty as PoolEmpty
    from ringlet_py.errors.asked import PoolExists as PoolExists
    from ringlet_py.errors.asked import PoolInUse as PoolInUse
    from ringlet_py.errors.asked import PoolNotFound as PoolNotFound
    from ringlet_py.errors.asked import ProfileChanged as ProfileChanged
    from ringlet_py.errors.asked import ProfileExists as ProfileExists
    from ringlet_py.errors.asked import ProfileNotFound as ProfileNotFound
    from ringlet_py.errors.asked import ProviderSuspicious as ProviderSuspicious
    from ringlet_py.errors.asked import RingletError as RingletError
    from ringlet_py.errors.asked import ScopeInvalid as ScopeInvalid
    from ringlet_py.errors.asked import TierNotFound as TierNotFound
    from ringlet_py.errors.asked import TokenExists as TokenExists
    from ringlet_py.errors.asked import TokenNotFound as TokenNotFound
    from ringlet_py.errors.asked import UsageError as UsageError
    from ringlet_py.errors.tree import AccessError as AccessError
    from ringlet_py.errors.tree import AgentNotExecutable as AgentNotExecutable
    from ringlet_py.errors.tree import AgentNotFound as AgentNotFound
    from ringlet_py.errors.tree import AuditBroken as AuditBroken
    from ringlet_py.errors.tree import AuditError as AuditError
    from ringlet_py.errors.tree import AuditUnwritable as AuditUnwritable
    from ringlet_py.errors.tree import CatalogInvalid as CatalogInvalid
    from ringlet_py.errors.tree import CheckImpossible as CheckImpossible
    from ringlet_py.errors.tree import ConfigError as ConfigError
    from ringlet_py.errors.tree import DaemonBusy as DaemonBusy
    from ringlet_py.errors.tree import DaemonError as DaemonError
    from ringlet_py.errors.tree import DaemonNotRunning as DaemonNotRunning
    from ringlet_py.errors.tree import DaemonRunning as DaemonRunning
    from ringlet_py.errors.tree import InsecurePermissions as InsecurePermissions
    from ringlet_py.errors.tree import KeychainAbsent as KeychainAbsent
    from ringlet_py.errors.tree import KeychainBroken as KeychainBroken
    from ringlet_py.errors.tree import KeychainDenied as KeychainDenied
    from ringlet_py.errors.tree import KeychainError as KeychainError
    from ringlet_py.errors.tree import KeychainLocked as KeychainLocked
    from ringlet_py.errors.tree import KeychainTimeout as KeychainTimeout
    from ringlet_py.errors.tree import KeyExpired as KeyExpired
    from ringlet_py.errors.tree import KeyInactive as KeyInactive
    from ringlet_py.errors.tree import KeyUnusable as KeyUnusable
    from ringlet_py.errors.tree import LaunchError as LaunchError
    from ringlet_py.errors.tree import LeaseEnded as LeaseEnded
    from ringlet_py.errors.tree import LedgerMissing as LedgerMissing
    from ringlet_py.errors.tree import LedgerUnreachable as LedgerUnreachable
    from ringlet_py.errors.tree import MasterKeyMissing as MasterKeyMissing
    from ringlet_py.errors.tree import MasterKeyWrong as MasterKeyWrong
    from ringlet_py.errors.tree import OutOfScope as OutOfScope
    from ringlet_py.errors.tree import PairingImpossible as PairingImpossible
    from ringlet_py.errors.tree import PoolExhausted as PoolExhausted
    from ringlet_py.errors.tree import ProfileInvalid as ProfileInvalid
    from ringlet_py.errors.tree import QuotaUsedUp as QuotaUsedUp
    from ringlet_py.errors.tree import SearchIncomplete as SearchIncomplete
    from ringlet_py.errors.tree import StoreCorrupt as StoreCorrupt
    from ringlet_py.errors.tree import TokenRefused as TokenRefused


def __getattr__(name: str) -> object:
    """The class of that name; making them all costs a tenth of a launch, and a launch that goes well needs none."""
    import ringlet_py.errors.tree as tree  # noqa: PLR0402 - `from … import` would ask this very function

    return getattr(tree, name)
