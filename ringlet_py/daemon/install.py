"""What starts the daemon with a person's login: a systemd user unit, or a launchd agent."""

from __future__ import annotations

import html
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.errors import DaemonError
from ringlet_py.files.checks import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringlet_py.app import App

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


@dataclass(frozen=True)
class Unit:
    """One such file, and the commands that have it used."""

    path: str
    text: str
    commands: tuple[tuple[str, ...], ...]

    @property
    def enabling(self) -> str:
        """The commands as a shell takes them."""
        return " && ".join(" ".join(map(quoted, command)) for command in self.commands)

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
            try:
                subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
            except (OSError, subprocess.CalledProcessError):
                raise DaemonError(f"{command[0]} could not enable it", hint=self.enabling) from None


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
    control = ("systemctl", "--user")
    return Unit(path, text, ((*control, "daemon-reload"), (*control, "enable", "--now", os.path.basename(path))))


def _systemd_word(word: str) -> str:
    """As ExecStart takes it: %, $ and quotes have meanings there."""
    safe = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{safe}"' if set(safe) & set(" \t;'\"\\") else safe


def _launchd(path: str, command: Sequence[str]) -> Unit:
    words = "\n".join(f"    <string>{html.escape(word, quote=False)}</string>" for word in command)
    text = AGENT.format(label=LABEL, words=words)
    return Unit(path, text, (("launchctl", "bootstrap", f"gui/{os.getuid()}", path),))
