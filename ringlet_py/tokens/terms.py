"""What a token allows and until when, as the ledger keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.errors import OutOfScope, RingletError, StoreCorrupt
from ringlet_py.limits import Rate
from ringlet_py.scope import Bearer, Scope
from ringlet_py.tokens.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ringlet_py.ledger.tokens import Token


def check_within(scope: Scope, others: Iterable[Scope]) -> None:
    """Raises OutOfScope if the scope may admit what one of the others does not."""
    for other in others:
        if name := scope.wider(other):
            allowed = " ".join(part for part in str(other).split() if part.startswith(f"{name}="))
            why = f"the token above it has {allowed}"
            raise OutOfScope(f"the scope is wider than allowed in its {name}", why=why, hint="make it narrower")


def has_expired(token: Token, now: float) -> bool:
    """Whether it is over; `now` is in seconds since 1970."""
    return 0 < token.expires_at <= now * 1000


def caller_of(chain: Sequence[Token]) -> Caller:
    """Whoever holds the first of these tokens, which was made under the others; StoreCorrupt."""
    scopes = tuple(scope for scope in map(scope_of, chain) if scope.patterns)
    bearers = tuple(map(_bearer, chain))
    return Caller(name=chain[0].name, id=chain[0].id, scopes=scopes, bearers=bearers, expires_at=first_end(chain))


def first_end(tokens: Iterable[Token]) -> int:
    """When the first of them ends, 0 if none does."""
    return min((one.expires_at for one in tokens if one.expires_at), default=0)


def scope_of(token: Token) -> Scope:
    """Its own scope, whatever it was made under; StoreCorrupt."""
    try:
        return Scope.parse(token.scope)
    except RingletError as problem:
        raise _unreadable(token, problem) from None


def _bearer(token: Token) -> Bearer:
    try:
        return Bearer(id=token.id, rates=tuple(Rate.parse(text) for text in (token.max_uses, token.quota) if text))
    except RingletError as problem:
        raise _unreadable(token, problem) from None


def _unreadable(token: Token, problem: RingletError) -> StoreCorrupt:
    what = f"the token {token.name} in the ledger cannot be read"
    return StoreCorrupt(what, why=problem.what, hint=f"ringlet tokens revoke {token.name}")
