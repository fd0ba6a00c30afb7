"""`ringlet profiles`: create, list, inspect, edit, rename, delete, run, env."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py.cli import output, running
from ringlet_py.cli import profiles_options as options
from ringlet_py.cli.profiles_granted import grant, not_granted, summary
from ringlet_py.cli.session import Session, app_of, session_of
from ringlet_py.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.plan import LaunchPlan
    from ringlet_py.profile.profile import Profile

Name = Annotated[str, typer.Argument(help="The profile.")]
NewName = Annotated[str, typer.Argument(help="The new name.")]
Json = Annotated[bool, typer.Option("--json", help="Show one JSON object.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def build() -> typer.Typer:
    """The command group."""
    group = typer.Typer(help="Profiles: which agent runs with which key.", no_args_is_help=True)
    group.command("create")(create)
    for name in ("list", "ls"):
        group.command(name, hidden=name != "list")(list_profiles)
    group.command("inspect")(inspect)
    group.command("edit")(edit)
    group.command("rename")(rename)
    for name in ("delete", "rm", "remove"):
        group.command(name, hidden=name != "delete")(delete)
    group.command("run")(running.run_profile)
    group.command("env")(show_env)
    return group


def create(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The new profile.")],
    agent: options.Agent = "",
    provider: options.Provider = "",
    key_alias: options.KeyAlias = "",
    key_pool: options.KeyPool = "",
    endpoint: options.Endpoint = "",
    base_url: options.BaseUrl = "",
    model: options.Model = "",
    shape: options.Shape = "",
    command: options.Command = None,
    arg: options.Arg = None,
    env: options.Env = None,
    inherit_env: options.InheritEnv = "",
    isolation: options.Isolation = "",
    lease: options.Lease = None,
    ready_made: options.ReadyMade = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace the profile that is there.")] = False,
    json: Json = False,
) -> None:
    """Create a profile."""
    from ringlet_py import drafting

    app = app_of(context)
    if not ready_made and not (agent and provider):
        raise UsageError(
            "a profile needs an agent and a provider",
            hint=f"ringlet profiles create {name} --agent claude --provider anthropic",
        )
    length = options.lease_length(lease)
    said = _said(agent, provider, key_alias, key_pool, endpoint, base_url, model, shape, inherit_env, isolation, length)
    text = drafting.changed(drafting.ready_made_text(ready_made), **said, command=command, args=arg, env=env)
    plan = _save(app, drafting.checked(app.profiles, name, text), text, replace=replace)
    output.say(f"created {name}; run it: ringlet run {name}")
    if plan.lease:
        grant(app, plan)
    if json:
        output.document(profile=name, path=app.profiles.path(name))


def edit(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    name: Name,
    agent: options.Agent = "",
    provider: options.Provider = "",
    key_alias: options.KeyAlias = "",
    key_pool: options.KeyPool = "",
    endpoint: options.Endpoint = "",
    base_url: options.BaseUrl = "",
    model: options.Model = "",
    shape: options.Shape = "",
    command: options.Command = None,
    arg: options.Arg = None,
    env: options.Env = None,
    inherit_env: options.InheritEnv = "",
    isolation: options.Isolation = "",
    lease: options.Lease = None,
    json: Json = False,
) -> None:
    """Change a profile: with options those values, without any in your editor ($VISUAL, $EDITOR)."""
    from ringlet_py import drafting

    session = session_of(context)
    before = session.app.profiles.text(name)
    length = options.lease_length(lease)
    said = _said(agent, provider, key_alias, key_pool, endpoint, base_url, model, shape, inherit_env, isolation, length)
    off = "lease" if lease is not None and not length else ""
    if any([*said.values(), command, arg, env, off]):
        text = drafting.changed(before, **said, command=command, args=arg, env=env, off=off)
        plan = _save(session.app, drafting.checked(session.app.profiles, name, text), text, before=before)
        output.say(f"changed {name}")
        if lease is not None:
            grant(session.app, plan)
    elif _edit_by_hand(session, name, before):
        output.say(f"changed {name}")
    else:
        output.say("nothing was changed")
    if json:
        output.document(profile=name, changed=session.app.profiles.text(name) != before)


def list_profiles(context: typer.Context, json: Json = False) -> None:
    """List the profiles."""
    app = app_of(context)
    found = [summary(app, name) for name in app.profiles.names()]
    if json:
        output.document(profiles=found)
        return
    output.table(
        ("PROFILE", "AGENT", "KEY", "PROBLEM"),
        [(one["name"], one["agent"] or "-", one["key"] or "-", output.printable(one["problem"])) for one in found],
    )


def inspect(context: typer.Context, name: Name, json: Json = False) -> None:
    """Show a profile and what it comes to; never a value."""
    from ringlet_py import drafting

    session = session_of(context)
    profile = session.app.profiles.load(name)
    plan = session.app.plan(profile)
    shown: dict[str, Any] = {
        "profile": name,
        "path": session.app.profiles.path(name),
        "agent": plan.agent,
        "provider": plan.provider,
        "base_url": plan.base_url,
        "shape": plan.shape,
        "model": profile.model,
        "isolation": profile.isolation,
        "inherit_env": plan.inherit,
        "lease": plan.lease,
        "command": [*plan.command, *plan.args],
        "keys": running.keys_of(plan),
        "env": drafting.redacted_env(plan, session.app.catalog.providers),
        "warnings": [*drafting.warnings(session.app, profile, plan), *not_granted(session.app, plan)],
    }
    if json:
        output.document(profile=shown)
        return
    output.lines(f"{field}: {text}" for field, value in shown.items() for text in running.texts(value))


def rename(context: typer.Context, name: Name, new: NewName, json: Json = False) -> None:
    """Give a profile another name."""
    app = app_of(context)
    app.profiles.rename(name, new, first=app.leasing.grants.end)
    output.say(f"renamed {name} to {new}")
    if app.profiles.summary(new)["lease"]:
        output.say(f"note: it has to be granted again: ringlet leases grant {new}")
    if json:
        output.document(before=name, after=new)


def delete(context: typer.Context, name: Name, yes: Yes = False, json: Json = False) -> None:
    """Delete a profile (its key stays in the keychain)."""
    session = session_of(context)
    session.app.profiles.text(name)
    more = session.app.profiles.more_than_document(name)
    if more:
        question = f"delete {name}, and with it the agent's own files in it ({', '.join(more)})?"
        session.confirm(question, otherwise=f"ringlet profiles delete {name} --yes", yes=yes)
    session.app.profiles.delete(name, first=session.app.leasing.grants.end)
    output.say(f"deleted {name}")
    if json:
        output.document(deleted=name)


def show_env(context: typer.Context, name: Name, json: Json = False) -> None:
    """Show the variables a profile gives to its agent; keys are redacted."""
    from ringlet_py import drafting

    session = session_of(context)
    plan = session.app.plan(session.app.profiles.load(name))
    env = drafting.redacted_env(plan, session.app.catalog.providers)
    if json:
        output.document(env=env)
    else:
        output.lines(f"{variable}={value}" for variable, value in env.items())


def _said(*values: str) -> dict[str, str]:
    keys = (
        "agent",
        "provider",
        "key-alias",
        "key-pool",
        "endpoint",
        "base-url",
        "model",
        "shape",
        "inherit-env",
        "isolation",
        "lease",
    )
    return {key.replace("-", "_"): value for key, value in zip(keys, values, strict=True)}


def _edit_by_hand(session: Session, name: str, before: str) -> bool:
    """Lets the person edit until the profile is right, or they give up; whether it was changed."""
    from ringlet_py.cli.editor import edit_text

    text = before
    while True:
        text = edit_text(session, text, folder=session.app.profiles.folder(name))
        if text == before:
            return False
        try:
            _save(session.app, session.app.profiles.check(name, text), text, before=before)
        except ConfigError as problem:
            output.error(problem, argv=(), as_json=False)
            session.confirm("edit again?", otherwise="", yes=False)
        else:
            return True


def _save(app: App, profile: Profile, text: str, *, replace: bool = True, before: str | None = None) -> LaunchPlan:
    """What it comes to; nothing is written that could not be run, since the pairing is checked first."""
    from ringlet_py import drafting

    drafting.refuse_keys(profile, app.catalog.providers)
    plan = app.plan(profile)
    app.profiles.save(profile.name, text, replace=replace, before=before)
    for warning in drafting.warnings(app, profile, plan):
        output.say(f"warning: {warning}")
    return plan
