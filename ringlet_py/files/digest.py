"""SHA-256 without OpenSSL, whose import costs as much as starting the interpreter."""

from __future__ import annotations

import sys

# looking for a module that is not there costs more than loading one that is
try:
    if sys.version_info >= (3, 12):
        from _sha2 import sha256  # type: ignore[import-not-found, unused-ignore]
    else:
        from _sha256 import sha256  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    from hashlib import sha256


def digest_of(body: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return str(sha256(body).hexdigest())
