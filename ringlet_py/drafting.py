"""Profiles in the making: documents changed without losing comments, and what is still missing to run them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ringlet_py import values
from ringlet_py.catalog import ready_made
from ringlet_py.entry import Address
from ringlet_py.errors import CatalogNotFound, LaunchError, PoolNotFound, ProfileInvalid, RingletError, UsageError
from ringlet_py.launcher import find_binary
from ringlet_py.profile.profile import REFERENCE
from ringlet_py.secret import REDACTED, Secret
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.app import App
    from ringlet_py.plan import LaunchPlan
    from ringlet_py.profile.profile import Profile
    from ringlet_py.profile.provider import Provider
    from ringlet_py.profiles import ProfileStore

CONFIG = "provider-config"
_IN_CONFIG = ("key-alias", "key-pool", "endpoint", "base-url", "model", "shape")


def ready_made_text(name: str) -> str:
    """The document of a ready-made profile, or an empty one for ""; raises CatalogNotFound."""
    if not name:
        return ""
    known = ready_made()
    if name not in known:
        raise CatalogNotFound(f"there is no ready-made profile {name!r}", why=did_you_mean(name, known))
    with open(known[name], encoding="utf-8") as file:
        return file.read()


def changed(text: str, *, off: str = "", env: list[str] | None = None, **values_by_key: str | list[str] | None) -> str:
    """The document with the given values set (keys with '_' for '-'), and the key `off` taken off.

    "" and None change nothing.
    """
    from ringlet_py.files.toml_editing import dump, edit  # slow to import, and most commands edit nothing

    document = edit(text)
    for key, value in values_by_key.items():
        if value:
            _place(document, key.replace("_", "-"), value)
    document.pop(off, None)
    for assignment in env or []:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(
                f"--env {name} has no value",
                hint=f"--env {name}=VALUE or --env {name}=ringlet:PROVIDER/ALIAS",
            )
        _table(document, "env")[name] = value
    return dump(document)


def readdress(store: ProfileStore, names: list[str], old: Address, new: Address) -> None:
    """Lets these profiles name the key at its new address; raises ProfileChanged if somebody else changes one."""
    for name in names:
        before = store.text(name)
        profile = store.check(name, before)
        moved = {variable: each.field for variable, each in profile.references.items() if each.key() == old}
        env = [f"{each}={REFERENCE}{Address(new.provider, new.alias, field)}" for each, field in moved.items()]
        key_alias = new.alias if profile.address == old and not profile.key_pool else ""
        store.save(name, changed(before, key_alias=key_alias, env=env), replace=True, before=before)


def checked(store: ProfileStore, name: str, text: str) -> Profile:
    """The profile that a text made of options would be; what is wrong in it is a UsageError, as no file has it yet."""
    try:
        text.encode()
        return store.check(name, text)
    except UnicodeEncodeError:
        raise UsageError("an option is not UTF-8", hint="nothing was written; mend the option and try again") from None
    except ProfileInvalid as problem:
        what = problem.what.split(": ", 1)[-1]
        raise UsageError(what, why=problem.why, hint="nothing was written; mend the option and try again") from None


def refuse_keys(profile: Profile, providers: Mapping[str, Provider]) -> None:
    """Raises where a name or an argument of the profile looks like a key: arguments are readable by every user."""
    for address in (profile.address, *profile.further.values()):
        values.check_address(address, providers)
    for text in (*profile.command, *profile.args):
        if any(values.likely_provider(Secret(word), providers) for word in re.split(r"[\s=:]+", text)):
            raise UsageError(
                "an argument of the profile looks like a key",
                why="every user of this machine can read arguments",
                hint="store it with ringlet keychain set, and give it with --env NAME=ringlet:PROVIDER/ALIAS",
            )


def warnings(app: App, profile: Profile, plan: LaunchPlan) -> list[str]:
    """What is not there yet: the binary, the keys; and values in [env] that look like keys."""
    return [
        *_binary_warning(app, plan),
        *_pool_warning(app, plan),
        *_key_warnings(app, plan),
        *_env_warnings(app, profile),
    ]


def redacted_env(plan: LaunchPlan, providers: Mapping[str, Provider]) -> dict[str, str]:
    """The variables the plan sets, sorted; keys are redacted, and so is what looks like one."""
    shown = {name: REDACTED if values.looks_secret(name, text, providers) else text for name, text in plan.env.items()}
    return dict(sorted({**shown, **dict.fromkeys([*plan.keys, *plan.pooled], REDACTED)}.items()))


def _place(document: Any, key: str, value: str | list[str]) -> None:
    """Where the document has the key already, it stays; else where it belongs."""
    if key in _IN_CONFIG and key not in document:
        document = _table(document, CONFIG)
    document[key] = value


def _table(document: Any, name: str) -> Any:
    if name not in document:
        from ringlet_py.files.toml_editing import new_table

        document[name] = new_table()
    return document[name]


def _binary_warning(app: App, plan: LaunchPlan) -> list[str]:
    try:
        find_binary(plan.command[0], app.environ, plan.install)
    except LaunchError as problem:
        return [f"{problem.what}; {problem.hint}"]
    return []


def _pool_warning(app: App, plan: LaunchPlan) -> list[str]:
    """Where the ledger cannot say which pools there are, there is no warning."""
    if not plan.pool:
        return []
    try:
        app.lending.pools.get(plan.pool)
    except PoolNotFound as problem:
        create = f"ringlet pools create {plan.pool} --provider {plan.provider}"
        return [f"{problem.what} yet; {problem.why}: {create}"]
    except (RingletError, OSError):
        return []
    return []


def _key_warnings(app: App, plan: LaunchPlan) -> list[str]:
    """Asks what is there without unlocking anything; where that cannot be told, there is no warning."""
    if not plan.keys:
        return []
    try:
        there = app.keychain.there()
    except (RingletError, OSError):
        return []
    missing = [address for address in plan.addresses() if address not in there]
    return [f"{a} is not in the keychain yet: {a.to_set()}" for a in missing]


def _env_warnings(app: App, profile: Profile) -> list[str]:
    providers = app.catalog.providers
    return [
        f"{name} in [env] holds what looks like a key of {likely}; keep it in the keychain: "
        f'ringlet keychain set {likely}, and write {name} = "ringlet:{likely}/default"'
        for name, value in profile.env.items()
        if (likely := values.likely_provider(Secret(value), providers))
    ]
