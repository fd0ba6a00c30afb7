"""Checks of agents: which are here, of which version, with what login, and which keys they once declined."""

from __future__ import annotations

import glob
import json
import os
import re
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ringlet_py.doctor.commands import is_older, versions_of
from ringlet_py.doctor.finding import Finding, fine, note, warning
from ringlet_py.errors import InvalidSecret, LaunchError
from ringlet_py.launcher import find_binary
from ringlet_py.profile.agent import located
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.app import App
    from ringlet_py.doctor.surroundings import Surroundings
    from ringlet_py.profile.agent import Agent

LARGEST = 16 * 1024 * 1024  # bytes of an agent's configuration file
# Claude Code keeps the last 20 characters of each key that a person declined (found in 2.1.330's bundle)
_DECLINED = ("customApiKeyResponses", "rejected")
_CLAUDE_FILES = ("~/.claude.json", "$CLAUDE_CONFIG_DIR/.claude.json")
_CLAUDE_VARIABLE = "ANTHROPIC_API_KEY"
_SHAPE = "anthropic"  # the wire shape whose key Claude Code asks its person about
_LEAST = 8  # characters; fewer would fit keys that nobody declined
_TO_ALLOW = "claude, then /config, then 'Use custom API key'; or take its ending out of {}"


def found(surroundings: Surroundings) -> list[Finding]:
    """The agents of the catalog on PATH, each with its version and its own login."""
    app = surroundings.app
    here = list(_installed(app))
    if not here:
        return [note("no agent of the catalog is on PATH", mend="ringlet catalog agents")]
    versions = versions_of([path for _, path in here], surroundings)
    findings: list[Finding] = []
    for (agent, path), version in zip(here, versions, strict=True):
        findings.append(_of_agent(agent, path, version))
        findings += [_of_login(agent, each) for each in _logins(agent, app)]
    return findings


def declined(surroundings: Surroundings) -> list[Finding]:
    """The keys that Claude Code ignores without a word, since its person once declined them; no key is shown."""
    app = surroundings.app
    endings = {path: tails for path in _claude_files(app) if (tails := _declined_in(path))}
    if not endings:
        return []
    surroundings.check_keys()
    return [
        warning(
            f"Claude Code silently ignores {name}: it was declined once",
            why=f"its ending is among {'.'.join(_DECLINED)} in {path}",
            mend=_TO_ALLOW.format(path),
        )
        for name, secret in _keys_for_claude(app)
        for path, tails in endings.items()
        if any(secret.matches(".*" + re.escape(tail)) for tail in tails)
    ]


def _installed(app: App) -> Iterator[tuple[Agent, str]]:
    for agent in app.catalog.agents.values():
        if agent.any:
            continue
        try:
            yield agent, find_binary(agent.binary, app.environ)
        except LaunchError:
            continue


def _of_agent(agent: Agent, path: str, version: str) -> Finding:
    if not version:
        return note(f"{agent.title} ({path}) does not say its version", mend=f"{path} --version")
    if is_older(version, agent.checked):
        what = f"{agent.title} {version} ({path}) is older than {agent.checked}"
        why = "with that version it was tried that no login and no project's settings take the key's place"
        return warning(what, why=why, mend=agent.install)
    return fine(f"{agent.title} {version} ({path})")


def _of_login(agent: Agent, path: str) -> Finding:
    tried = f"tried with {agent.checked}" if agent.checked else "as its documentation says"
    return note(
        f"{agent.title} has a login of its own ({path})",
        why=f"under a profile with a key the key counts ({tried}); started without ringlet, the login may",
    )


def _logins(agent: Agent, app: App) -> Iterator[str]:
    """The files that are its login; `FILE#NAME` is one only if its JSON holds something of that name."""
    for place in located(agent.login_files, home=app.folders.home, environ=app.environ):
        path, mark, name = place.rpartition("#")
        for each in glob.glob(path if mark else place):
            if not mark or _object_in(each).get(name):
                yield each


def _claude_files(app: App) -> Iterator[str]:
    """Claude Code's own configuration, and that of profiles which have one of their own."""
    for pattern in located(_CLAUDE_FILES, home=app.folders.home, environ=app.environ):
        yield from glob.glob(pattern)
    yield from sorted(glob.glob(os.path.join(glob.escape(app.folders.profiles), "*", "*", ".claude.json")))


def _declined_in(path: str) -> list[str]:
    outer = _object_in(path).get(_DECLINED[0])
    tails = outer.get(_DECLINED[1]) if isinstance(outer, dict) else None
    return [each for each in tails if isinstance(each, str) and len(each) >= _LEAST] if isinstance(tails, list) else []


def _keys_for_claude(app: App) -> Iterator[tuple[str, Secret]]:
    """The keys that Claude Code could be given as one to ask about; read only where something was declined."""
    if text := app.environ.get(_CLAUDE_VARIABLE, ""):
        with suppress(InvalidSecret):
            yield _CLAUDE_VARIABLE, Secret.from_input(os.fsencode(text))
    providers = app.catalog.providers
    for address in sorted(app.keychain.there()):
        provider = providers.get(address.provider)
        if provider and not address.field and _SHAPE in provider.all_shapes():
            yield str(address), app.backend.get(address)


def _object_in(path: str) -> dict[str, Any]:
    """The JSON object in the file, an empty one if there is none that can be read; never a device, never too much."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(fd, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
                return {}
            found = json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
