"""`ringlet pools`: many keys for one use; here create, edit, list and delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py.cli import output, pools_claim, pools_explain, pools_report, pools_status
from ringlet_py.cli import pools_options as options
from ringlet_py.cli import pools_shown as shown
from ringlet_py.cli.session import Session, app_of, session_of
from ringlet_py.errors import PoolInUse, PoolNotFound, RingletError
from ringlet_py.pools.store import POOL
from ringlet_py.pools.values import DEFAULT_POLICY
from ringlet_py.suggest import did_you_mean
from ringlet_py.usable import usable

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.entry import Entry
    from ringlet_py.pools import Pool

_COLUMNS = ("POOL", "PROVIDER", "POLICY", "KEYS", "USABLE", "LIMITS", "WHERE")


def build() -> typer.Typer:
    """The command group."""
    group = typer.Typer(help="Pools: many keys for one use, chosen, limited and rested.", no_args_is_help=True)
    group.command("create")(create)
    group.command("edit")(edit)
    for name in ("list", "ls"):
        group.command(name, hidden=name != "list")(list_pools)
    group.command("status")(pools_status.show_status)
    group.command("explain")(pools_explain.explain)
    group.command("claim", help=pools_claim.CLAIM_HELP)(pools_claim.claim)
    group.command("report")(pools_report.report)
    group.command("wake")(pools_report.wake)
    for name in ("delete", "rm", "remove"):
        group.command(name, hidden=name != "delete")(delete)
    return group


def create(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The new pool.")],
    provider: Annotated[str, typer.Option("--provider", help="Whose keys: who sells the API.")],
    policy: options.Policy = None,
    limit: options.Limit = None,
    pool_limit: options.PoolLimit = None,
    org_limit: options.OrgLimit = None,
    quota: options.Quota = None,
    bypass: options.Bypass = None,
    tier: options.Tier = None,
    owner: options.Owner = None,
    org: options.Org = None,
    label: options.Label = None,
    where: options.Where = None,
    json: options.Json = False,
) -> None:
    """Make a pool of a provider's keys, all of them or those that fit: pools create images --provider openai."""
    app = app_of(context)
    given = {
        **options.rates(limits=limit, pool_limits=pool_limit, org_limits=org_limit, quota=quota, bypass=bypass),
        "policy": policy or None,
        "where": options.conditions((), where, tier=tier, owner=owner, org=org, label=label),
    }
    _check(app, name, given)
    entries = app.kept.entries.entries()
    pool = app.lending.pools.create(name, {**given, "provider": options.check_provider(app, provider, entries)})
    members = pool.members(entries, now=app.clock())
    options.warn_if_empty(pool, members)
    if json:
        output.document(pool=_document(pool, members, app))
    else:
        output.say(output.printable(f"created {name}: {_count(members)} of {pool.provider}, {pool.policy}"))


def edit(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    name: options.Name,
    policy: options.Policy = None,
    limit: options.Limit = None,
    pool_limit: options.PoolLimit = None,
    org_limit: options.OrgLimit = None,
    quota: options.Quota = None,
    bypass: options.Bypass = None,
    tier: options.Tier = None,
    owner: options.Owner = None,
    org: options.Org = None,
    label: options.Label = None,
    where: options.Where = None,
    json: options.Json = False,
) -> None:
    """Change a pool, and keep what was counted: pools edit images --limit 4/minute; "" takes away what was said."""
    app = app_of(context)
    before = app.lending.pools.get(name)
    given = {
        **options.rates(limits=limit, pool_limits=pool_limit, org_limits=org_limit, quota=quota, bypass=bypass),
        "policy": DEFAULT_POLICY if policy == "" else policy,
        "where": options.conditions(before.where, where, tier=tier, owner=owner, org=org, label=label),
    }
    _check(app, name, given)
    _, after = app.lending.pools.edit(name, given)
    members = after.members(app.kept.entries.entries(), now=app.clock())
    options.warn_if_empty(after, members)
    changes = options.differences(before, after)
    if json:
        fields = {field: {"before": old, "after": new} for field, old, new in changes}
        output.document(pool=_document(after, members, app), changed=fields)
        return
    for field, old, new in changes:
        output.say(output.printable(f"{name}: {field}: {old} -> {new}"))
    output.say(f"{name}: {_count(members)}" if changes else f"{name}: nothing was changed")


def list_pools(context: typer.Context, json: options.Json = False) -> None:
    """List the pools: pools list; with their policies, how many keys they have, and what limits them."""
    app = app_of(context)
    pools, entries = app.lending.pools.all(), app.kept.entries.entries()
    found = [(pool, pool.members(entries, now=app.clock())) for pool in pools.values()]
    if json:
        output.document(pools=[_document(pool, members, app) for pool, members in found])
        return
    if not found:
        output.say(shown.NO_POOLS)
    output.table(_COLUMNS, [_row(_document(pool, members, app)) for pool, members in found])


def delete(context: typer.Context, name: options.Name, yes: options.Yes = False, json: options.Json = False) -> None:
    """Delete a pool with what was counted for it; its keys stay: pools delete images."""
    session = session_of(context)
    documents = session.app.kept.documents
    # by name alone: a pool that cannot be read can be deleted
    names = [each.name for each in documents.documents(POOL)]
    if name not in names:
        raise PoolNotFound(f"there is no pool {name!a}", why=did_you_mean(name, names))
    again = f"ringlet pools delete {name} --yes"
    using = _using(session, name)
    if using and not (yes or session.can_ask):
        raise PoolInUse(f"the pool {name} is used by the profiles {', '.join(using)}", hint=again)
    used = f", which the profiles {', '.join(using)} use" if using else ""
    session.confirm(f"delete the pool {name}{used}?", otherwise=again, yes=yes)
    session.app.lending.pools.delete(name)
    output.say(f"deleted {name}; its keys stay in the keychain")
    if json:
        output.document(deleted=name)


def _check(app: App, name: str, given: dict[str, Any]) -> None:
    """Everything that the pool itself cannot know."""
    options.check_words(app, name, *(given["bypass"] or []), *(given["where"] or []))
    options.check_tiers(app, given["where"])


def _using(session: Session, name: str) -> list[str]:
    """The profiles whose key comes from the pool; those that cannot be read are not known to."""
    profiles = session.app.profiles
    return [profile for profile in profiles.names() if _pool_of(session.app, profile) == name]


def _pool_of(app: App, profile: str) -> str:
    try:
        return app.profiles.load(profile).key_pool
    except RingletError:
        return ""


def _count(members: list[Entry]) -> str:
    return f"{len(members)} key{'s' * (len(members) != 1)}"


def _document(pool: Pool, members: list[Entry], app: App) -> dict[str, Any]:
    now = round(app.clock() * 1000)
    able = sum(usable(entry, now) is None for entry in members)
    return {**options.document(pool), "keys": len(members), "usable": able}


def _row(pool: dict[str, Any]) -> tuple[str, ...]:
    kinds = {"limits": "", "pool_limits": "pool ", "org_limits": "org ", "quota": "quota "}
    limits = ", ".join(f"{kind}{rate}" for field, kind in kinds.items() for rate in pool[field])
    cells = [pool["name"], pool["provider"], pool["policy"], pool["keys"], pool["usable"], limits or "-"]
    return tuple(output.printable(str(cell)) for cell in (*cells, options.in_words(pool["where"])))
