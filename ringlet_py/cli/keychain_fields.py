"""The options of `ringlet keychain` for the fields of entries, as values and as filters, and how entries are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py import values
from ringlet_py.cli.input import Input, read_secrets
from ringlet_py.cli.nearly import say_slips_of_filters
from ringlet_py.entry import DEFAULT_ALIAS, FIELDS, Address, check_name
from ringlet_py.errors import InvalidName, KeyNotFound, ProviderSuspicious, UsageError
from ringlet_py.fields import Filter, chosen, parse_filter

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.cli.session import Session
    from ringlet_py.entry import Entry
    from ringlet_py.secret import Secret

Json = Annotated[bool, typer.Option("--json", help="Show one JSON object.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Provider = Annotated[str, typer.Argument(help="Who sells the API, for example anthropic.")]
Alias = Annotated[str, typer.Argument(help="Which of the provider's keys.")]

Label = Annotated[str | None, typer.Option("--label", help="What it is, in your words.")]
Org = Annotated[
    str | None, typer.Option("--org", help="The provider's organisation or project, whose limits the key shares.")
]
Owner = Annotated[str | None, typer.Option("--owner", help="Whose it is: everyone (default), user:ID or channel:ID.")]
Tier = Annotated[str | None, typer.Option("--tier", help="The tier whose limits it has.")]
Source = Annotated[str | None, typer.Option("--source", help="Where it came from.")]
Login = Annotated[str | None, typer.Option("--login", help="The login it was made with.")]
Batch = Annotated[str | None, typer.Option("--batch", help="Which lot it came with.")]
Expires = Annotated[
    str | None,
    typer.Option("--expires", metavar="WHEN", help="30d, 12h, 2027-06-15 (the end of that day in UTC) or never."),
]
Active = Annotated[bool | None, typer.Option("--active/--inactive", help="Whether it may be used.")]
MaxUses = Annotated[
    str | None, typer.Option("--max-uses", metavar="RATE", help="1000/30d, or 1000 for its whole life.")
]
BaseUrl = Annotated[
    str | None,
    typer.Option("--base-url", metavar="URL", help="The only place it may be sent to: https, or http on loopback."),
]
Weight = Annotated[
    str | None, typer.Option("--weight", metavar="NUMBER", help="Its share under the policy weighted; 1 by default.")
]
SecretNames = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="NAME",
        help="A bound secret, which travels with the key; typed or piped like it (repeatable).",
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="FIELD=VALUE", help="Only keys whose field says so (repeatable)."),
]


def given(**options: Any) -> dict[str, Any]:
    """The fields that were given, by the entry's names."""
    named = {"expires_at" if name == "expires" else name: value for name, value in options.items()}
    return {name: value for name, value in named.items() if value is not None}


def filters(where: list[str] | None, **options: str | None) -> list[Filter]:
    """The filters of --where, and those written as options of their own."""
    plain = [Filter(name.replace("_", "-"), value) for name, value in options.items() if value is not None]
    return [*map(parse_filter, where or []), *plain]


def truth(flag: bool | None) -> str | None:
    """A flag as a filter says it."""
    return None if flag is None else "yes" if flag else "no"


def address_of(app: App, provider: str, alias: str) -> Address:
    """The address of the words (`acme work`, or `acme/work` as one), unless one of them looks like a key."""
    return values.check_address(Address(*parted(provider, alias)), app.catalog.providers)


def provider_in(app: App, text: str) -> str:
    """The provider that a person names at a prompt, where a slip can be mended at once."""
    provider = address_of(app, text, DEFAULT_ALIAS).provider
    try:
        values.check_provider(provider, app.catalog.providers)
    except ProviderSuspicious as problem:
        hint = f"type it again; if {provider} is right: ringlet keychain set {provider} --force"
        raise ProviderSuspicious(problem.what, hint=hint) from None
    return provider


def parted(provider: str, alias: str) -> tuple[str, str]:
    """Provider and alias, of which the first may be an address as it is printed: `acme/work`."""
    name, slash, own = provider.partition("/")
    if not (slash and _are_names(name, own)):
        return provider, alias  # a pasted key with a slash in it stays whole, and is not repeated
    if alias not in ("", DEFAULT_ALIAS, own):
        raise UsageError("two aliases are given", hint="write PROVIDER/ALIAS, or PROVIDER ALIAS")
    return name, own


def _are_names(provider: str, alias: str) -> bool:
    try:
        Address(provider, alias)
    except InvalidName:
        return False
    return True


def address_in(app: App, text: str) -> Address:
    """The address that is written `provider/alias`, unless it looks like a key."""
    return values.check_address(Address.parse(text), app.catalog.providers)


def meant(app: App, provider: str, alias: str, where: list[str] | None, *, doing: str) -> list[Entry]:
    """The keys that a command is for: the one that is named, or all that fit --where; never all without a filter."""
    if bool(provider) == bool(where):
        raise UsageError(
            f"{doing} is either for one key, which is named, or for those that --where describes",
            hint=f"ringlet keychain {doing} PROVIDER ALIAS, or ringlet keychain {doing} --where FIELD=VALUE",
        )
    if provider:
        return [app.keychain.entry(address_of(app, provider, alias))]
    wanted = filters(where)
    found = chosen(app.keychain.entries(), wanted, now=app.clock())
    if not found:
        say_slips_of_filters(wanted, app.keychain.entries())
        raise KeyNotFound(f"no key fits {' and '.join(f'{one.field}={one.text}' for one in wanted)}")
    return found


def bound_addresses(address: Address, names: list[str] | None) -> dict[str, Address]:
    """The bound secrets by their names; UsageError if one comes twice."""
    found = {name: Address(address.provider, address.alias, check_name("bound secret", name)) for name in names or []}
    if len(found) < len(names or []):
        raise UsageError("a bound secret is named twice", hint="give each --secret once")
    return found


def read_bound(session: Session, address: Address, names: list[str] | None) -> dict[str, Secret]:
    """The values of the bound secrets, typed or piped one a line."""
    found = bound_addresses(address, names)
    if not found:
        return {}
    prompts = [f"Secret {name} for {address}" for name in found]
    return dict(zip(found, read_secrets(session, prompts, Input()), strict=True))


def document(entry: Entry) -> dict[str, Any]:
    """The entry for programs; never its fingerprint."""
    shown = {name: getattr(entry, name) for name in FIELDS if name != "fingerprint"}
    return {
        "address": str(entry.address),
        "provider": entry.address.provider,
        "alias": entry.address.alias,
        "backend": entry.backend,
        **{name: None if value == "" else value for name, value in shown.items()},
        "secrets": list(entry.secrets),
    }
