"""Tokens as a person reads them: a row of the table, a sentence, and what a change came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringlet_py.cli import output
from ringlet_py.tokens.shown import as_data, moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ringlet_py.app import App
    from ringlet_py.ledger.tokens import Token

COLUMNS = ("TOKEN", "SCOPE", "LEFT", "EXPIRES", "UNDER", "ID")
_LIMITS = (("max_uses", "uses_left"), ("quota", "quota_left"))


def told(app: App, those: Sequence[Token]) -> list[dict[str, Any]]:
    """These tokens as plain data, with what is left of them now."""
    return as_data(those, app.tokens.list(), claims=app.kept.claims, now=app.clock())


def row(token: dict[str, Any]) -> tuple[str, ...]:
    """One row of the table."""
    left = ", ".join(f"{token[left]} of {token[limit]}" for limit, left in _LIMITS if token[left] is not None)
    ends = "expired" if token["expired"] else token["expires_at"]
    cells = (token["name"], token["scope"], left, ends, token["under"], token["id"])
    return tuple(output.printable(cell or "-") for cell in cells)


def in_words(token: Token) -> str:
    """What it may do, and until when."""
    limits = [f"{token.max_uses} uses"] * bool(token.max_uses) + [token.quota] * bool(token.quota)
    return ", ".join([token.scope or "every key", *limits, f"until {moment(token.expires_at) or 'revoked'}"])


def changes(before: Token, after: Token) -> list[str]:
    """Each term that is another one now; one line if none is."""
    found = [
        f"{after.name}: {name}: {old or '-'} -> {new or '-'}"
        for (name, old), (_, new) in zip(_terms(before), _terms(after), strict=True)
        if old != new
    ]
    return found or [f"{after.name}: nothing was changed"]


def spent(token: dict[str, Any]) -> Iterable[str]:
    """A note for each limit of which nothing is left."""
    for limit, left in _LIMITS:
        if token[left] == 0:
            yield f"note: of {token[limit]} nothing is left: it was used as often already"


def listed(tokens: list[Token]) -> str:
    """The tokens by name, as a sentence has them."""
    return f"the token{'s' * (len(tokens) != 1)} {', '.join(token.name for token in tokens)}"


def _terms(token: Token) -> list[tuple[str, str]]:
    ends = moment(token.expires_at) or ""
    return [("scope", token.scope), ("expires", ends), ("max uses", token.max_uses), ("quota", token.quota)]
