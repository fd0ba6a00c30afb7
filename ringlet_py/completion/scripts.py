"""The script that makes a shell ask ringlet what it may offer, one for each shell."""

from __future__ import annotations

import os

SHELLS = ("bash", "zsh", "fish", "powershell", "nu")


def script(shell: str) -> str | None:
    """The shell's script; None for a shell that ringlet does not know."""
    if shell not in SHELLS:
        return None
    with open(os.path.join(os.path.dirname(__file__), "shells", f"ringlet.{shell}"), encoding="utf-8") as file:
        return file.read()
