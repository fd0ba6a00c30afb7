"""The tokens of callers: made, recognised, listed, changed and revoked; each change is recorded."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from hmac import compare_digest
from typing import TYPE_CHECKING

from ringlet_py.entry import LONG_NAME, MAX_NAME
from ringlet_py.errors import RingletError, TokenExists, TokenNotFound, TokenRefused
from ringlet_py.files.digest import digest_of
from ringlet_py.tokens.caller import ADMIN, Caller
from ringlet_py.tokens.making import changed, checked_name, drafted, narrowed
from ringlet_py.tokens.terms import caller_of, has_expired, scope_of
from ringlet_py.tokens.text import OF_CALLER, is_token, new_caller_token
from ringlet_py.tokens.tree import above, beneath, name_below, nearest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.audit import Recorder
    from ringlet_py.ledger.tokens import Token, Tokens
    from ringlet_py.scope import Scope
    from ringlet_py.secret import Secret
    from ringlet_py.tokens.admin import AdminToken

    Found = list[Token]

_REMEMBERED = 1024  # callers whose rows were taken apart


class TokenService:
    """Who may call; `clock` gives seconds since 1970.  All verbs raise KeychainErrors.

    With `under` a verb is that caller's: it makes tokens that are narrower than its own, and sees no others than
    those that were made under it.
    """

    def __init__(self, store: Tokens, *, admin: AdminToken, audit: Recorder, clock: Callable[[], float]) -> None:
        self.admin = admin
        self._store = store
        self._audit = audit
        self._clock = clock
        self._caller_of = lru_cache(_REMEMBERED)(caller_of)

    def authenticate(self, text: str) -> Caller:
        """Whoever holds this token; TokenRefused if it is unknown, revoked or expired, or one above it is."""
        if self.admin.matches(text):
            return Caller(name=ADMIN)
        if not is_token(text, OF_CALLER):
            raise _refused()
        digest = digest_of(text.encode())
        chain = self._store.chain(digest)
        now = self._clock()
        if not chain or not compare_digest(chain[0].digest, digest) or any(has_expired(one, now) for one in chain):
            raise _refused()
        return self._caller_of(tuple(chain))

    def create(
        self,
        name: str,
        *,
        scope: str = "",
        ttl: str = "",
        max_uses: str = "",
        quota: str = "",
        under: Caller | None = None,
    ) -> tuple[Token, Secret]:
        """A new token, and its text, which nobody can see again.

        Without a scope or a ttl it has those of `under`, and its name is below that one's.  Raises TokenExists,
        InvalidName, ScopeInvalid, InvalidField, LimitInvalid; OutOfScope for one that would be wider than `under`,
        TokenRefused if that is gone.
        """
        known = ""
        try:
            known = checked_name(name)
            draft = drafted(known, scope=scope, ttl=ttl, max_uses=max_uses, quota=quota, now=self._clock())
            if under and not under.is_admin:
                draft = narrowed(draft, under, self._store.tokens(), never=bool(ttl))
            secret, digest = new_caller_token()
            token = replace(draft, digest=digest)
            self._add(token, called=known)
        except RingletError as problem:
            self._record("token-create", problem.code, known, under)
            raise
        self._record("token-create", "ok", _named(token), under, secret)
        return token, secret

    def get(self, name_or_id: str, *, under: Caller | None = None) -> Token:
        """The token of that id, or of that name as `under` calls it; TokenNotFound, with the nearest one."""
        tokens, top = self.list(under), under.top if under else ""
        found = [one for one in tokens if one.id == name_or_id]
        found = found or [one for one in tokens if one.name == name_below(top, name_or_id)]
        if found:
            return found[0]
        shown = f" {name_or_id!a}" if len(name_or_id) < LONG_NAME else ""  # a longer one may be a token's text
        raise TokenNotFound(f"there is no token{shown}", why=nearest_of(name_or_id[:MAX_NAME], tokens, top))

    def rotate(self, name_or_id: str, *, under: Caller | None = None) -> tuple[Token, Secret]:
        """Another text for the token, which stays what it is, with all made under it; the old text is refused."""
        secret, digest = new_caller_token()
        _, token = self._changed(name_or_id, under, lambda old: replace(old, digest=digest))
        self._record("token-rotate", "ok", _named(token), under, secret)
        return token, secret

    def change(self, name_or_id: str, **terms: str) -> tuple[Token, Token]:
        """Gives the token these terms (scope, ttl, max_uses, quota; a limit "none") from the next claim on.

        Answers what it was and what it is; raises as `create`, and OutOfScope beyond a token above it.
        """
        return self._with_terms(name_or_id, lambda _: terms)

    def rescope(self, name_or_id: str, scope: Callable[[Scope], str], *, is_less: bool = False) -> None:
        """Gives the token the scope that is made of its present one, whoever else changes it meanwhile.

        `is_less`: it admits nothing more than that one, so the tokens above it are not asked.
        """
        self._with_terms(name_or_id, lambda token: {"scope": scope(scope_of(token))}, is_less=is_less)

    def _with_terms(
        self, name_or_id: str, terms: Callable[[Token], dict[str, str]], *, is_less: bool = False
    ) -> tuple[Token, Token]:
        def change(old: Token) -> Token:
            over = [] if is_less else above(old, self.list())
            return changed(old, terms(old), over, now=self._clock())

        before, after = self._changed(name_or_id, None, change)
        if after != before:
            self._record("token-change", "ok", _named(after), None)
        return before, after

    def revoke(self, name_or_id: str, *, under: Caller | None = None) -> list[str]:
        """Takes the token away, and all that were made under it; the ids of those that are gone."""
        token = self.get(name_or_id, under=under)
        names = {one.id: _named(one) for one in self._store.tokens()}
        gone = self._store.remove_token(token.id)
        if not gone:
            raise TokenNotFound(f"the token {token.name} is gone already")
        for one in gone:
            self._record("token-revoke", "ok", names.get(one, one), under)
        return [*gone]

    def list(self, under: Caller | None = None) -> Found:
        """The tokens, expired ones too, sorted by name."""
        tokens = self._store.tokens()
        return tokens if under is None or under.is_admin else beneath(under.id, tokens)

    def _add(self, token: Token, *, called: str) -> None:
        if self._store.add_token(token):
            return
        if token.parent and token.parent not in {one.id for one in self._store.tokens()}:
            raise _refused()
        hint = f"choose another name, or: ringlet tokens revoke {token.name}"
        raise TokenExists(f"there is a token {called} already", hint=hint)

    def _changed(self, name_or_id: str, under: Caller | None, change: Callable[[Token], Token]) -> tuple[Token, Token]:
        """The token before and after the change, whoever else changes it meanwhile."""
        while True:
            old = self.get(name_or_id, under=under)
            new = change(old)
            if new == old or self._store.change_token(old, new):
                return old, new

    def _record(self, action: str, outcome: str, what: str, under: Caller | None, *secrets: Secret) -> None:
        caller = f"token:{under.name}" if under and not under.is_admin else ""
        self._audit.append(action, outcome, purpose=what, caller=caller, secrets=secrets)


def _named(token: Token) -> str:
    """The name, and the id, since a name can be another token's later."""
    return f"{token.name} ({token.id})"


def _refused() -> TokenRefused:
    return TokenRefused("the token is not accepted")
