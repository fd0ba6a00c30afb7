"""The tokens of a ledger and of a config folder, put together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ringlet_py.tokens.admin import FILE, AdminToken
from ringlet_py.tokens.service import TokenService

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.audit import Recorder
    from ringlet_py.ledger.tokens import Tokens


def token_service(store: Tokens, *, folder: str, audit: Recorder, clock: Callable[[], float]) -> TokenService:
    """The service; `folder` is where the admin token's file is, the clock gives seconds since 1970."""
    admin = AdminToken(os.path.join(folder, FILE), audit=audit, clock=clock)
    return TokenService(store, admin=admin, audit=audit, clock=clock)
