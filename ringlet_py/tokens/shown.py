"""A token as programs see it: plain data, without anything that would help to find its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringlet_py.entry import utc
from ringlet_py.tokens.terms import has_expired

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringlet_py.ledger.tokens import Token


def as_data(token: Token, tokens: Iterable[Token] = (), *, now: float) -> dict[str, Any]:
    """The token, with the name of the one it was made under where that is among `tokens`; `now` is in seconds."""
    names = {one.id: one.name for one in tokens}
    return {
        "id": token.id,
        "name": token.name,
        "scope": token.scope,
        "under": names.get(token.parent, token.parent) or None,
        "created_at": moment(token.created_at),
        "expires_at": moment(token.expires_at),
        "expired": has_expired(token, now),
        "max_uses": token.max_uses or None,
        "quota": token.quota or None,
    }


def moment(milliseconds: int) -> str | None:
    """The moment in ISO 8601, None for 0."""
    # half a millisecond more, since what comes after the milliseconds is cut off, and a float may lie just below
    return utc((milliseconds + 0.5) / 1000) if milliseconds else None
