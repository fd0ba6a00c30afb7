"""Which files on this machine may hold keys: shells, services, agents and whatever else gives programs variables."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.profile.agent import located

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ringlet_py.profile.agent import Agent

BASH = (".bashrc", ".bash_profile", ".bash_login", ".bash_aliases", ".bash_logout")
ZSH = (".zshenv", ".zprofile", ".zshrc", ".zlogin", ".zlogout")
SH = (".profile", ".shrc", ".kshrc", ".mkshrc", ".xprofile", ".xsessionrc")
NUSHELL = ("env.nu", "config.nu", "login.nu", "autoload/*.nu", "vendor/autoload/*.nu")
POWERSHELL = ("profile.ps1", "*_profile.ps1")
DESKTOP = ("Claude/claude_desktop_config.json", "Code/User/mcp.json", "Code/User/settings.json")
MCP = (
    ".mcp.json",
    ".cursor/mcp.json",
    ".vscode/mcp.json",
    ".codeium/windsurf/mcp_config.json",
    ".continue/config.json",
    ".continue/config.yaml",
)


@dataclass(frozen=True)
class Place:
    """A file that may hold keys; `kind` is what reads it, `shell` which shell does.

    What it reads in turn has to lie below `within`, if that is a folder.
    """

    path: str
    kind: str
    shell: str = ""
    within: str = ""


@dataclass(frozen=True, kw_only=True)
class Places:
    """The files of one person's home; `etc` is the system's folder of settings."""

    home: str
    environ: Mapping[str, str]
    agents: Iterable[Agent]
    etc: str = "/etc"

    def all(self) -> Iterator[Place]:
        """Every place, there or not, in the order in which they count for a key's address; some twice."""
        yield from self._shells()
        yield from self._environment()
        yield from self._programs()

    @property
    def _config(self) -> str:
        given = self.environ.get("XDG_CONFIG_HOME", "")
        return given if os.path.isabs(given) else os.path.join(self.home, ".config")

    @property
    def _library(self) -> str:
        return os.path.join(self.home, "Library")

    def _shells(self) -> Iterator[Place]:
        zsh = self.environ.get("ZDOTDIR", "")
        folders = [self.home, *([zsh] if os.path.isabs(zsh) else [])]
        yield from self._found(folders[::-1], ZSH, "shell", "zsh")
        yield from self._found([self.home], BASH, "shell", "bash")
        yield from self._found([self.home], SH, "shell", "sh")
        yield from (Place(path, "shell", "sh") for name in ("ENV", "BASH_ENV") if (path := self._named_by(name)))
        fish = os.path.join(self._config, "fish")
        yield from self._found([fish], ("config.fish", "conf.d/*.fish", "fish_variables"), "shell", "fish")
        application = os.path.join(self._library, "Application Support")
        nushell = [os.path.join(base, "nushell") for base in (self._config, application, *self._appdata())]
        yield from self._found(nushell, NUSHELL, "shell", "nushell")
        yield from self._found(self._powershell(), POWERSHELL, "shell", "powershell")

    def _powershell(self) -> list[str]:
        documents = os.path.join(self.home, "Documents")
        windows = [os.path.join(documents, name) for name in ("PowerShell", "WindowsPowerShell")]
        return [os.path.join(self._config, "powershell"), *windows]

    def _environment(self) -> Iterator[Place]:
        yield from self._found([self._config], ("environment.d/*.conf",), "environment")
        yield from self._found([self.etc], ("environment", "environment.d/*.conf"), "environment")
        units = os.path.join(self._config, "systemd/user")
        yield from self._found([units], ("*.service", "*.d/*.conf"), "service")
        yield from self._found([self._library], ("LaunchAgents/*.plist",), "service")

    def _programs(self) -> Iterator[Place]:
        for agent in self.agents:
            for pattern in located(agent.key_files, home=self.home, environ=self.environ):
                # what is named is asked for itself: glob takes what is closed to us for what is not there
                named = [] if glob.has_magic(pattern) else [pattern]
                found = named or sorted(glob.glob(pattern, recursive=True))
                yield from (Place(path, _kind(path)) for path in found)
        bases = [self._config, os.path.join(self._library, "Application Support"), *self._appdata()]
        yield from self._found(bases, DESKTOP, "mcp")
        yield from self._found([self.home], MCP, "mcp")
        yield from self._found([self.home], (".netrc", "_netrc"), "netrc")
        yield from self._found([self.home], (".env", ".envrc"), "dotenv")

    def _appdata(self) -> list[str]:
        given = self.environ.get("APPDATA", "")
        return [given] if os.path.isabs(given) else []

    def _named_by(self, variable: str) -> str:
        given = self.environ.get(variable, "")
        return given if os.path.isabs(given) else ""

    def _found(self, folders: Iterable[str], names: Iterable[str], kind: str, shell: str = "") -> Iterator[Place]:
        for folder in folders:
            for name in names:
                pattern = os.path.join(glob.escape(folder), name)
                paths = sorted(glob.glob(pattern)) if "*" in name else [os.path.join(folder, name)]
                yield from (Place(path, kind, shell) for path in paths)


def _kind(path: str) -> str:
    """What an agent's file is: `.env` is the person's own, who keeps more in it than the agent's keys."""
    name = os.path.basename(path)
    return "dotenv" if name == ".env" or name.startswith(".env.") else "agent"
