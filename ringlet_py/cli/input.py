"""How a value comes in: a hidden prompt, a variable, a file, or standard input; never an argument."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.errors import InvalidSecret, UsageError
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from ringlet_py.cli.session import Session

MAX_INPUT = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Input:
    """Where the person said that the values are: a variable, a file ("-": standard input), or neither."""

    from_env: str = ""
    from_file: str = ""
    confirm: bool = False


def read_secrets(session: Session, prompts: list[str], how: Input) -> list[Secret]:
    """A secret for each prompt, typed one after the other, or in one text with a line for each.

    Raises UsageError, InvalidSecret.
    """
    if how.from_env and how.from_file:
        raise UsageError("--from-env and --from-file exclude each other", hint="give one of them")
    if how.from_env:
        return _each(_from_environment(session, how.from_env), len(prompts))
    if how.from_file and how.from_file != "-":
        return _each(_from_file(how.from_file), len(prompts))
    if how.from_file or not sys.stdin.isatty():
        return _each(_limited(sys.stdin.buffer.read(MAX_INPUT + 1), "standard input"), len(prompts))
    if session.non_interactive:
        raise UsageError("there is no value", hint="pipe it in, or use --from-env VARIABLE or --from-file PATH")
    return [_prompted(prompt, confirm=how.confirm) for prompt in prompts]


def _each(raw: bytes, wanted: int) -> list[Secret]:
    """The values in a text; where one is wanted, the whole text is it, and a line break an error."""
    if wanted == 1:
        return [Secret.from_input(raw)]
    lines = raw.removesuffix(b"\n").split(b"\n")
    if len(lines) != wanted:
        raise UsageError(
            f"{wanted} values are wanted, and there are {len(lines) if raw else 0}",
            hint="one value a line: the key first, if it is wanted, then its bound secrets in the order of --secret",
        )
    return [Secret.from_input(line.removesuffix(b"\r")) for line in lines]


def _from_environment(session: Session, variable: str) -> bytes:
    value = session.environ.get(variable)
    if value is None:
        raise UsageError(
            f"the variable {variable} is not set", hint=f"export {variable} first, or leave --from-env out"
        )
    return os.fsencode(value)


def _from_file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return _limited(file.read(MAX_INPUT + 1), path)
    except OSError as problem:
        raise UsageError(f"{path} cannot be read: {problem.strerror}", hint=f"ls -l {path}") from None


def _limited(raw: bytes, source: str) -> bytes:
    if len(raw) > MAX_INPUT:
        raise InvalidSecret(f"{source} holds more than {MAX_INPUT} bytes: that is no key")
    return raw


def _prompted(prompt: str, *, confirm: bool) -> Secret:
    secret = _ask(f"{prompt}: ")
    if confirm and not secret.same_as(_ask(f"{prompt}, again: ")):
        raise InvalidSecret("the two values differ", hint="type or paste the key again")
    return secret


def _ask(prompt: str) -> Secret:
    import getpass

    try:
        return Secret.from_input(getpass.getpass(prompt, stream=sys.stderr).encode("utf-8", "surrogateescape"))
    except EOFError:
        raise InvalidSecret("the value is empty", hint="paste the key at the prompt, or pipe it in") from None
