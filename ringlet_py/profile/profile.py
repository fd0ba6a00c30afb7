"""A saved way to launch: which agent, which provider, which key, and what else the agent gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ringlet_py.entry import DEFAULT_ALIAS, Address, check_name
from ringlet_py.errors import UsageError
from ringlet_py.profile.lengths import EXAMPLE, IN_WORDS, lease_length
from ringlet_py.profile.values import ISOLATIONS, SHAPES, check_base_url, check_plain, check_variable

if TYPE_CHECKING:
    from ringlet_py.document import Source, Table

INHERIT = ("filtered", "clean", "all")
REFERENCE = "ringlet:"
OWN_SECRET = "ringlet:#"  # noqa: S105 - how one is named, and no value


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A profile's document, checked; "" stands for what it does not say.

    `references` maps variables to further keys, `bound` maps them to bound secrets of the profile's own key.
    """

    name: str
    agent: str
    provider: str
    key_alias: str = DEFAULT_ALIAS
    key_pool: str = ""
    endpoint: str = ""
    base_url: str = ""
    model: str = ""
    shape: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: dict[str, str]
    references: dict[str, Address]
    bound: dict[str, str] = field(default_factory=dict)
    inherit_env: str = "filtered"
    isolation: str = "none"
    lease: str = ""

    @property
    def address(self) -> Address:
        """The key it names; with a pool, which names none, its provider's default."""
        return Address(self.provider, self.key_alias)

    @property
    def further(self) -> dict[str, Address]:
        """The variables that get another secret than that key: one of its bound secrets, or a further key."""
        if self.key_pool:
            return self.references
        bound = {name: Address(self.provider, self.key_alias, secret) for name, secret in self.bound.items()}
        return {**self.references, **bound}


def read_profile(name: str, source: Source) -> Profile:
    """The profile in the document; raises the source's error for anything wrong in it."""
    root = source.root()
    config = root.table("provider-config")
    env, references, bound = _env(root)
    key_alias, key_pool = _key(config)
    profile = Profile(
        name=name,
        agent=_name(root, "agent"),
        provider=_name(root, "provider"),
        key_alias=key_alias,
        key_pool=key_pool,
        endpoint=_either(root, config, "endpoint"),
        base_url=_base_url(root, config),
        model=_model(root, config),
        shape=config.choice("shape", ("", *SHAPES), ""),
        command=root.texts("command"),
        args=root.texts("args"),
        env=env,
        references=references,
        bound=bound,
        inherit_env=root.choice("inherit-env", INHERIT, "filtered"),
        isolation=root.choice("isolation", ISOLATIONS, "none"),
        lease=_lease(root),
    )
    config.known |= {"key-alias", "key-pool", "endpoint", "base-url", "model"}
    config.done()
    root.done()
    _check_texts(root, (*profile.command, *profile.args, *profile.env.values()))
    return profile


def _name(table: Table, key: str, default: str | None = None) -> str:
    return _checked_name(table, key, table.text(key, default))


def _checked_name(table: Table, key: str, name: str) -> str:
    try:
        return check_name(key, name)
    except UsageError as problem:
        raise table.wrong(problem.what, key, why=problem.hint) from None


def _key(config: Table) -> tuple[str, str]:
    """Which of the provider's keys it is: the alias, or the pool that gives one."""
    alias, pool = config.text("key-alias", ""), config.text("key-pool", "")
    if alias and pool:
        raise config.wrong("'key-alias' and 'key-pool' cannot both say which key it is", "key-pool")
    for key, name in (("key-alias", alias), ("key-pool", pool)):
        if name:
            _checked_name(config, key, name)
    return alias or DEFAULT_ALIAS, pool


def _lease(root: Table) -> str:
    """For how long it is granted its keys at a time; "" needs no grant."""
    text = root.text("lease", "")
    if text and lease_length(text) is None:
        raise root.wrong("'lease' is no length of a lease", "lease", why=f"{IN_WORDS}, {EXAMPLE}")
    return text


def _either(root: Table, config: Table, key: str) -> str:
    """The value from [provider-config] or, shorter, from the top of the document."""
    here, above = config.text(key, ""), root.text(key, "")
    if here and above:
        raise root.wrong(f"{key!r} stands twice: at the top and in [provider-config]", key)
    return here or above


def _base_url(root: Table, config: Table) -> str:
    url = _either(root, config, "base-url")
    return check_base_url(url, lambda what: config.wrong(what, "base-url")) if url else ""


def _model(root: Table, config: Table) -> str:
    model = _either(root, config, "model")
    return check_plain("model", model, lambda what: config.wrong(what, "model")) if model else ""


def _env(root: Table) -> tuple[dict[str, str], dict[str, Address], dict[str, str]]:
    plain: dict[str, str] = {}
    references: dict[str, Address] = {}
    bound: dict[str, str] = {}
    for name, value in root.mapping("env").items():
        check_variable(name, partial(root.source.wrong, key=name, table="env"))
        if value.startswith(OWN_SECRET):
            bound[name] = _reference(root, name, f"own{value.removeprefix(REFERENCE)}").field
        elif value.startswith(REFERENCE):
            references[name] = _reference(root, name, value.removeprefix(REFERENCE))
        else:
            plain[name] = value
    return plain, references, bound


def _reference(root: Table, name: str, text: str) -> Address:
    try:
        return Address.parse(text)
    except UsageError as problem:
        why = f"a reference is written {REFERENCE}provider/alias, or {OWN_SECRET}name for a secret bound to its own key"
        raise root.source.wrong(f"{name}: {problem.what}", name, table="env", why=why) from None


def _check_texts(root: Table, texts: tuple[str, ...]) -> None:
    if any("\0" in text for text in texts):
        raise root.source.wrong("a NUL character cannot be given to a program", "env")
