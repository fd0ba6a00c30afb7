"""How a value comes in: a hidden prompt, a variable, a file, or standard input; never an argument."""

from __future__ import annotations

import getpass
import os
import sys
from typing import TYPE_CHECKING

from ringlet_py.errors import InvalidSecret, UsageError
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from ringlet_py.cli.session import Session

MAX_INPUT = 1024 * 1024


def read_secret(session: Session, prompt: str, *, from_env: str, from_file: str, confirm: bool) -> Secret:
    """The secret from where the person said; raises UsageError, InvalidSecret."""
    if from_env and from_file:
        raise UsageError("--from-env and --from-file exclude each other", hint="give one of them")
    if from_env:
        return Secret.from_input(_from_environment(session, from_env))
    if from_file and from_file != "-":
        return Secret.from_input(_from_file(from_file))
    if from_file or not sys.stdin.isatty():
        return Secret.from_input(_limited(sys.stdin.buffer.read(MAX_INPUT + 1), "standard input"))
    if session.non_interactive:
        raise UsageError("there is no value", hint="pipe it in, or use --from-env VARIABLE or --from-file PATH")
    return _prompted(prompt, confirm=confirm)


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
    try:
        return Secret.from_input(getpass.getpass(prompt, stream=sys.stderr).encode("utf-8", "surrogateescape"))
    except EOFError:
        raise InvalidSecret("the value is empty", hint="paste the key at the prompt, or pipe it in") from None
