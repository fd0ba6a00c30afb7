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
from ringlet_py.tokens.shown import moment
from ringlet_py.tokens.terms import check_within, first_end, scope_of
from ringlet_py.tokens.text import OF_ADMIN, OF_CALLER, is_token
from ringlet_py.tokens.tree import beneath, name_below

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from ringlet_py.tokens.caller import Caller

MOST = 1000  # tokens under one
DEEPEST = 8  # tokens one above the other
NONE = "none"  # a limit that is taken away


def checked_name(name: str) -> str:
    """The name, if a token can have it; InvalidName."""
    if is_token(name, OF_CALLER) or is_token(name, OF_ADMIN):
        raise InvalidName("the name is a token itself", why="names are listed, and tokens are shown once")
    if check_name("token", name) == ADMIN:
        raise InvalidName(f"no token can be called {ADMIN}", hint="choose another name")
    return name


def checked_term(name: str, text: str) -> str:
    """The text; InvalidField for an empty one, as a variable that is not set leaves it: it would mean no limit."""
    if not text.strip():
        raise InvalidField(
            f"{name} is empty", why="that would take a limit away", hint="leave it out, or say what it is"
        )
    return text


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

    Its name is one below the caller's, so that whether it is taken says nothing of others' tokens.

    `never`: that the draft has no expiry is what was asked for.
    """
    if len(under.ids) >= DEEPEST or len(beneath(under.id, tokens)) >= MOST:
        why = f"at most {DEEPEST} tokens stand one above the other, and at most {MOST} under one"
        raise OutOfScope("no further token can be made under this one", why=why, hint="revoke some first")
    if draft.scope:
        check_within(Scope.parse(draft.scope), under.scopes)
    inherited = str(under.scopes[0]) if under.scopes else ""
    ends = first_end(one for one in tokens if one.id in under.ids)
    if draft.expires_at or never:
        _check_ends(draft.expires_at, ends)
    return replace(
        draft,
        name=name_below(under.name, draft.name),
        parent=under.id,
        scope=draft.scope or inherited,
        expires_at=draft.expires_at or ends,
    )


def changed(token: Token, given: Mapping[str, str], above: Sequence[Token], *, now: float) -> Token:
    """The token with what is given of scope, ttl, max_uses and quota; OutOfScope beyond those above it.

    Its limits may be any, as each use counts on those above it too.  Raises as `drafted` does; `now` is in seconds.
    """
    found: dict[str, Any] = {}
    for name, text in given.items():
        if name == "scope":
            found[name] = _within(Scope.parse(text), above)
        elif name == "ttl":
            found["expires_at"] = _expires_at(checked_term(name, text), now)
            _check_ends(found["expires_at"], first_end(above))
        else:
            found[name] = _rate("" if text == NONE else checked_term(name, text))
    return replace(token, **found)


def _within(scope: Scope, above: Iterable[Token]) -> str:
    check_within(scope, map(scope_of, above))
    return str(scope)


def _check_ends(expires_at: int, ends: int) -> None:
    if ends and not 0 < expires_at <= ends:
        why = f"that one ends at {moment(ends)}"
        raise OutOfScope("the token would outlive the one that it is under", why=why, hint="give a shorter ttl")


def _expires_at(ttl: str, now: float) -> int:
    """When `8h`, `30d` or `2027-06-15` is, in milliseconds since 1970; 0 for "" and `never`; InvalidField."""
    if not ttl:
        return 0
    hint = "for example 8h, 30d, 2027-06-15, 2027-06-15T12:00:00Z or never"
    try:
        text = expiry(ttl, now)
    except InvalidField as problem:
        raise InvalidField(problem.what, why=problem.why, hint=hint) from None
    ends = round(datetime.fromisoformat(text).timestamp() * 1000) if text else 0
    if text and ends < now * 1000 + 1:  # what rounding added is no time
        raise InvalidField(f"the expiry {ttl!a} is past", hint=hint)
    return ends


def _rate(text: str) -> str:
    """The rate as it is kept, "" for none; LimitInvalid."""
    return str(Rate.parse(text)) if text else ""
