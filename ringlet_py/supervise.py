"""Windows has no exec: the agent runs as a child that we wait for, with the same outcome."""

from __future__ import annotations

import signal
import subprocess

from ringlet_py.errors import AgentNotExecutable, LaunchError

# cmd.exe, which runs batch files, reads these out of arguments even when they are quoted
_CMD_SPECIAL = frozenset('"%!^&|<>()\r\n')


def supervise(binary: str, argv: list[str], env: dict[str, str]) -> int:
    """Runs the program and returns its exit status; Ctrl-C is left to the child, which shares the console.

    Raises LaunchError for arguments that a batch file would turn into commands, AgentNotExecutable.
    """
    if binary.lower().endswith((".cmd", ".bat")):
        _check_batch_arguments(binary, argv[1:])
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return subprocess.run([binary, *argv[1:]], env=env, check=False).returncode
    except OSError as problem:
        raise AgentNotExecutable(f"{binary} cannot be started: {problem.strerror}") from None
    finally:
        signal.signal(signal.SIGINT, before)


def _check_batch_arguments(binary: str, args: list[str]) -> None:
    for number, arg in enumerate(args, 1):
        special = sorted(_CMD_SPECIAL.intersection(arg))
        if special:
            raise LaunchError(
                f"argument {number} for {binary} holds {special[0]!a}",
                why="it is a batch file, and cmd.exe would read that as a command",
                hint="install the agent as a program (.exe), or give the text on its standard input",
            )
