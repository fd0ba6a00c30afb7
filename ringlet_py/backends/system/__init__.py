"""The operating systems' own keychains, one module each."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ringlet_py.backends import Backend


def system_backend(environ: Mapping[str, str], *, timeout: float, can_ask: bool, say: Callable[[str], None]) -> Backend:
    """The keychain of this system; `timeout` in seconds for each wait, 0 for its own limits."""
    if sys.platform == "darwin":
        from ringlet_py.backends.system.macos import MacKeychain

        return MacKeychain(timeout=timeout)
    if sys.platform == "win32":
        from ringlet_py.backends.system.windows import CredentialManager

        return CredentialManager()
    from ringlet_py.backends.system.secret_service import SecretService, Timeouts

    limits = Timeouts(total=timeout, prompt=timeout) if timeout else Timeouts()
    return SecretService(environ=environ, timeouts=limits, can_ask=can_ask, say=say)
