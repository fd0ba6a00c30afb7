"""What a token looks like: a prefix that says its kind, and 256 random bits."""

from __future__ import annotations

import re
import secrets

from ringlet_py.files.digest import digest_of
from ringlet_py.secret import Secret

OF_CALLER = "rlt_"
OF_ADMIN = "rla_"
_BYTES = 32
_RANDOM = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of that many bytes, without padding


def new_token(prefix: str) -> str:
    """A token that nobody has seen."""
    return prefix + secrets.token_urlsafe(_BYTES)


def is_token(text: str, prefix: str) -> bool:
    """Whether it could be one of that kind."""
    return text.startswith(prefix) and _RANDOM.fullmatch(text, len(prefix)) is not None


def new_caller_token() -> tuple[Secret, str]:
    """A token for a caller, and its digest, which is all that is kept."""
    text = new_token(OF_CALLER)
    return Secret(text), digest_of(text.encode())
