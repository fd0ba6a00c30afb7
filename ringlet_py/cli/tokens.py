"""`ringlet tokens`: who may claim over HTTP or with a token's file, and which keys; a token is shown once."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Annotated

import typer

from ringlet_py import values
from ringlet_py.cli import output
from ringlet_py.cli.input import Input, read_secrets
from ringlet_py.cli.nearly import say_slips_of_scope
from ringlet_py.cli.session import CALLER_VARIABLE, Session, app_of, session_of
from ringlet_py.cli.tokens_shown import COLUMNS, changes, in_words, listed, row, spent, told
from ringlet_py.errors import (
    ConsentNeeded,
    InvalidField,
    InvalidName,
    InvalidSecret,
    RingletError,
    TokenRefused,
    UsageError,
)
from ringlet_py.files.checks import POSIX, quoted
from ringlet_py.tokens.making import checked_term
from ringlet_py.tokens.text import OF_ADMIN, OF_CALLER, is_token
from ringlet_py.tokens.tree import beneath

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.ledger.tokens import Token
    from ringlet_py.secret import Secret
    from ringlet_py.tokens import Caller

Json = Annotated[bool, typer.Option("--json", help="Show one JSON object.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Name = Annotated[str, typer.Argument(help="The token, by name or id.")]
TokenFile = Annotated[
    str, typer.Option("--token-file", metavar="FILE", help="In the name of the token in this file; - is stdin.")
]
_IN_SHELL = "a key is never given on the command line; this one is now in your shell's history"


def build() -> typer.Typer:
    """The command group."""
    group = typer.Typer(help="Tokens for callers: who may claim which keys, and how often.", no_args_is_help=True)
    group.command("create")(create)
    for name in ("list", "ls"):
        group.command(name, hidden=name != "list")(list_tokens)
    group.command("edit")(edit)
    group.command("rotate")(rotate)
    for name in ("revoke", "delete", "rm", "remove"):
        group.command(name, hidden=name != "revoke")(revoke)
    return group


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The new token.")],
    scope: Annotated[
        str | None, typer.Option("--scope", help="What it may claim: 'pool=openai feature=image-* agent=claude'.")
    ] = None,
    ttl: Annotated[str | None, typer.Option("--ttl", help="How long it lives: 8h, 30d, or until 2027-06-15.")] = None,
    max_uses: Annotated[str | None, typer.Option("--max-uses", metavar="N", help="How many claims in all.")] = None,
    quota: Annotated[
        str | None, typer.Option("--quota", metavar="RATE", help="How many claims in a window: 20/day.")
    ] = None,
    token_file: TokenFile = "",
    json: Json = False,
) -> None:
    """Make a token and print it, this once: tokens create ci --scope pool=openai --ttl 8h > token."""
    session = session_of(context)
    if not (scope or token_file):
        raise _without_scope()
    _check_words(session.app, name, *(scope or "").split())
    under = caller_of(session, token_file, action="token-create") if token_file else None
    given = {"ttl": ttl, "max_uses": max_uses, "quota": quota}
    limits = {term: checked_term(term, text) for term, text in given.items() if text is not None}
    token, secret = session.app.tokens.create(name, scope=scope or "", under=under, **limits)
    say_slips_of_scope(session.app, scope or "")
    talk = [f"created {token.name}: {in_words(token)}; this is the only time that it is shown"]
    _show(session.app, token, secret, talk, json=json)


def list_tokens(context: typer.Context, json: Json = False) -> None:
    """List the tokens, expired ones too: their scopes, limits and ends, never the tokens themselves."""
    app = app_of(context)
    found = told(app, app.tokens.list())
    if json:
        output.document(tokens=found)
        return
    if not found:
        output.say("there are no tokens yet: ringlet tokens create NAME --scope SCOPE")
    output.table(COLUMNS, [row(each) for each in found])


def edit(
    context: typer.Context,
    name: Name,
    scope: Annotated[str | None, typer.Option("--scope", help="What it may claim from now on.")] = None,
    ttl: Annotated[
        str | None, typer.Option("--ttl", metavar="WHEN", help="How long it lives from now: 8h, 2027-06-15 or never.")
    ] = None,
    max_uses: Annotated[
        str | None,
        typer.Option("--max-uses", metavar="N", help="How many claims in all, those that were made included."),
    ] = None,
    quota: Annotated[
        str | None, typer.Option("--quota", metavar="RATE", help="How many claims in a window: 20/day, or none.")
    ] = None,
    json: Json = False,
) -> None:
    """Give a token other terms, from the next claim on: tokens edit ci --scope pool=openai --ttl 8h."""
    app = app_of(context)
    given = {"scope": scope, "ttl": ttl, "max_uses": max_uses, "quota": quota}
    terms = {term: text for term, text in given.items() if text is not None}
    if not terms:
        raise UsageError("there is nothing to change", hint="--scope SCOPE, --ttl WHEN, --max-uses N or --quota RATE")
    if scope is not None and not scope.strip():
        raise _without_scope()
    _check_words(app, "", *(scope or "").split())
    before, after = app.tokens.change(name, **terms)
    say_slips_of_scope(app, scope or "")
    (shown,) = told(app, [after])
    for note in spent(shown):
        output.say(note)
    if json:
        output.document(token=shown)
        return
    for text in changes(before, after):
        output.say(text)


def rotate(context: typer.Context, name: Name, json: Json = False) -> None:
    """Make another token in its place and print it, this once; the old one is refused from now on."""
    app = app_of(context)
    token, secret = app.tokens.rotate(name)
    talk = [f"rotated {token.name}: the old token is refused from now on, and this one is shown only this time"]
    if below := beneath(token.id, app.tokens.list()):
        talk.append(f"note: made under it, and still valid: {', '.join(one.name for one in below)}")
    _show(app, token, secret, talk, json=json)


def revoke(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The tokens, by name or id.")],
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Revoke tokens, and with each those that were made under it: tokens revoke ci."""
    session = session_of(context)
    service = session.app.tokens
    wanted = {token.id: token for token in map(service.get, names)}
    every = service.list()
    below = {one.id: one for token in wanted for one in beneath(token, every) if one.id not in wanted}
    _confirm(session, [*wanted.values()], [*below.values()], yes=yes)
    known = {**wanted, **below}
    gone: list[str] = []
    for token in wanted:
        # one that was made under another of them has gone with it
        gone += service.revoke(token) if token in {one.id for one in service.list()} else []
    names = [known[one].name if one in known else one for one in gone]
    if json:
        output.document(revoked=[{"id": id_, "name": name} for id_, name in zip(gone, names, strict=True)])
        return
    for name in names:
        output.say(f"revoked {name}")


def caller_of(session: Session, token_file: str, *, action: str) -> Caller:
    """Whoever holds the token in the file, or without one that in RINGLET_TOKEN; a refusal is recorded as that action.

    Raises TokenRefused, UsageError.
    """
    try:
        return session.app.tokens.authenticate(_token_of(session, token_file).reveal())
    except RingletError as problem:
        session.app.audit.append(action, problem.code)
        raise


def _token_of(session: Session, token_file: str) -> Secret:
    """The text that is given as a token; TokenRefused, with its place, for what cannot be one."""
    how = Input(from_file=token_file) if token_file else Input(from_env=CALLER_VARIABLE)
    if not token_file and not session.environ.get(CALLER_VARIABLE, "").strip():
        raise TokenRefused(f"{CALLER_VARIABLE} is empty", hint=f"unset {CALLER_VARIABLE}")
    place = {"": CALLER_VARIABLE, "-": "standard input"}.get(token_file, token_file)
    hint = "ringlet tokens create NAME --scope SCOPE > FILE"
    try:
        [secret] = read_secrets(session, ["Token"], how)
    except InvalidSecret:
        raise TokenRefused(f"{place} holds no token", hint=hint) from None
    if not any(is_token(secret.reveal(), kind) for kind in (OF_CALLER, OF_ADMIN)):
        raise TokenRefused(f"{place} holds no token", hint=hint)
    if token_file not in ("", "-"):
        _note_if_open(token_file)
    return secret


def _note_if_open(path: str) -> None:
    """A token that others can read is theirs too; it is used all the same, since it may lie there for a container."""
    status = os.stat(path)
    if POSIX and stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
        output.say(f"note: {output.printable(path)} can be read by others: chmod 600 {quoted(path)}")


def _show(app: App, token: Token, secret: Secret, talk: list[str], *, json: bool) -> None:
    """The one place where a token goes out, on standard output alone, so that it can be piped."""
    if json:
        output.document(token=told(app, [token])[0], value=secret.reveal())
        return
    for text in talk:
        output.say(text)
    output.line(secret.reveal())


def _confirm(session: Session, tokens: list[Token], below: list[Token], *, yes: bool) -> None:
    again = f"ringlet tokens revoke {' '.join(token.name for token in tokens)} --yes"
    if not (yes or session.can_ask):
        if not below:  # who names all of them, and is no person at a terminal, means them
            return
        what = f"{listed(below)}, made under {listed(tokens)}, would be revoked too"
        raise ConsentNeeded(what, hint=again)
    more = f", and with it {listed(below)}" if below else ""
    session.confirm(f"revoke {listed(tokens)}{more}?", otherwise=again, yes=yes)


def _without_scope() -> UsageError:
    hint = "--scope 'pool=openai feature=image-*', or --scope 'provider=*' for every key"
    return UsageError("the token has no scope", why="it could claim every key", hint=hint)


def _check_words(app: App, name: str, *parts: str) -> None:
    """What people say of tokens is no secret, and it is listed: a key that was pasted there is refused."""
    hint = "take it out of the history, make a new key, and store that: ringlet keychain set PROVIDER"
    if values.looks_like_key(name, app.catalog.providers):
        raise InvalidName("the name looks like a key", why=_IN_SHELL, hint=hint)
    if any(values.looks_like_key(part, app.catalog.providers) for part in parts):
        raise InvalidField("the scope looks like it holds a key", why=_IN_SHELL, hint=hint)
