"""`ringlet pools claim`: a key that is free goes into a command's environment, and then there is the command alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py.audit.log import CLAIM
from ringlet_py.broker import Broker
from ringlet_py.cli import output
from ringlet_py.cli import pools_options as options
from ringlet_py.cli.session import CALLER_VARIABLE, app_of, session_of
from ringlet_py.cli.waiting import seconds
from ringlet_py.entry import DEFAULT_ALIAS, LONG_NAME, utc
from ringlet_py.errors import KeyUnusable, UsageError
from ringlet_py.files.checks import quoted
from ringlet_py.launcher import find_binary, give_back, launch, without_coercion
from ringlet_py.lease import Request
from ringlet_py.profile.values import host_of, is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.app import App
    from ringlet_py.cli.session import Session
    from ringlet_py.lease import Lease
    from ringlet_py.plan import LaunchPlan

CLAIM_HELP = (
    "Run a command with a key that is free: ringlet pools claim openai --wait 30s -- COMMAND... "
    "The key goes into the command's environment and is never shown."
)

Wait = Annotated[
    float, typer.Option("--wait", metavar="TIME", parser=seconds, help="How long to wait for a free key: 30s.")
]


class Held(Broker):
    """The gate for a launch whose key was claimed already."""

    def __init__(self, lease: Lease) -> None:
        self._lease_held = lease

    def claim(self, request: Request) -> Lease:  # noqa: ARG002 - whatever is asked for, it is this one
        """The lease that is there."""
        return self._lease_held

    def release(self, lease: Lease) -> None:
        """Nothing: who claimed it gives it back."""


class Variables:
    """Which variables take the key and its base URL, where it is not for the catalog to say."""

    def __init__(self, key: str, base_url: str) -> None:
        for name in filter(None, (key, base_url)):
            if not (name.isascii() and name.isidentifier()):
                shown = f"{name!a}" if len(name) < LONG_NAME else "what was given"  # a longer one may be a key
                raise UsageError(f"{shown} is not the name of a variable", hint="--env VARIABLE")
        if base_url and not key:
            raise UsageError("--base-url-env goes with --env", hint="--env VARIABLE --base-url-env VARIABLE")
        self.key = key
        self.base_url = base_url


SoonestReady = Annotated[
    bool, typer.Option("--soonest-ready", help="If no key is free, take the one that is free soonest.")
]
Env = Annotated[
    str, typer.Option("--env", metavar="VARIABLE", help="The variable for the key, instead of the catalog's.")
]
BaseUrlEnv = Annotated[
    str, typer.Option("--base-url-env", metavar="VARIABLE", help="With --env: the variable for its base URL.")
]
TokenFile = Annotated[
    str, typer.Option("--token-file", metavar="FILE", help="In the name of this token; else of RINGLET_TOKEN.")
]

Json = Annotated[bool, typer.Option("--json", help="Show an error as one JSON object.")]


def claim(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    provider: Annotated[str, typer.Argument(help="Who sells the API; may be left out with --pool.")] = "",
    pool: Annotated[str, typer.Option("--pool", help="From this pool, after the user's and channel's keys.")] = "",
    feature: options.Feature = "",
    user: Annotated[str, typer.Option("--user", help="On behalf of this user: its own keys come first.")] = "",
    channel: Annotated[str, typer.Option("--channel", help="In this channel: its keys come next.")] = "",
    caller: Annotated[str, typer.Option("--caller", help="Whom quotas count; else the user.")] = "",
    session: Annotated[str, typer.Option("--session", help="For the policy sticky: the same one, the same key.")] = "",
    wait: Wait = 0.0,
    soonest_ready: SoonestReady = False,
    env: Env = "",
    base_url_env: BaseUrlEnv = "",
    purpose: Annotated[str, typer.Option("--purpose", help="Why, for the audit record.")] = "",
    token_file: TokenFile = "",
    json: Json = False,  # noqa: ARG001 - whoever shows an error looks for it on the command line
) -> None:
    """Run a command with a key that is free."""
    wishes: dict[str, Any] = {
        "pool": pool, "feature": feature, "user": user, "channel": channel, "caller": caller,
        "session": session, "wait": wait, "soonest_ready": soonest_ready,
    }  # fmt: skip
    app, tail = app_of(context), session_of(context).tail
    variables = Variables(env, base_url_env)
    wanted = _provider(app, provider, pool, tail)
    if not variables.key and wanted not in app.catalog.providers:
        raise UsageError(
            f"the catalog does not know which variable takes a key of {wanted}",
            hint=f"ringlet pools claim {wanted} --env VARIABLE -- COMMAND",
        )
    plan, _ = _plan(app, f"{wanted}/{DEFAULT_ALIAS}", tail, variables)
    # what is missing is said before a use is counted
    find_binary(plan.command[0], app.environ, plan.install)
    asking = _asking(session_of(context), token_file)
    lease = app.broker.claim(asking(provider=wanted, agent=plan.agent, purpose=purpose, **wishes))
    if lease.ready_at:
        output.say(f"note: {lease.address} is not free before {utc(lease.ready_at)}, and was lent all the same")
    raise typer.Exit(_become(app, lease, tail, variables=variables))


def _check_command(app: App, tail: tuple[str, ...], provider: str, pool: str) -> None:
    """A command without the `--` before it is taken for a provider."""
    if tail:
        return
    is_known = provider in app.catalog.providers
    hint = f"ringlet pools claim {provider if is_known else 'PROVIDER'} -- COMMAND [ARGS]"
    if pool:
        command = quoted(provider) if provider and not is_known else "COMMAND [ARGS]"
        hint = f"ringlet pools claim --pool {quoted(pool)} -- {command}"
    raise UsageError("there is no command", hint=hint)


def _asking(session: Session, token_file: str) -> Callable[..., Request]:
    """What makes the request: in the name of the token that was given, or of the owner where none was.

    A variable that is empty is a token too, and refused: whoever set it meant not to claim as the owner.
    """
    if not token_file and CALLER_VARIABLE not in session.environ:
        return Request
    from ringlet_py.cli.tokens import caller_of

    return caller_of(session, token_file, action=CLAIM).request


def _become(app: App, lease: Lease, tail: tuple[str, ...], *, variables: Variables) -> int:
    """Becomes the command; a key that it cannot be given is given back."""
    try:
        plan, args = _plan(app, str(lease.address), tail, variables, base_url=lease.base_url)
        environ = without_coercion(app.environ)
        return launch(plan, broker=Held(lease), audit=app.audit, environ=environ, args=args)
    except BaseException:
        give_back([lease], app.broker)
        raise


def _plan(
    app: App, address: str, tail: tuple[str, ...], variables: Variables, base_url: str = ""
) -> tuple[LaunchPlan, tuple[str, ...]]:
    from ringlet_py import one_off

    if not variables.key:
        plan, args = one_off.plan([address], tail, catalog=app.catalog, base_url=base_url)
        if not plan.keys:
            raise UsageError(f"{plan.provider} needs no key", hint=f"run it without: {tail[0]}")
        return plan, args
    plan, args = one_off.plan([f"{variables.key}={address}"], tail, catalog=app.catalog)
    if base_url:
        plan.env[_variable_of(app, address, variables)] = plan.base_url = base_url
        plan.loopback = is_loopback(host_of(base_url))
    return plan, args


def _variable_of(app: App, address: str, variables: Variables) -> str:
    """What takes the base URL; without it the command would send the key to another host."""
    described = app.catalog.providers.get(address.partition("/")[0])
    found = variables.base_url or (described.base_url_env if described else "")
    if found:
        return found
    raise KeyUnusable(
        f"{address} has a base URL of its own, and no variable would tell it to the command",
        why="the key could go elsewhere",
        hint=f"say which: --env {variables.key} --base-url-env VARIABLE",
    )


def _provider(app: App, provider: str, pool: str, tail: tuple[str, ...]) -> str:
    """Whose key is wanted; the pool knows it too."""
    _check_command(app, tail, provider, pool)
    entries = app.kept.entries.entries()
    if provider or not pool:
        if not provider:
            raise UsageError("no provider and no pool was named", hint="ringlet pools claim PROVIDER -- COMMAND")
        return options.check_provider(app, provider, entries)
    return app.lending.pools.get(pool).provider
