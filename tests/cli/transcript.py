"""Reads and replays transcripts: what was typed, and what must come back.

    file PATH           makes a file of the `| text` lines that follow (0600, below the home)
    $ COMMAND           runs it: ringlet (`NAME=VALUE` before it, `printf … |` too), or else a line for sh
      text              standard output of the command above (indented by two blanks)
    ! text              its standard error
    = 3                 its exit status, where it is not 0
    # text              for the reader

In expected text `…` stands for anything within the line, and alone on a line for any lines.  `~` is the home.
`$KEY` is a made-up key; whatever ringlet is asked to do with it, no output may hold it.
"""

from __future__ import annotations

import re
import shlex
import string
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.end_to_end.program import KEY, PATIENCE, Home, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

ANYTHING = "…"
RUN_FAILED = 125
_ASSIGNMENT = re.compile(r"[A-Z_]+=.*", re.DOTALL)


@dataclass
class Step:
    """One command with what is expected of it."""

    line: int
    command: str
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    status: int = 0


def read(text: str) -> Iterator[Step]:
    """The steps of a transcript; ValueError for a line that is none of the above."""
    step = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("$ ", "file ")):
            if step:
                yield step
            step = Step(number, line.removeprefix("$ "))
        elif line and not line.startswith("#"):
            _add(step, line, number)
    if step:
        yield step


def _add(step: Step | None, line: str, number: int) -> None:
    mark, rest = line[:2].rstrip() or " ", line[2:]
    if step is None or mark not in (" ", "!", "|", "="):
        raise ValueError(f"line {number}: {line!r} belongs to nothing")
    if mark == "=":
        step.status = int(rest)
    else:
        {" ": step.out, "!": step.err, "|": step.text}[mark].append(rest)


def replay(step: Step, home: Home) -> list[str]:
    """Runs the step; what came otherwise than expected, in words."""
    if step.command.startswith("file "):
        _make_file(home, step.command.removeprefix("file "), step.text)
        return []
    outcome = _perform(step, home)
    shown = {"standard output": (step.out, outcome.out), "standard error": (step.err, outcome.err)}
    problems = [_difference(name, wanted, _tidied(got, home)) for name, (wanted, got) in shown.items()]
    if outcome.status != step.status:
        problems.append(f"exit status {outcome.status}, not {step.status}")
    if KEY in outcome.out + outcome.err:
        problems.append("the key is in the output")
    return [f"line {step.line}: $ {step.command}\n{problem}" for problem in problems if problem]


def fits(expected: list[str], text: str) -> bool:
    """Whether the text is what the expected lines say."""
    lines = ["(?:.*\n)*?" if line == ANYTHING else _pattern(line) + "\n" for line in expected]
    return re.fullmatch("".join(lines), text if text.endswith("\n") or not text else text + "\n") is not None


def _pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split(ANYTHING))


def _difference(name: str, wanted: list[str], got: str) -> str:
    if fits(wanted, got):
        return ""
    return f"{name} was\n{got}\nand not\n" + "\n".join(wanted)


def _tidied(text: str, home: Home) -> str:
    return text.replace(str(home.path), "~")


def _perform(step: Step, home: Home) -> Outcome:
    line = step.command
    left, _, right = line.rpartition(" | ")
    words = shlex.split(string.Template(right).safe_substitute(KEY=KEY, HOME=str(home.path)))
    environ = {}
    while words and _ASSIGNMENT.fullmatch(words[0]):
        name, _, environ[name] = words.pop(0).partition("=")
    if not words or words[0] != "ringlet":
        return _shell(line, home)
    stdin = _shell(left, home).out.encode() if left else b""
    if _starts_agent(words[1:]) and not _is_refused(words[1:], step):
        return home.ringlet(*words[1:], stdin=stdin, environ=environ)
    return home.here(*words[1:], stdin=stdin, environ=environ)


def _starts_agent(words: list[str]) -> bool:
    own = words[: words.index("--")] if "--" in words else words
    starts = "run" in own[:2] or own[:2] == ["pools", "claim"]
    return starts and not {"--dry-run", "--help"}.intersection(own)


def _is_refused(words: list[str], step: Step) -> bool:
    """Whether it is to fail before it starts the agent, as it does in this process too; a run has two ways there."""
    return words[:2] == ["pools", "claim"] and step.status == RUN_FAILED


def _shell(line: str, home: Home) -> Outcome:
    done = subprocess.run(
        ["sh", "-c", line],
        capture_output=True,
        text=True,
        env=home.environ | {"KEY": KEY},
        cwd=home.path / "work",
        timeout=PATIENCE,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def _make_file(home: Home, name: str, lines: list[str]) -> None:
    path = home.path / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    path.chmod(0o700 if path.parent.name == "bin" else 0o600)
