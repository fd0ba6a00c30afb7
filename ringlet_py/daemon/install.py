"""What starts the daemon with a person's login: a systemd user unit, or a launchd agent."""

from __future__ import annotations

import html
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.errors import DaemonError
from ringlet_py.files.checks import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringlet_py.app import App

    Words = tuple[str, ...]

LABEL = "ringlet.daemon"
UNIT = """\
[Unit]
Description=ringlet lends API keys to programs of this user

[Service]
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
UMask=0077
LimitCORE=0
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""
AGENT = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{label}</string>
  <key>ProgramArguments</key>
  <array>
{words}
  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>Umask</key>
  <integer>63</integer>
</dict>
</plist>
"""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One such file, and the commands that have it used, and used no more; `after` comes when the file is gone.

    It is in use while `link` is there, or if that is "" while the command `asking` goes well.
    """

    path: str
    text: str
    commands: tuple[Words, ...]
    disabling: Words
    after: tuple[Words, ...] = ()
    restarting: Words
    link: str = ""
    asking: Words = ()

    @property
    def enabling(self) -> str:
        """The commands as a shell takes them."""
        return _in_shell(*self.commands)

    @property
    def undoing(self) -> str:
        """Those that undo it."""
        return _in_shell(self.disabling, *self.after)

    def read(self) -> str | None:
        """What the file holds, None if there is none."""
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def write(self) -> None:
        """Writes the file, which holds nothing secret; an older one is replaced."""
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        temporary = f"{self.path}.{os.getpid()}"
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(self.text)
        os.replace(temporary, self.path)

    def enable(self) -> None:
        """Runs the commands; DaemonError if one fails."""
        for command in self.commands:
            if not _went_well(command):
                raise DaemonError(f"{command[0]} could not enable it", hint=self.enabling)

    def is_enabled(self) -> bool:
        """Whether a login starts the daemon by it."""
        return os.path.lexists(self.link) if self.link else _went_well(self.asking, quiet=True)

    def disable(self) -> None:
        """Ends the daemon that it started, and has no login start another one; DaemonError if that fails."""
        was_enabled = self.is_enabled()
        # where it was never enabled, there may be nothing that could be asked, and nothing that has to be
        if not _went_well(self.disabling, quiet=not was_enabled) and was_enabled:
            raise DaemonError(f"{self.disabling[0]} could not disable it", hint=_in_shell(self.disabling))

    def remove(self) -> None:
        """Takes the file away."""
        with suppress(FileNotFoundError):
            os.unlink(self.path)
        for command in self.after:
            _went_well(command, quiet=True)


def restarting(app: App, *, platform: str = sys.platform) -> str:
    """The command that restarts the daemon by what was installed, "" if nothing was."""
    try:
        unit = unit_of(app, [], platform=platform)
    except DaemonError:
        return ""
    return _in_shell(unit.restarting) if unit.is_enabled() else ""


def _in_shell(*commands: Words) -> str:
    return " && ".join(" ".join(map(quoted, command)) for command in commands)


def _went_well(command: Words, *, quiet: bool = False) -> bool:
    where = subprocess.DEVNULL if quiet else None
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=where, stderr=where)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def unit_of(app: App, words: Sequence[str], *, platform: str = sys.platform) -> Unit:
    """The file for this system, which starts the daemon with these words on its command line."""
    command = [sys.executable, "-P", "-m", "ringlet_py", "daemon", "start", "--foreground", *words]
    if platform.startswith("linux"):
        folder = app.environ.get("XDG_CONFIG_HOME", "") or os.path.join(app.folders.home, ".config")
        return _systemd(os.path.join(folder, "systemd/user/ringlet.service"), command)
    if platform == "darwin":
        return _launchd(os.path.join(app.folders.home, f"Library/LaunchAgents/{LABEL}.plist"), command)
    hint = f"have the system run at login: {' '.join(map(quoted, command))}"
    raise DaemonError("on this system ringlet cannot write what starts the daemon", hint=hint)


def _systemd(path: str, command: Sequence[str]) -> Unit:
    text = UNIT.format(command=" ".join(map(_systemd_word, command)))
    control, name = ("systemctl", "--user"), os.path.basename(path)
    return Unit(
        path=path,
        text=text,
        commands=((*control, "daemon-reload"), (*control, "enable", "--now", name)),
        disabling=(*control, "disable", "--now", name),
        after=((*control, "daemon-reload"),),
        restarting=(*control, "restart", name),
        link=os.path.join(os.path.dirname(path), "default.target.wants", name),
    )


def _systemd_word(word: str) -> str:
    """As ExecStart takes it: %, $ and quotes have meanings there."""
    safe = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{safe}"' if set(safe) & set(" \t;'\"\\") else safe


def _launchd(path: str, command: Sequence[str]) -> Unit:
    words = "\n".join(f"    <string>{html.escape(word, quote=False)}</string>" for word in command)
    text = AGENT.format(label=LABEL, words=words)
    domain = f"gui/{os.getuid()}"
    return Unit(
        path=path,
        text=text,
        commands=(("launchctl", "bootstrap", domain, path),),
        disabling=("launchctl", "bootout", f"{domain}/{LABEL}"),
        restarting=("launchctl", "kickstart", "-k", f"{domain}/{LABEL}"),
        asking=("launchctl", "print", f"{domain}/{LABEL}"),
    )
