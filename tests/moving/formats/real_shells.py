"""Real shells that read a text: what they print, how they end, and which variables are exported afterwards."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.completion.shells import PATIENCE, need

if TYPE_CHECKING:
    from pathlib import Path

# the text in ./rc is read; then what there is stands in ./env and the names that are set in ./names
_POSIX = (
    ". ./rc; ended=$?; env -0 >env; "
    'for name in {names}; do eval "echo $name=\\${{$name+set}}"; done >names; exit $ended'
)
_FISH = (
    "source ./rc; set ended $status; env -0 >env; "
    "for name in {names}; set -q $name; and echo $name=set; or echo $name=; end >names; exit $ended"
)
READING = {
    "sh": ("dash", ["-c", _POSIX], ["-n"]),
    "bash": ("bash", ["--noprofile", "--norc", "-c", _POSIX], ["--norc", "-n"]),
    "zsh": ("zsh", ["-f", "-c", _POSIX], ["-f", "-n"]),
    "fish": ("fish", ["--no-config", "-c", _FISH], ["--no-config", "-n"]),
}
_OWN = {"_", "SHLVL", "PWD", "OLDPWD"}


@dataclass(frozen=True)
class Outcome:
    """What reading a text did."""

    printed: bytes
    status: int
    exported: dict[bytes, bytes]
    named: str


def reads(shell: str, text: bytes, folder: Path, names: tuple[str, ...]) -> Outcome:
    """What the shell makes of the text, in a process of its own and an empty home."""
    program, arguments, _ = READING[shell]
    (folder / "rc").write_bytes(text)
    for told in ("env", "names"):  # empty, where the text ends the shell
        (folder / told).write_bytes(b"")
    line = arguments[-1].format(names=" ".join(names) or "NOTHING")
    done = _ran([need(program), *arguments[:-1], line], folder)
    pairs = [pair.partition(b"=") for pair in (folder / "env").read_bytes().split(b"\0")]
    return Outcome(
        printed=done.stdout,
        status=done.returncode,
        exported={name: value for name, _, value in pairs if name.decode() not in _OWN},
        named=(folder / "names").read_text(),
    )


def accepts(shell: str, text: bytes, folder: Path) -> bool:
    """Whether the shell finds nothing wrong with the text's syntax."""
    program, _, arguments = READING[shell]
    (folder / "rc").write_bytes(text)
    return _ran([need(program), *arguments, "rc"], folder).returncode == 0


def _ran(command: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    environ = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        command, capture_output=True, cwd=folder, env=environ, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL
    )
