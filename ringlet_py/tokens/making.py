"""Tokens in the making: read from what people write, and kept narrower than the one they are made under."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from secrets import token_hex
from typing import TYPE_CHECKING

from ringlet_py.entry import check_name
from ringlet_py.errors import InvalidField, InvalidName, OutOfScope
from ringlet_py.fields import expiry
from ringlet_py.ledger.tokens import Token
from ringlet_py.limits import Rate
from ringlet_py.scope import Scope
from ringlet_py.tokens.caller import ADMIN
from ringlet_py.tokens.terms import check_within
from ringlet_py.tokens.text import OF_ADMIN, OF_CALLER, is_token
from ringlet_py.tokens.tree import beneath

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringlet_py.tokens.caller import Caller

MOST = 1000  # tokens under one
DEEPEST = 8  # tokens one above the other


def checked_name(name: str) -> str:
    """The name, if a token can have it; InvalidName."""
    if is_token(name, OF_CALLER) or is_token(name, OF_ADMIN):
        raise InvalidName("the name is a token itself", why="names are listed, and tokens are shown once")
    if check_name("token", name) == ADMIN:
        raise InvalidName(f"no token can be called {ADMIN}", hint="choose another name")
    return name


def drafted(name: str, *, scope: str, ttl: str, max_uses: str, quota: str, now: float) -> Token:
    """A token without its digest; ScopeInvalid, InvalidField, LimitInvalid.  `now` is in seconds since 1970."""
    return Token(
        id=token_hex(8),
        name=name,
        digest="",
        scope=str(Scope.parse(scope)),
        created_at=int(now * 1000),
        expires_at=_expires_at(ttl, now),
        max_uses=_rate(max_uses),
        quota=_rate(quota),
    )


def narrowed(draft: Token, under: Caller, tokens: Sequence[Token], *, never: bool) -> Token:
    """The draft as that caller can make it, with its own scope and expiry where the draft has none; OutOfScope.

    `never`: that the draft has no expiry is what was asked for.
    """
    if len(under.ids) >= DEEPEST or len(beneath(under.id, tokens)) >= MOST:
        why = f"at most {DEEPEST} tokens stand one above the other, and at most {MOST} under one"
        raise OutOfScope(f"no further token can be made under {under.name}", why=why, hint="revoke some first")
    if draft.scope:
        check_within(Scope.parse(draft.scope), under.scopes)
    inherited = str(under.scopes[0]) if under.scopes else ""
    ends = min((one.expires_at for one in tokens if one.id in under.ids and one.expires_at), default=0)
    if ends and (draft.expires_at > ends or (never and not draft.expires_at)):
        raise OutOfScope(f"the token would outlive {under.name}, under which it is made", hint="give a shorter ttl")
    return replace(draft, parent=under.id, scope=draft.scope or inherited, expires_at=draft.expires_at or ends)


def _expires_at(ttl: str, now: float) -> int:
    """When `8h`, `30d` or `2027-06-15` is, in milliseconds since 1970; 0 for "" and `never`; InvalidField."""
    if not ttl:
        return 0
    try:
        moment = expiry(ttl, now)
    except InvalidField as problem:
        hint = "for example 8h, 30d, 2027-06-15, 2027-06-15T12:00:00Z or never"
        raise InvalidField(problem.what, why=problem.why, hint=hint) from None
    return round(datetime.fromisoformat(moment).timestamp() * 1000) if moment else 0


def _rate(text: str) -> str:
    """The rate as it is kept, "" for none; LimitInvalid."""
    return str(Rate.parse(text)) if text else ""
