"""The pages, and a throw-away home in which the commands of one are typed, as its reader would."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pexpect

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
AGENTS = ("claude", "codex", "gemini", "opencode", "aider", "stub-agent")
# an agent that says what it was started with: the names of its variables, never their values
STUB = """#!/bin/sh
echo "${0##*/}: started with $*"
env | grep -oE '^[A-Z0-9_]*(KEY|TOKEN|URL)=' | tr -d = | sort | sed 's/^/was given /'
"""


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its lines, where it begins, and why it is not run ("" if it is)."""

    page: str
    line: int
    language: str
    text: tuple[str, ...]
    not_run: str = ""

    def commands(self) -> list[tuple[str, list[str]]]:
        """Each command with the output that is shown for it; a `\\` at the end of a line goes on."""
        found: list[tuple[str, list[str]]] = []
        for line in self.text:
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif found and found[-1][0].endswith("\\"):
                found[-1] = (f"{found[-1][0]}\n{line}", [])
            elif found:
                found[-1][1].append(line)
        return found


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a page; a comment `<!-- not run: why -->` before one says that it cannot run here."""
    found: list[Block] = []
    page = path.relative_to(ROOT).as_posix()
    language, start, why = "", 0, ""
    text: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if start and line.startswith("```"):
            found.append(Block(page, start, language, tuple(text), why))
            start, why = 0, ""
        elif start:
            text.append(line)
        elif line.startswith("```"):
            language, start, text = line.removeprefix("```"), number, []
        elif line.strip():
            reason = re.fullmatch(r"<!-- not run: (.+) -->", line.strip())
            why = reason[1] if reason else ""
    return found


def given(path: Path) -> list[str]:
    """The keys that a page takes for granted: `<!-- given: provider/alias … -->`."""
    return re.findall(r"[\w./-]+", " ".join(re.findall(r"<!-- given: (.+) -->", path.read_text(encoding="utf-8"))))


def made_up(address: str) -> str:
    """A value that passes for a key of that provider; made of pieces, so that no scanner takes it for one."""
    varied = hashlib.sha256(address.encode()).hexdigest()
    pieces = {
        "anthropic": ("sk-ant", "api03", "0123456789abcdef" + varied + "AA"),
        "openai": ("sk", "proj", varied),
        "openrouter": ("sk", "or", "v1", varied),
        "gemini": ("AIza" + varied[:35],),
        "deepseek": ("sk", varied[:32]),
    }
    return "-".join(pieces.get(address.partition("/")[0], ("made", "up", varied)))


class Home:
    """Everything a reader has: a home folder, ringlet, a few agents, and a shell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        self._program(
            "ringlet",
            f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
            "from ringlet_py.__main__ import main\nmain()\n",
        )
        for agent in AGENTS:
            self._program(agent, STUB)
        config = folder / ".config/ringlet"
        config.mkdir(parents=True, mode=0o700)
        (config / "config.toml").write_text('[credentials]\nbackend = "file"\n')
        self.environ = {
            "NO_COLOR": "1",  # a page shows the words alone
            "HOME": str(folder),
            "PATH": f"{folder}/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "EDITOR": "true",
            **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
        }

    def keep(self, address: str) -> None:
        """Has the key in the keychain."""
        command = ["ringlet", "keychain", "set", *address.split("/")]
        subprocess.run(
            [str(self.folder / "bin/ringlet"), *command[1:]],
            input=made_up(address).encode(),
            env=self.environ,
            capture_output=True,
            check=True,
            timeout=60,
        )

    def type(self, command: str) -> str:
        """The screen, both streams of it, as the command left it."""
        asks = re.search(r"ringlet keychain set (\S+)(?: (\w\S*))?", command)
        if asks and "|" not in command and "--from" not in command:
            return self._at_terminal(command, made_up(f"{asks[1]}/{asks[2] or 'default'}"))
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            env=self.environ,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=60,
        )
        return done.stdout.decode()

    def _at_terminal(self, command: str, value: str) -> str:
        assert sys.platform != "win32"  # there pexpect has no terminal
        typed = f"/bin/sh -c {shlex.quote(command)}"
        child = pexpect.spawn(
            typed, env=self.environ, cwd=str(self.folder), timeout=60, encoding="utf-8", use_poll=True
        )
        screen = ""
        if child.expect([r"Key for \S+: ", pexpect.EOF]) == 0:
            screen = f"{child.before}{child.after}"
            child.sendline(value)
            child.expect(pexpect.EOF)
        screen += str(child.before)
        child.close()
        return screen.replace("\r\n", "\n")

    def _program(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)


def fits(shown: list[str], screen: str) -> bool:
    """Whether the screen is as shown: `…` stands for any text in a line, or alone for any lines; blanks are alike."""
    pattern = "".join(_pattern(_single_blanks(line)) for line in "\n".join(shown).rstrip().splitlines())
    seen = "".join(f"{_single_blanks(line)}\n" for line in screen.splitlines())
    return re.fullmatch(pattern, seen) is not None


def _pattern(line: str) -> str:
    if line == "…":
        return "(?:.*\n)*?"
    # at the end of a line it may stand for nothing, and then for no blank before it
    end = "(?: .*)?\n" if line.endswith(" …") else "\n"
    return ".*?".join(map(re.escape, line.removesuffix(" …").split("…"))) + end


def _single_blanks(line: str) -> str:
    return re.sub(r"[ \t]+", " ", line).strip()
