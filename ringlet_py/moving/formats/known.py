"""Which format a file has, by its name, the folder it is in, and the shell that reads it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ringlet_py.moving.formats.dotenv import Dotenv
from ringlet_py.moving.formats.environment_d import EnvironmentD, EtcEnvironment
from ringlet_py.moving.formats.fish import Fish
from ringlet_py.moving.formats.fish_variables import FishVariables
from ringlet_py.moving.formats.jsonc import Jsonc
from ringlet_py.moving.formats.netrc import Netrc
from ringlet_py.moving.formats.nushell import Nushell
from ringlet_py.moving.formats.plist import Plist
from ringlet_py.moving.formats.posix import Posix
from ringlet_py.moving.formats.powershell import PowerShell
from ringlet_py.moving.formats.systemd import Systemd
from ringlet_py.moving.formats.toml_text import TomlText
from ringlet_py.moving.formats.yaml_text import YamlText

if TYPE_CHECKING:
    from ringlet_py.moving.formats import Format

_POSIX = re.compile(
    r"\.(z(shenv|profile|shrc|login|logout)|bash(rc|_profile|_login|_aliases|_logout)|profile|shrc|kshrc|mkshrc"
    r"|xprofile|xsessionrc|envrc|crushrc)|crushrc|.+\.(sh|bash|zsh|ksh)"
)
_DOTENV = re.compile(r"\.env|\.env[.\-_].+|.+\.env|\.dev\.vars")
_UNIT = re.compile(r".+\.(service|socket|timer|mount|automount|swap|path|target|slice|scope)")
_POSIX_SHELLS = frozenset({"sh", "bash", "zsh", "ksh", "dash"})


def format_of(path: str, *, shell: str = "", hosts: frozenset[str] = frozenset()) -> Format | None:
    """How the file at this path is read; None if nothing tells.

    `shell` is the one that reads it, where a shell does; it decides where the name does not.  `hosts` are those of
    providers, whose entries in `.netrc` are keys.
    """
    folder, name = os.path.split(path)
    if name in {".netrc", "_netrc"}:
        return Netrc(hosts)
    return _by_name(name.lower()) or _by_folder(os.path.basename(folder), name) or _by_shell(shell)


def _by_name(name: str) -> Format | None:
    if name == "fish_variables":
        return FishVariables()
    if _POSIX.fullmatch(name):
        return Posix()
    if _DOTENV.fullmatch(name):
        return Dotenv()
    return Systemd() if _UNIT.fullmatch(name) else _by_ending(name)


def _by_ending(name: str) -> Format | None:
    kinds: dict[str, type[Format]] = {
        ".fish": Fish,
        ".nu": Nushell,
        ".ps1": PowerShell,
        ".plist": Plist,
        ".json": Jsonc,
        ".jsonc": Jsonc,
        ".toml": TomlText,
        ".yml": YamlText,
        ".yaml": YamlText,
    }
    kind = kinds.get(os.path.splitext(name)[1])
    return kind() if kind else None


def _by_folder(folder: str, name: str) -> Format | None:
    """`environment.d/*.conf`, drop-ins like `x.service.d/*.conf`, and `/etc/environment`."""
    if name == "environment":
        return EtcEnvironment()
    if not name.endswith(".conf"):
        return None
    if folder == "environment.d":
        return EnvironmentD()
    return Systemd() if _UNIT.fullmatch(folder.removesuffix(".d")) and folder.endswith(".d") else None


def _by_shell(shell: str) -> Format | None:
    if shell in _POSIX_SHELLS:
        return Posix()
    others: dict[str, type[Format]] = {"fish": Fish, "nushell": Nushell, "powershell": PowerShell}
    kind = others.get(shell)
    return kind() if kind else None
