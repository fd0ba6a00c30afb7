"""What the parser complains about, in our words and with the next command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ringlet_py.cli.everywhere import words_at
from ringlet_py.errors import UsageError

if TYPE_CHECKING:
    import typer

NO_KEYS = "a key is never given on the command line"
AFTER_DASHES = "an agent's own arguments stand after --"
WRITE_ONLY = "keys are write-only: they are lent to agents, and never shown"
_WITH_AGENT = ("ringlet run", "ringlet profiles run", "ringlet pools claim")
# the name that is nearest stands first
_NO_COMMAND = re.compile(r"no such command '(?P<given>.+)'\. Did you mean '(?P<meant>[a-z-]+)'.*")
_PLAIN = re.compile(r"[\w./=:,@%+-]{1,19}")  # needs no quotes; what is longer may be a key
_ALONE = ("run", "completion")  # commands that stand in no group


def told(problem: typer.TyperException, argv: tuple[str, ...]) -> UsageError:
    """The complaint as ours; a superfluous word is not repeated, since it may be a pasted key."""
    message = problem.format_message()
    command = getattr(getattr(problem, "ctx", None), "command_path", "") or _command(argv)
    hint = f"{command} --help"
    in_keychain = command.startswith("ringlet keychain")
    if "unexpected extra argument" in message:
        why = NO_KEYS if in_keychain else AFTER_DASHES if command in _WITH_AGENT else ""
        return UsageError("too many words on the command line", why=why, hint=hint)
    if in_keychain and message.startswith("Missing argument") and any("/" in word for word in argv):
        hint = f"write provider and alias as two words: {hint}"
    why = WRITE_ONLY if in_keychain and any(f"'{verb}'" in message for verb in ("get", "show", "export")) else ""
    what, meant = _without_options(message[:1].lower() + message[1:].rstrip("."))
    if not why and (near := _NO_COMMAND.fullmatch(what)):
        hint = _corrected(argv, near["given"], near["meant"]) or hint
        return UsageError(f"no such command '{near['given']}'", why=f"did you mean '{near['meant']}'?", hint=hint)
    return UsageError(what.partition(". Did you mean ")[0], why=why or meant, hint=hint)


def _without_options(message: str) -> tuple[str, str]:
    """The complaint without the options that are near, and these as everywhere else."""
    what, mark, names = message.partition(" (Possible options: ")
    return what, f"did you mean {names.rstrip(')').replace(', ', ' or ')}?" if mark else ""


def _corrected(argv: tuple[str, ...], given: str, meant: str) -> str:
    """The whole command line with the right name in it; "" where it holds what could be a key."""
    place = argv.index(given) if given in argv else -1
    if place < 0 or not all(_PLAIN.fullmatch(word) for word in argv):
        return ""
    return " ".join(["ringlet", *argv[:place], meant, *argv[place + 1 :]])


def _command(argv: tuple[str, ...]) -> str:
    """The command that was asked for, where the parser does not tell: it stopped at an option of it."""
    words = [argv[place] for place in words_at(argv)]
    return " ".join(["ringlet", *words[: 1 if words[:1] and words[0] in _ALONE else 2]])
