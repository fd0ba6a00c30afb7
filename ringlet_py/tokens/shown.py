"""A token as programs see it: plain data, without anything that would help to find its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringlet_py.entry import utc
from ringlet_py.errors import LimitInvalid
from ringlet_py.limits import Rate
from ringlet_py.scope import Bearer
from ringlet_py.tokens.terms import has_expired
from ringlet_py.tokens.tree import name_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ringlet_py.ledger.claims import Claims
    from ringlet_py.ledger.tokens import Token

LIMITS = ("max_uses", "quota")


def as_data(
    those: Sequence[Token], tokens: Iterable[Token] = (), *, claims: Claims, now: float, top: str = ""
) -> list[dict[str, Any]]:
    """Those tokens, with the name of the one each was made under where that is among `tokens`; `now` is in seconds.

    Names are as the holder of `top` calls them.
    """
    names = {one.id: name_from(top, one.name) for one in tokens}
    left = claims.left([_bearer(token) for token in those])
    return [
        _shown(token, names, dict(_left(token, each)), now=now, top=top)
        for token, each in zip(those, left, strict=True)
    ]


def moment(milliseconds: int) -> str | None:
    """The moment in ISO 8601, None for 0."""
    # half a millisecond more, since what comes after the milliseconds is cut off, and a float may lie just below
    return utc((milliseconds + 0.5) / 1000) if milliseconds else None


def _shown(token: Token, names: dict[str, str], left: dict[str, int], *, now: float, top: str) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": name_from(top, token.name),
        "scope": token.scope,
        "under": names.get(token.parent, token.parent) or None,
        "created_at": moment(token.created_at),
        "expires_at": moment(token.expires_at),
        "expired": has_expired(token, now),
        "max_uses": token.max_uses or None,
        "uses_left": left.get("max_uses"),
        "quota": token.quota or None,
        "quota_left": left.get("quota"),
    }


def _rates(token: Token) -> list[tuple[str, Rate]]:
    """Its limits by their names, without those that cannot be read: who lists tokens is to see that one too."""
    found = []
    for name in LIMITS:
        try:
            found += [(name, Rate.parse(text))] if (text := getattr(token, name)) else []
        except LimitInvalid:
            continue
    return found


def _bearer(token: Token) -> Bearer:
    return Bearer(id=token.id, rates=tuple(rate for _, rate in _rates(token)))


def _left(token: Token, left: Iterable[int]) -> Iterable[tuple[str, int]]:
    return zip((name for name, _ in _rates(token)), left, strict=True)
