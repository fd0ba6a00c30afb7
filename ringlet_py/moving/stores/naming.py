"""What another tool's name for a key says: which provider of the catalog sells it, and what to call it here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ringlet_py.entry import MAX_NAME
from ringlet_py.fields import MAX_TEXT
from ringlet_py.secret import LONG, REDACTED
from ringlet_py.values import SECRET_WORDS, likely_provider, looks_like_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.profile.provider import Provider
    from ringlet_py.secret import Secret

# what tools call a provider, where that is not its name in the catalog
ALSO = {
    "claude": "anthropic",
    "google": "gemini",
    "aistudio": "gemini",
    "chatgpt": "openai",
    "grok": "xai",
    "zhipu": "zai",
    "glm": "zai",
}
# words of a name that tell nobody which key it is
_EMPTY = frozenset({word.lower() for word in SECRET_WORDS} | {"api", "default", "env", "llm", "ai", "the", "my"})
_CARRIES_A_KEY = re.compile(r".+_(API_KEY|ADMIN_KEY|AUTH_TOKEN|OAUTH_TOKEN)")
_KEY_WORDS = frozenset(word.lower() for word in SECRET_WORDS) - {"auth", "password", "passwd", "passphrase", "pass"}


class Naming:
    """Reads names with the catalog's providers at hand."""

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = {name: each for name, each in providers.items() if not each.keyless and name != "custom"}
        self._by_variable = _by_variable(self._providers)
        self._by_word = {**{old: new for old, new in ALSO.items() if new in self._providers}, **_words(self._providers)}
        self._empty = _EMPTY.union(self._by_word, *map(_split, self._providers))

    @property
    def words(self) -> list[str]:
        """The words and variables that stand for a provider."""
        return [*self._by_word, *self._by_variable]

    def provider(self, name: str, secret: Secret | None = None) -> str:
        """The provider that the value's prefix, or else the name, tells; "" if neither does."""
        likely = likely_provider(secret, self._providers) if secret is not None else ""
        return likely or self._by_variable.get(name.upper(), "") or self._from_words(name)

    def alias(self, *names: str) -> str:
        """What the names say beyond the provider, written as an alias: `work` for `openai-work`; "" if nothing."""
        words = [word for name in names if name.upper() not in self._by_variable for word in _split(name)]
        told = [word for word in words if word not in self._empty]
        return "" if self._tells_a_key(names) else "-".join(dict.fromkeys(told))[:MAX_NAME].rstrip("-")

    def is_variable(self, name: str) -> bool:
        """Whether it is the variable of a provider's key."""
        return name.upper() in self._by_variable

    def means_key(self, name: str) -> bool:
        """Whether the name says of itself that it is a key or token."""
        return bool(_KEY_WORDS.intersection(_split(name)))

    def looks_right(self, secret: Secret, provider: str) -> bool:
        """Whether the value reads as this provider's keys do."""
        pattern = self._providers[provider].key_pattern if provider in self._providers else ""
        likely = likely_provider(secret, self._providers)
        return likely == provider if likely else bool(pattern) and secret.matches(pattern)

    def could_be_key(self, secret: Secret, provider: str) -> bool:
        """Whether the value reads as this provider's keys do, or is long, where nothing is known of how these read."""
        known = provider in self._providers and self._providers[provider].key_pattern
        return self.looks_right(secret, provider) or (not known and secret.length >= LONG)

    def shown(self, name: str) -> str:
        """The name, for people; redacted if it reads as a key, since some paste the key in its place."""
        if self._tells_a_key([name]):
            return REDACTED
        return name if name.isprintable() else ascii(name)[1:-1]

    def removal(self, command: str) -> str:
        """The command, unless a part of it reads as a key."""
        return "remove it with the tool that keeps it" if self._tells_a_key([command]) else command

    def carried(self, fields: Mapping[str, object]) -> dict[str, str]:
        """Those of another tool's fields that may stand in an entry, as texts."""
        texts = {name: str(value) for name, value in fields.items() if value}
        return {name: text for name, text in texts.items() if self.shown(text) == text and len(text) <= MAX_TEXT}

    def _tells_a_key(self, names: tuple[str, ...] | list[str]) -> bool:
        return any(looks_like_key(name, self._providers) for name in names)

    def _from_words(self, name: str) -> str:
        whole = name.lower().replace("_", "-")
        if whole in self._providers:
            return whole
        found = [self._by_word[word] for word in _split(name) if word in self._by_word]
        return found[0] if len(set(found)) == 1 else ""  # a name that tells of two tells of none


def _split(name: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", name.lower())


def _words(providers: Mapping[str, Provider]) -> dict[str, str]:
    return {name: name for name in providers if name.isalnum()}


def _by_variable(providers: Mapping[str, Provider]) -> dict[str, str]:
    """The variables that carry a key, with whose it is; a provider's own one counts before what another drops."""
    dropped = {
        variable: name
        for name, provider in providers.items()
        for variable in provider.drop
        if _CARRIES_A_KEY.fullmatch(variable)
    }
    return {**dropped, **{provider.key_env: name for name, provider in providers.items()}}
