"""Turns a plan and its leases into an env block, and becomes the agent."""

from __future__ import annotations

import os

from ringlet_py import errors
from ringlet_py.files.private import make_private_folder, read_private, write_private
from ringlet_py.lease import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.audit import Recorder
    from ringlet_py.broker import Broker
    from ringlet_py.lease import Lease
    from ringlet_py.plan import LaunchPlan

WINDOWS = os.name == "nt"
# what a program needs to find its way about, and nothing that speaks of keys
_ESSENTIAL = (
    "PATH HOME TERM COLORTERM LANG LANGUAGE TZ USER LOGNAME SHELL TMPDIR PWD DISPLAY WAYLAND_DISPLAY "
    "XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME XDG_RUNTIME_DIR XDG_DATA_DIRS "
    "XDG_CONFIG_DIRS SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT TEMP TMP USERPROFILE USERNAME APPDATA "
    "LOCALAPPDATA PROGRAMDATA PROGRAMFILES PROGRAMFILES(X86) HOMEDRIVE HOMEPATH NUMBER_OF_PROCESSORS OS"
)
ESSENTIAL = frozenset(_ESSENTIAL.split())
_PROXIES = frozenset(("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"))
_LOOPBACK = "127.0.0.1,localhost,::1"


def launch(
    plan: LaunchPlan,
    *,
    broker: Broker,
    audit: Recorder,
    environ: Mapping[str, str],
    args: tuple[str, ...] = (),
    purpose: str = "",
) -> int:
    """Takes the plan's keys through the gate and becomes the agent (POSIX), or supervises it (Windows).

    Returns only on Windows, with the agent's exit status.  Raises AgentNotFound, AgentNotExecutable,
    LaunchError, and whatever the gate raises; the agent is found before any key is asked for.
    """
    binary = find_binary(plan.command[0], environ, plan.install)
    prepare(plan)
    leases: list[Lease] = []
    try:
        plan = _claim_all(plan, broker, purpose, leases)
        if not leases:
            audit.append("run", "ok", profile=plan.profile, agent=plan.agent, purpose=purpose)
        argv = [*plan.command, *plan.args, *args]
        secrets = {str(lease.address): lease.secret.reveal() for lease in leases}
        return become(binary, argv, env_block(plan, environ, secrets))
    except BaseException as problem:
        give_back(leases, broker)
        if isinstance(problem, errors.LaunchError):
            audit.append("run", problem.code, profile=plan.profile, agent=plan.agent, purpose=purpose)
        raise


def _claim_all(plan: LaunchPlan, broker: Broker, purpose: str, leases: list[Lease]) -> LaunchPlan:
    """Claims the plan's keys, one after the other, into `leases`; returns the plan with the key that its pool gave."""
    if plan.pool:
        leases.append(_from_pool(plan, broker, purpose))
        plan = plan.with_key(leases[0].address)
    for address in plan.addresses():
        if any(address == lease.address for lease in leases):
            continue
        limited = str(address) in plan.limited
        request = Request(address, profile=plan.profile, agent=plan.agent, purpose=purpose, limited=limited)
        leases.append(broker.claim(request))
    return plan


def give_back(leases: list[Lease], broker: Broker) -> None:
    """Gives back what was counted for an agent that did not start; what stopped it matters more than trouble here."""
    for lease in leases:
        if lease.id:
            try:
                broker.release(lease)
            except errors.RingletError:
                continue


def _from_pool(plan: LaunchPlan, broker: Broker, purpose: str) -> Lease:
    """A key of the plan's pool; it goes to no other address than the one it is meant for."""
    request = Request(provider=plan.provider, pool=plan.pool, profile=plan.profile, agent=plan.agent, purpose=purpose)
    lease = broker.claim(request)
    if lease.base_url in ("", plan.base_url):
        return lease
    broker.release(lease)
    raise errors.KeyUnusable(
        f"{lease.address} of the pool {plan.pool} is for {lease.base_url} alone",
        why=f"the profile {plan.profile} would send it to {plan.base_url or 'the address that its agent knows'}",
        hint=f"ringlet profiles edit {plan.profile} --base-url {lease.base_url}",
    )


def env_block(plan: LaunchPlan, environ: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """The variables the agent gets: what it may inherit, what the plan sets, and the keys."""
    env = inherited(plan, environ)
    env.update(plan.env)
    if plan.loopback and not _PROXIES.isdisjoint(env):
        # a proxy would be handed the key in clear on its way to this very machine
        env["NO_PROXY"] = env["no_proxy"] = ",".join(
            filter(None, (env.get("NO_PROXY") or env.get("no_proxy"), _LOOPBACK))
        )
    env.update((name, secrets[str(address)]) for name, address in plan.keys.items())
    return env


def inherited(plan: LaunchPlan, environ: Mapping[str, str]) -> dict[str, str]:
    """The part of the caller's environment that the agent may see."""
    dropped = {_folded(name) for name in plan.drop} if WINDOWS else plan.drop
    kept = {name: value for name, value in environ.items() if _folded(name) not in dropped}
    if plan.inherit == "clean":
        return {name: value for name, value in kept.items() if _is_essential(_folded(name))}
    return kept


def find_binary(name: str, environ: Mapping[str, str], install: str = "") -> str:
    """The absolute path of the program; relative entries of PATH are skipped.

    Raises AgentNotFound, or AgentNotExecutable if only a file without that permission was found.
    """
    found = [path for path in _candidates(name, environ) if os.path.isfile(path)]
    for path in found:
        if os.access(path, os.X_OK):
            return path
    if found:
        raise errors.AgentNotExecutable(f"{found[0]} is not executable", hint=f"chmod +x {found[0]}")
    raise errors.AgentNotFound(
        f"{name} is not on PATH" if os.sep not in name else f"there is no program {name}",
        hint=f"install it: {install}" if install else errors.AgentNotFound.hint,
    )


def prepare(plan: LaunchPlan) -> None:
    """Makes the profile's own folders and the files that the agent reads there; they hold no key."""
    for folder in plan.folders:
        make_private_folder(folder)
    for path, text in plan.files.items():
        if _content(path) != text.encode():
            write_private(path, text.encode())


def become(binary: str, argv: list[str], env: dict[str, str]) -> int:
    """Replaces this process by the program; on Windows runs it and returns its exit status."""
    if WINDOWS:
        from ringlet_py.supervise import supervise

        return supervise(binary, argv, env)
    _restore_what_python_changed()
    _forbid_core_dumps()
    try:
        os.execve(binary, argv, env)  # noqa: S606 - without a shell is the point
    except OSError as problem:
        raise _not_started(binary, problem) from None
    except ValueError:  # which may hold the whole env block
        raise errors.LaunchError(
            f"{binary} cannot be started: a variable or argument has no form in this locale"
        ) from None


def without_coercion(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment as the caller made it: in the C locale Python adds an LC_CTYPE of its own (PEP 538)."""
    env = dict(environ)
    if env.get("LC_CTYPE") in ("C.UTF-8", "C.utf8", "UTF-8") and not _began_with(b"LC_CTYPE=", env):
        del env["LC_CTYPE"]
    return env


def _began_with(assignment: bytes, env: Mapping[str, str]) -> bool:
    """Whether the process was started with the variable; where that cannot be known, the locale's name decides."""
    try:
        with open("/proc/self/environ", "rb") as file:
            return any(part.startswith(assignment) for part in file.read().split(b"\0"))
    except OSError:
        return env.get("LANG", "") not in ("", "C", "POSIX")


def _candidates(name: str, environ: Mapping[str, str]) -> list[str]:
    if os.path.dirname(name):
        return [name] if os.path.isabs(name) else []
    folders = [folder for folder in environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(folder)]
    endings = environ.get("PATHEXT", ".COM;.EXE;.BAT;.CMD").split(";") if WINDOWS else [""]
    return [os.path.join(folder, name + ending) for folder in folders for ending in endings]


def _content(path: str) -> bytes | None:
    try:
        return read_private(path)
    except FileNotFoundError:
        return None


def _restore_what_python_changed() -> None:
    """Python ignores two signals at its start, and an ignored signal stays ignored over exec."""
    import _signal  # type: ignore[import-not-found]  # `signal` without the enums that make its import slow

    for name in ("SIGPIPE", "SIGXFSZ"):
        if hasattr(_signal, name):
            _signal.signal(getattr(_signal, name), _signal.SIG_DFL)


def _forbid_core_dumps() -> None:
    """A core file would hold the env block."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _not_started(binary: str, problem: OSError) -> errors.LaunchError:
    import errno

    if problem.errno == errno.ENOENT:
        return errors.AgentNotExecutable(f"{binary} cannot be started: the interpreter in its first line is not there")
    if problem.errno == errno.E2BIG:
        return errors.LaunchError(f"{binary} cannot be started: arguments and environment are too long")
    return errors.AgentNotExecutable(f"{binary} cannot be started: {os.strerror(problem.errno or 0)}")


def _is_essential(name: str) -> bool:
    return name in ESSENTIAL or name.startswith("LC_")


def _folded(name: str) -> str:
    return name.upper() if WINDOWS else name
