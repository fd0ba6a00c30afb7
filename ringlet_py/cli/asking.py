"""Questions on a terminal, on standard error alone: yes or no, a text that has to be right, one of several things."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

import typer

from ringlet_py.cli import output
from ringlet_py.errors import RingletError, UsageError
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


def ask(question: str, check: Callable[[str], T], *, default: str = "") -> T:
    """What the check makes of the answer; its errors are said, and the question is asked again.

    Raises typer.Abort where the person ends it (Ctrl-C, Ctrl-D).
    """
    while True:
        text = _answer(question, default)
        try:
            return check(text)
        except RingletError as problem:
            output.error(problem, argv=(text,), as_json=False)


def agrees(question: str, *, default: bool = False) -> bool:
    """Whether the person says yes; raises typer.Abort where they end it."""
    while True:
        text = _line(f"{question} [{'Y/n' if default else 'y/N'}]: ").lower()
        if text in ("", "y", "yes", "n", "no"):
            return default if not text else text[0] == "y"
        output.say("y or n?")


def choose(question: str, names: Sequence[str], *, default: str = "", shown: Sequence[str] = ()) -> str:
    """One of the names, given by its number or as itself; `shown` is what stands in the list in their place."""
    for number, text in enumerate(shown or names, 1):
        output.say(output.printable(f"  {number}  {text}"))
    return ask(question, lambda text: _one_of(text, names), default=default)


def _one_of(text: str, names: Sequence[str]) -> str:
    if text in names:
        return text
    if text.isdecimal() and 1 <= int(text) <= len(names):
        return names[int(text) - 1]
    why = f"it is a number from 1 to {len(names)}" if text.isdecimal() else did_you_mean(text, names)
    raise UsageError(f"{text!a} is none of them", why=why, hint="give its number, or its name")


def _answer(question: str, default: str) -> str:
    shown = f"{question} [{default}]: " if default else f"{question}: "
    while True:
        text = _line(shown) or default
        if text:
            return text


def _line(shown: str) -> str:
    """One line that the person types; Typer's own prompts write a blank on standard output, where data belongs."""
    typer.echo(shown, nl=False, err=True)
    try:
        text = sys.stdin.readline()
    except KeyboardInterrupt:
        text = ""
    if not text:
        output.say("")  # what comes next begins a line of its own
        raise typer.Abort
    return text.strip()
