"""Asks a person for a passphrase, at a terminal and with the echo off."""

from __future__ import annotations

import sys
import unicodedata
from typing import TYPE_CHECKING

from ringlet_py.errors import InvalidSecret, KeychainLocked
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

LEAST = 8  # characters


def asker(*, can_ask: bool) -> Callable[[str], Secret]:
    """What asks; it raises KeychainLocked where there is nobody to type, InvalidSecret for what is too short."""

    def ask(prompt: str) -> Secret:
        if not can_ask:
            raise _locked()
        typed = _typed(prompt)
        if typed.length < LEAST:
            raise InvalidSecret(f"a passphrase has at least {LEAST} characters", hint="type it again")
        return typed

    return ask


def _typed(prompt: str) -> Secret:
    import getpass
    import warnings

    with warnings.catch_warnings():
        # it would go on with the echo on
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            text = getpass.getpass(f"{prompt}: ", stream=sys.stderr)
        except (getpass.GetPassWarning, EOFError):
            raise _locked() from None
    # the same characters come from different keyboards in different forms
    return Secret(unicodedata.normalize("NFC", text))


def _locked() -> KeychainLocked:
    return KeychainLocked(
        "the passphrase of the sealed keys can only be typed at a terminal",
        hint="run it at a terminal, or first there: ringlet sealed rotate --to system",
    )
