"""The checked, secret-free recipe of a launch: which program, which variables, which key goes where."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringlet_py.entry import Address


class LaunchPlan:
    """All that launching needs to know; plain data that holds no secret.

    `keys` maps variables to the addresses whose secrets they get; `drop` are the inherited variables that
    the agent must not see; `files` are written (below `folders`, which are made) before the agent starts.
    `base_url` is the only address the key is meant for ("" where the agent knows its own).
    With a `pool`, `pooled` maps variables to what they get of the key that is chosen at the launch: the key itself
    (""), or the bound secret of that name.  `limited` are the addresses that the ledger has to agree to.
    With a `lease` (`8h`) it starts only while it is granted these keys.
    """

    __slots__ = (
        "agent",
        "args",
        "base_url",
        "command",
        "drop",
        "env",
        "files",
        "folders",
        "inherit",
        "install",
        "keys",
        "lease",
        "limited",
        "loopback",
        "pool",
        "pooled",
        "profile",
        "provider",
        "shape",
    )

    def __init__(  # noqa: PLR0913 - a record of named fields
        self,
        *,
        profile: str,
        agent: str,
        provider: str,
        command: tuple[str, ...],
        args: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        keys: dict[str, Address] | None = None,
        inherit: str = "filtered",
        drop: frozenset[str] = frozenset(),
        folders: tuple[str, ...] = (),
        files: dict[str, str] | None = None,
        base_url: str = "",
        loopback: bool = False,
        shape: str = "",
        install: str = "",
        pool: str = "",
        pooled: dict[str, str] | None = None,
        limited: frozenset[str] = frozenset(),
        lease: str = "",
    ) -> None:
        self.profile, self.agent = profile, agent
        self.provider = provider
        self.command = command
        self.args = args
        self.env = env or {}
        self.keys = keys or {}
        self.inherit = inherit
        self.drop = drop
        self.folders = folders
        self.files = files or {}
        self.base_url = base_url
        self.loopback = loopback
        self.shape = shape
        self.install = install
        self.pool = pool
        self.pooled = pooled or {}
        self.limited, self.lease = limited, lease

    def with_key(self, address: Address) -> LaunchPlan:
        """The plan once its pool has given this key."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        given = {name: type(address)(address.provider, address.alias, field) for name, field in self.pooled.items()}
        return LaunchPlan(**{**fields, "keys": {**self.keys, **given}, "pool": "", "pooled": {}})

    def addresses(self) -> list[Address]:
        """The keys it needs, each once, in a fixed order."""
        return sorted(set(self.keys.values()))

    def foreseen(self) -> Address | None:
        """The key that a run is sure to ask for first; None where that is chosen, counted or granted before."""
        return min(self.keys.values(), default=None) if not (self.pool or self.limited or self.lease) else None
