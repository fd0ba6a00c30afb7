"""Checks of the present shell: variables that hand keys to every program, or send agents elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ringlet_py.doctor.finding import Finding, note, warning
from ringlet_py.doctor.mending import to_unset

if TYPE_CHECKING:
    from ringlet_py.catalog import Catalog
    from ringlet_py.doctor.surroundings import Surroundings
    from ringlet_py.doctor.system import System

_KEY = re.compile(r"(^|_)(KEYS?|TOKEN|SECRET|CREDENTIALS?|HEADERS)(_|$)")
_ADDRESS = re.compile(r"(^|_)(URL|HOST|ENDPOINT|BASE|SOCKET|PROXY)(_|$)")
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1|0\.0\.0\.0")
_FROM_KEYRING = "PYTHON_KEYRING_BACKEND"


def variables(surroundings: Surroundings) -> list[Finding]:
    """The variables of the catalog that are set here, never their values."""
    environ, catalog = surroundings.app.environ, surroundings.app.catalog
    looked_at = catalog.routing - _harmless(catalog)
    present = sorted(name for name in looked_at if environ.get(name))
    keys = [name for name in present if _carries_key(name, catalog)]
    moving = [name for name in present if name not in keys and _carries_address(name, catalog)]
    others = [name for name in present if name not in keys and name not in moving]
    found = [_of_key(name) for name in keys]
    found += [_of_address(name, environ[name], surroundings.system) for name in moving]
    if others:
        found.append(note(f"these variables steer agents: {', '.join(others)}", why="ringlet's agents do not get them"))
    return found + _of_keyring(environ.get(_FROM_KEYRING, ""))


def _harmless(catalog: Catalog) -> frozenset[str]:
    """By these an agent knows that it runs inside another one; they say nothing of keys."""
    return frozenset(name for agent in catalog.agents.values() for name in agent.nesting)


def _carries_key(name: str, catalog: Catalog) -> bool:
    return bool(_KEY.search(name)) or any(each.key_env == name for each in catalog.providers.values())


def _carries_address(name: str, catalog: Catalog) -> bool:
    return bool(_ADDRESS.search(name)) or any(each.base_url_env == name for each in catalog.providers.values())


def _of_key(name: str) -> Finding:
    return warning(
        f"{name} is set in this shell",
        why="every program started here gets it; `ringlet migrate scan` finds where it is set",
        mend="ringlet migrate scan",
    )


def _of_address(name: str, value: str, system: System) -> Finding:
    say = note if _is_here(value) else warning
    return say(
        f"{name} is set in this shell",
        why="agents started without ringlet go there, with whatever key they have",
        mend=to_unset(name, system),
    )


def _is_here(value: str) -> bool:
    """Whether the address is of this machine: somebody's own server."""
    try:
        host = urlsplit(value if "//" in value else f"//{value}").hostname
    except ValueError:
        return False
    return bool(_LOOPBACK.fullmatch(host or ""))


def _of_keyring(value: str) -> list[Finding]:
    """It puts another store in the keychain's place for programs on Python's keyring, of which ringlet is none."""
    return [note(f"{_FROM_KEYRING} is set: ringlet does not obey it", why="other programs do")] if value else []
