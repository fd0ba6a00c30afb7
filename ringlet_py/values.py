"""Whether a value looks like the key it is said to be; pure, and no message ever repeats the value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ringlet_py.errors import InvalidName, KeySuspicious, ProviderSuspicious
from ringlet_py.secret import Secret
from ringlet_py.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.entry import Address
    from ringlet_py.profile.provider import Provider

SECRET_WORDS = frozenset(
    [
        "KEY",
        "KEYS",
        "APIKEY",
        "TOKEN",
        "TOKENS",
        "SECRET",
        "SECRETS",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "PASS",
        "PAT",
        "AUTH",
        "BEARER",
        "COOKIE",
        "CREDENTIAL",
        "CREDENTIALS",
    ]
)
KEY_LENGTH = 16  # shorter words are names
# what documentation and .env.example files put where the key belongs
PLACEHOLDERS = (
    r"(?i).*your[-_.](.*[-_.])?(key|token|secret).*",
    r"(?i).*(api[-_.]?)?(key|token|secret)[-_.]?(goes[-_.]?)?here.*",
    r"(?i).*(change|replace)[-_.]?(me|this).*",
    r"(?i).*placeholder.*",
    r"(?i)(my|test|dummy|fake|example|insert|some)[-_.]?(api[-_.]?)?(key|token|secret)",
    r"(?i).*x{6,}.*",
    r"(.)\1{3,}",
    r"<.*>|\[.*\]|\{.*\}|\$.*",
    r".*\.\.\.",
)


def check(address: Address, secret: Secret, providers: Mapping[str, Provider], *, force: bool) -> list[str]:
    """Warnings about the value; raises KeySuspicious or ProviderSuspicious for what needs `force`."""
    if not force:
        check_provider(address.provider, providers)
        _check_placeholder(address, secret)
        _check_prefix(address, secret, providers)
    return _warnings(address, secret, providers)


def check_provider(name: str, providers: Mapping[str, Provider]) -> None:
    """A provider outside the catalog is fine, one that is nearly in it is probably a slip."""
    near = nearest(name, providers)
    if name not in providers and near:
        raise ProviderSuspicious(
            f"the provider {name!r} is not in the catalog, but {near!r} is",
            hint=f"use {near!r}, or add --force if {name!r} is right",
        )


def looks_secret(name: str, value: str, providers: Mapping[str, Provider]) -> bool:
    """Whether a variable's name or value suggests that it should not be shown."""
    words = set(name.upper().split("_"))
    return bool(words & SECRET_WORDS) or bool(likely_provider(Secret(value), providers))


def likely_provider(secret: Secret, providers: Mapping[str, Provider]) -> str:
    """The provider whose distinctive prefix the value has (the longest counts), or ""."""
    matches = {
        prefix: provider.name
        for provider in providers.values()
        for prefix in provider.key_prefixes
        if secret.starts_with(prefix)
    }
    return matches[max(matches, key=len)] if matches else ""


def _check_placeholder(address: Address, secret: Secret) -> None:
    if any(secret.matches(pattern) for pattern in PLACEHOLDERS):
        raise KeySuspicious(f"the value for {address} looks like a placeholder, not like a key")


def _check_prefix(address: Address, secret: Secret, providers: Mapping[str, Provider]) -> None:
    likely = likely_provider(secret, providers)
    own = providers.get(address.provider)
    if not likely or likely == address.provider:
        return
    if own is not None and any(secret.starts_with(prefix) for prefix in own.key_prefixes):
        return
    raise KeySuspicious(
        f"the value for {address} looks like a key of {likely}",
        hint=f"ringlet keychain set {likely} {address.alias}, or add --force if it is right all the same",
    )


def _warnings(address: Address, secret: Secret, providers: Mapping[str, Provider]) -> list[str]:
    provider = providers.get(address.provider)
    if provider is None or not provider.key_pattern or secret.matches(provider.key_pattern):
        return []
    return [f"the value does not look like a key of {provider.title}; stored all the same"]


def check_address(address: Address, providers: Mapping[str, Provider]) -> Address:
    """The address, unless a part of it looks like a key itself: then it is refused, and not repeated."""
    prefixes = tuple(prefix for provider in providers.values() for prefix in provider.key_prefixes)
    for kind, name in (("provider", address.provider), ("alias", address.alias), ("bound secret", address.field)):
        if name not in providers and name.startswith(prefixes) and len(name) >= KEY_LENGTH:
            raise InvalidName(
                f"the {kind} looks like a key",
                why="a key is never given on the command line; this one is now in your shell's history",
                hint="take it out of the history, make a new key, and store that: ringlet keychain set PROVIDER",
            )
    return address


def looks_like_key(text: str, providers: Mapping[str, Provider]) -> bool:
    """Whether a word of the text begins or reads as a key of some provider does."""
    words = [Secret(word) for word in re.split(r"[\s/=:,;#?&]+", text) if len(word) >= KEY_LENGTH]
    patterns = [provider.key_pattern for provider in providers.values() if provider.key_pattern]
    return any(likely_provider(word, providers) or any(map(word.matches, patterns)) for word in words)
