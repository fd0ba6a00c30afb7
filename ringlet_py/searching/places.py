"""Where keys are usually left on a machine: agents' files, histories of shells, files that set variables."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING

from ringlet_py.profile.agent import located

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ringlet_py.catalog import Catalog

_HISTORIES = (
    "~/.*_history",
    "~/.histfile",
    "~/.zsh_history*",
    "~/.zsh_sessions",
    "~/.bash_sessions",
    "~/.local/share/fish/*_history",
    "~/.local/share/powershell/PSReadLine",
    "~/.config/nushell/history.*",
    "~/.local/state/bash",
    "~/.local/state/zsh",
    "$APPDATA/Microsoft/Windows/PowerShell/PSReadLine",
    "$APPDATA/nushell/history.*",
    "$XDG_DATA_HOME/fish/*_history",
)
_SETTING = (
    "~/*",
    "~/.*",
    "~/.config/*",
    "~/.config/fish/**",
    "~/.config/nushell/**",
    "~/.config/powershell/**",
    "~/.config/environment.d/**",
    "~/.config/systemd/user/**",
    "~/.config/git/*",
    "~/.config/gh/*",
    "~/.config/io.datasette.llm/*",
    "~/.aws/*",
    "~/.docker/config.json",
    "~/.ssh/environment",
    "~/.local/share/fish/**",
    "~/Library/LaunchAgents/*",
    "~/Documents/PowerShell/*",
)
_SYSTEM = ("/etc/environment", "/etc/profile", "/etc/profile.d/*", "/etc/environment.d/*")


def of_agents(catalog: Catalog, *, home: str, environ: Mapping[str, str]) -> list[str]:
    """The agents' configuration, transcripts and tools' results: files and folders that are there."""
    agents = catalog.agents.values()
    places = [place for agent in agents for place in (*agent.key_files, *agent.transcripts)]
    return _there(located(places, home=home, environ=environ))


def of_histories(*, home: str, environ: Mapping[str, str]) -> list[str]:
    """The histories of shells and other interpreters."""
    named = environ.get("HISTFILE", "")
    return _there([*located(_HISTORIES, home=home, environ=environ), *([glob.escape(named)] if named else [])])


def of_settings(*, home: str, environ: Mapping[str, str]) -> list[str]:
    """What sets variables and keeps logins: the files of the home folder itself, and known ones below it."""
    found = _there([*located(_SETTING, home=home, environ=environ), *_SYSTEM])
    return [path for path in found if os.path.isfile(path) or (_is_closed(path) and not os.path.isdir(path))]


def _there(patterns: Iterable[str]) -> list[str]:
    """What there is, and what is closed to us: to search it is the problem that it should be."""
    found = (path for pattern in patterns for path in _matching(pattern) or _closed(pattern))
    return list(dict.fromkeys(found))


def _matching(pattern: str) -> list[str]:
    found = glob.glob(pattern, recursive=True, include_hidden=True)
    return sorted(path for path in found if not _leads_nowhere(path))


def _leads_nowhere(path: str) -> bool:
    """Whether it is a link to what is not there; one into a place that is closed to us may lead to anything."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _closed(pattern: str) -> list[str]:
    """The folder in which the pattern would match, if we may not look into it; glob takes it for an empty one."""
    place = pattern
    while glob.has_magic(place):
        place = os.path.dirname(place)
    return [place] if _is_closed(place) else []


def _is_closed(path: str) -> bool:
    """Whether it is there and we may not read it, or may not even see whether it is."""
    try:
        os.stat(path)
    except PermissionError:
        return True
    except OSError:
        return False
    return not os.access(path, os.R_OK)
