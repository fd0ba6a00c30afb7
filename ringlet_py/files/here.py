"""Paths from the current folder, which can be deleted while somebody is in it."""

from __future__ import annotations

import os

from ringlet_py.errors import UsageError


def full_path(path: str, *, otherwise: str) -> str:
    """The path from the root on; UsageError, with what to type instead, if that takes a folder that is gone."""
    try:
        return os.path.abspath(path)
    except OSError:
        hint = f"cd, then this again; or: {otherwise}"
        raise UsageError("the current folder is not there any more", hint=hint) from None
