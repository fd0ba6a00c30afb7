"""Where ringlet's files live on this system."""

from __future__ import annotations

import os

from ringlet_py import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "ringlet"


class Folders:
    """The five places: config, state, cache, the profiles, and the home they hang from; and the settings' file."""

    __slots__ = ("cache", "config", "config_file", "home", "profiles", "state")

    def __init__(self, *, home: str, config: str, state: str, cache: str) -> None:
        self.home = home
        self.config = config
        self.config_file = os.path.join(config, "config.toml")
        self.state = state
        self.cache = cache
        self.profiles = os.path.join(home, ".ringlet", "profiles")

    @classmethod
    def of(cls, environ: Mapping[str, str], config_file: str = "") -> Folders:
        """The folders for this environment: XDG's on Linux and macOS, the platform's own on Windows.

        `config_file` is the path of the settings' file where it is not the one in the config folder.
        """
        found = _windows_folders(environ) if os.name == "nt" else _xdg_folders(environ)
        found.config_file = config_file or found.config_file
        return found


def runtime_folder(environ: Mapping[str, str], folders: Folders) -> str:
    """Where a running daemon has its socket and says what it is: $XDG_RUNTIME_DIR/ringlet, else in the state folder."""
    given = environ.get("XDG_RUNTIME_DIR", "")
    # of POSIX alone; in a container it is often set and not there
    if os.name != "nt" and given.startswith("/") and os.path.isdir(given):
        return os.path.join(given, NAME)
    return os.path.join(folders.state, "run")


def _xdg_folders(environ: Mapping[str, str]) -> Folders:
    home = environ.get("HOME") or _home_of_user()
    if not home.startswith("/"):
        raise errors.ConfigError("HOME is not an absolute path", hint="set HOME to your home folder")
    return Folders(
        home=home,
        config=_xdg(environ, "XDG_CONFIG_HOME", os.path.join(home, ".config")),
        state=_xdg(environ, "XDG_STATE_HOME", os.path.join(home, ".local/state")),
        cache=_xdg(environ, "XDG_CACHE_HOME", os.path.join(home, ".cache")),
    )


def _xdg(environ: Mapping[str, str], variable: str, default: str) -> str:
    """The XDG base directory specification: a relative path is invalid and ignored."""
    value = environ.get(variable, "")
    return os.path.join(value if value.startswith("/") else default, NAME)


def _home_of_user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # containers often run as a user that has no entry
        return ""


def _windows_folders(environ: Mapping[str, str]) -> Folders:
    """%APPDATA% for what roams with the person, %LOCALAPPDATA% for what stays on this machine."""
    import platformdirs

    home = environ.get("USERPROFILE") or os.path.expanduser("~")
    roaming = environ.get("APPDATA") or platformdirs.user_config_dir(roaming=True)
    local = environ.get("LOCALAPPDATA") or platformdirs.user_data_dir()
    return Folders(
        home=home,
        config=os.path.join(roaming, NAME),
        state=os.path.join(local, NAME, "state"),
        cache=os.path.join(local, NAME, "cache"),
    )
