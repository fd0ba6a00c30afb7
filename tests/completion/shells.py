"""Real shells at a terminal: a line is typed, TAB is pressed, and the shell says what became of the line."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.program import Home

PATIENCE = 60.0  # seconds; only a broken machine needs them
DUMPED = "[dumped]"  # the shell prints it when it has written its line to the file
# each is one way to set it up, and a key (Ctrl-T) that writes the line to ~/line and clears it
RC = {
    "bash": (
        ".bashrc",
        """
PS1='READY> '
bind 'set enable-bracketed-paste off' 2>/dev/null
eval "$(ringlet completion bash)"
bind -x '"\\C-t": printf "%s" "$READLINE_LINE" > ~/line; READLINE_LINE=; echo "[dumped]"'
""",
    ),
    "zsh": (
        ".zshrc",
        """
PS1='READY> '
autoload -Uz compinit && compinit -D -u
eval "$(ringlet completion zsh)"
dump() { print -rn -- "$BUFFER" > ~/line; BUFFER=; print '[dumped]' }
zle -N dump
bindkey '^T' dump
""",
    ),
    "zsh-file": (
        ".zshrc",
        """
PS1='READY> '
fpath=(~/.zfunc $fpath)
autoload -Uz compinit && compinit -D -u
dump() { print -rn -- "$BUFFER" > ~/line; BUFFER=; print '[dumped]' }
zle -N dump
bindkey '^T' dump
""",
    ),
    "fish": (
        ".config/fish/config.fish",
        """
function fish_prompt; echo 'READY> '; end
function fish_greeting; end
function dump; commandline > ~/line; commandline ""; echo '[dumped]'; end
bind \\ct dump
""",
    ),
}
# where the script is put, if it is not evaluated
FILES = {"zsh-file": ".zfunc/_ringlet", "fish": ".config/fish/completions/ringlet.fish"}
FLAGS = {"bash": ("--noprofile", "-i"), "zsh": ("-d", "-i"), "fish": ("-i",)}


def install_ringlet(home: Home) -> None:
    """Puts the program on the home's PATH, as an installation does."""
    home.program("ringlet", f"#!{sys.executable}\nfrom ringlet_py.__main__ import main\nmain()\n")


def need(shell: str) -> str:
    """The shell's path; skips the test without it, unless CI says that it must be there."""
    path = shutil.which(shell)
    if path is None and shell in os.environ.get("RINGLET_REQUIRE", "").split():
        pytest.fail(f"{shell} is not installed, and RINGLET_REQUIRE names it")
    if path is None:
        pytest.skip(f"{shell} is not installed")
    return path


class Shell:
    """An interactive shell in a home, with ringlet's completion set up in one of the ways of RC."""

    def __init__(self, way: str, home: Home) -> None:
        import pexpect

        name = way.partition("-")[0]
        program = need(name)
        self.home = home
        file, text = RC[way]
        _write(home.path / file, text)
        if way in FILES:
            _write(home.path / FILES[way], home.ringlet("completion", name).out)
        self.line = home.path / "line"
        self.child: Any = pexpect.spawn(
            program,
            list(FLAGS[name]),
            env=home.environ,
            cwd=str(home.path / "work"),
            timeout=PATIENCE,
            encoding="utf-8",
            dimensions=(40, 300),
            use_poll=True,  # select takes no file of a number above 1023
        )
        self.child.expect_exact("READY> ")

    def after_tab(self, typed: str) -> str:
        """What stands on the command line when TAB was pressed after the typed text."""
        self.line.unlink(missing_ok=True)
        self.child.send(typed + "\t\x14")
        self.child.expect_exact(DUMPED)
        return self.line.read_text().rstrip("\n")

    def close(self) -> None:
        """Ends the shell."""
        self.child.close(force=True)


def in_bash(home: Home, *words: str) -> list[str]:
    """What the function of bash offers for the last of these words, as bash itself takes a line apart."""
    line = " ".join(map(shlex.quote, words))
    code = f"""
eval "$(ringlet completion bash)"
COMP_WORDS=({line}) COMP_CWORD={len(words) - 1}
_ringlet
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    return _lines([need("bash"), "--noprofile", "--norc", "-c", code], home)


def in_fish(home: Home, line: str) -> dict[str, str]:
    """What fish offers for the line, each with its description."""
    code = f"ringlet completion fish | source; complete -C {shlex.quote(line)}"
    found = _lines([need("fish"), "--no-config", "-c", code], home)
    return {name: text for name, _, text in (each.partition("\t") for each in found)}


def in_nu(home: Home, *words: str) -> list[dict[str, str]] | None:
    """What Nushell's completer answers for these words; None where files are right."""
    (home.path / "ringlet.nu").write_text(home.ringlet("completion", "nu").out)
    spans = " ".join(json.dumps(word) for word in words)
    code = f"source ~/ringlet.nu; do $env.config.completions.external.completer [{spans}] | to json --raw"
    [line] = _lines([need("nu"), "--no-config-file", "-c", code], home)
    found: list[dict[str, str]] | None = json.loads(line)
    return found


def _lines(command: list[str], home: Home) -> list[str]:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=home.environ,
        cwd=home.path / "work",
        timeout=PATIENCE,
        check=True,
    )
    assert not done.stderr
    return [line for line in done.stdout.splitlines() if line]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(text)
