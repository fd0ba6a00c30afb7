"""The command line as programs have to know it: commands, what they take and do, and what exit statuses mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringlet_py.errors import RingletError, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

# of each of these a test sees that it leaves everything as it is, but for records of accesses
_LOOKING = {
    "": ("completion", "help", "where"),
    "audit": ("list", "verify"),
    "catalog": ("agents", "providers"),
    "config": ("explain", "get", "list", "path"),
    "daemon": ("status",),
    "keychain": ("list", "status"),
    "leases": ("list", "show"),
    "migrate": ("list", "scan"),
    "pools": ("explain", "list", "status"),
    "profiles": ("env", "inspect", "list"),
    "sealed": ("status",),
    "tiers": ("list",),
    "tokens": ("list",),
}
# and what has a --yes
_ASKING = frozenset(("keychain manage", "keychain set", "profiles edit"))
_RUNNING = frozenset(("pools claim", "profiles run", "run"))
STATUSES = {
    1: "something else failed, or a key that was checked does not work",
    2: "the command, a name or a value is not as it should be",
    3: "there is no such key, profile, pool, tier, policy, token, lease, agent or provider",
    4: "that needs a yes: `--replace`, `--force` or `--yes`",
    5: "the keychain is locked",
    6: "the keychain, or the person it asked, said no",
    7: "there is no keychain",
    8: "the keychain did not answer in time, or a provider that was to check a key",
    9: "the keychain or a file of ringlet's is broken",
    10: "a file or folder is open to others",
    11: "a configuration file is wrong, or asks for what cannot be",
    12: "the audit cannot be written, or is not as it was written",
    13: "the key has expired or is inactive",
    14: "no key of the pool is free now, or a caller has used its quota; the message says when one will be",
    15: "a token is refused, its scope does not reach that far, or a lease has ended",
    16: "the daemon is not running, or cannot run",
    17: "a search could not look at everything, and found nothing that matters more",
    125: "under `run`: whatever failed before the agent started",
    126: "the agent was found, but cannot be executed",
    127: "the agent was not found",
    130: "interrupted with Ctrl-C",
    141: "the reader of the output went away",
}


def manifest(whole: Any) -> dict[str, Any]:
    """All of it, for the whole command line."""
    return {
        "options": _options(whole),
        "commands": [_told(name, each) for name, each in commands(whole)],
        "exit_statuses": [{"status": 0, "about": "done", "codes": []}, *_statuses()],
    }


def commands(group: Any, above: str = "ringlet") -> Iterator[tuple[str, Any]]:
    """Each command that is not hidden, by its full name."""
    for name, each in group.commands.items():
        words = f"{above} {name}"
        if hasattr(each, "commands"):
            yield from commands(each, words)
        elif not each.hidden:
            yield words, each


def error_classes() -> list[type[RingletError]]:
    """Every error, in the order of the tree."""
    found = [each for each in vars(tree).values() if isinstance(each, type) and issubclass(each, RingletError)]
    return list(dict.fromkeys(found))


def _statuses() -> Iterator[dict[str, Any]]:
    codes: dict[int, list[str]] = {status: [] for status in STATUSES}
    for kind in error_classes():
        codes[kind.exit_status].append(kind.code)
    for status, about in STATUSES.items():
        yield {"status": status, "about": about, "codes": codes[status]}


def _told(name: str, command: Any) -> dict[str, Any]:
    """What a program has to know to type the command, and before it does."""
    words = name.removeprefix("ringlet ")
    group, _, last = words.rpartition(" ")
    given = [each for each in command.params if each.param_type_name == "argument"]
    options = _options(command)
    return {
        "command": name,
        "about": command.help or "",
        "arguments": [
            {"name": each.name, "required": each.required, "repeatable": each.nargs == -1, "about": each.help or ""}
            for each in given
        ],
        "options": options,
        "asks": words in _ASKING or any("--yes" in each["names"] for each in options),
        "changes": last not in _LOOKING.get(group, ()),
        "runs_a_program": words in _RUNNING,
    }


def _options(command: Any) -> list[dict[str, Any]]:
    return [
        {
            "names": [*each.opts, *each.secondary_opts],
            "takes_value": not each.is_flag,
            "repeatable": each.multiple,
            "about": each.help or "",
        }
        for each in command.params
        if each.param_type_name == "option" and not each.hidden
    ]
