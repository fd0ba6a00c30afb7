"""Whether what a name is given is a key, whose, and how sure that is; no answer ever holds the value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ringlet_py.moving.stores.naming import Naming
from ringlet_py.secret import Secret
from ringlet_py.values import KEY_LENGTH, PLACEHOLDERS, SECRET_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ringlet_py.profile.provider import Provider

MOST = 4096  # characters; longer texts are no keys
_WORD = re.compile(rf"[A-Za-z0-9_.-]{{{KEY_LENGTH},{MOST}}}")
_BY_HAND = "it is in a comment or a command, and not a name's value: take it out by hand"
# in the keychain that it opens, the master key would lock up every other key, and itself
_OURS, _OPENS = "RINGLET_", "ringlet itself needs it, before it can open the keychain"
SURE, PERHAPS, LEFT = "sure", "perhaps", "left"
CUSTOM, NETRC = "custom", "netrc"
_PLAIN = r"[!#-&(-\[\]-_a-~]+"  # printable ASCII without quotes and backslashes
# what no keychain takes, and no key has
ODD = (
    (r"(?s).*[ \t].*", "a blank"),
    (r"(?s).*[\r\n].*", "a line break"),
    (r"(?s).*[\"'`].*", "a quote"),
    (r"(?s).*\\.*", "a backslash"),
    (r"(?s).*[^!-~].*", "a character outside printable ASCII"),
)
# what a program fetches and renews by itself: moved, it would be stale in an hour, and the program logged out
OWN_LOGIN = re.compile(r"(?i)(.*[^a-z])?(access|refresh|id|session)_?token")
# what stands for a value, or is none: a variable, a command, a path, an address, another tool's reference
NO_KEY = (
    *PLACEHOLDERS,
    r"[$%~/.\\@#`].*",
    r"(?i)(env|file|ringlet|op|vault|ref|secret|keychain|keyring|pass|cmd|exec|command):.*|.*://.*",
    r".*[(){}\[\]<>|;].*",
)


@dataclass(frozen=True)
class Judgement:
    """What a value is taken for: `level` says whether it is moved, only if it is asked for, or left, and why not."""

    level: str
    provider: str
    why: str = ""
    stored: str = ""  # the address where the keychain has this very value


class Judge:
    """Judges by the catalog's variables and patterns, and by `stored`: the address that a value has already, or ""."""

    def __init__(self, providers: Mapping[str, Provider], stored: Callable[[Secret], str]) -> None:
        self._providers = {name: each for name, each in providers.items() if not each.keyless}
        self._naming = Naming(providers)
        self._stored = stored
        self._variables = _variables(self._providers)
        self._prefixes = tuple(prefix for each in self._providers.values() for prefix in each.key_prefixes)
        self._hosts = hosts_of(self._providers)
        self._patterns = [each.key_pattern for each in self._providers.values() if each.key_pattern]

    def stored(self, value: Secret) -> str:
        """The address where the keychain has this very value, or ""."""
        return self._stored(value)

    def variable(self, name: str) -> str:
        """The provider whose key the variable carries, or ""."""
        return self._variables.get(name.upper(), "")

    def strays(self, text: str) -> Iterator[tuple[int, Secret, Judgement]]:
        """Where words stand that begin as keys of a provider do, and are as long: each is left, for a person."""
        for found in _WORD.finditer(text):
            if not found[0].startswith(self._prefixes):
                continue
            value = Secret(found[0])
            provider = self._naming.provider("", value)
            if provider and self._naming.looks_right(value, provider) and not any(map(value.matches, NO_KEY)):
                yield found.start(), value, Judgement(LEFT, provider, _BY_HAND, self._stored(value))

    def judged(self, name: str, value: Secret, kind: str) -> Judgement | None:
        """What the value is, None for no key; `kind` is that of the place."""
        if not KEY_LENGTH <= value.length <= MOST:
            return None
        last = "" if kind == NETRC else re.split(r"[./\[\]\"' ]+", name.rstrip("]\"' "))[-1]
        if last.upper().startswith(_OURS) or not value.matches(_PLAIN):
            return self._odd(last, value)
        stored = self._stored(value)
        if stored:
            return Judgement(SURE, stored.partition("/")[0], stored=stored)
        of_host = self._hosts.get(name, "") if kind == NETRC else ""
        # most of what files hold is settled here, and the rest takes many looks
        told = of_host or self.variable(last) or _means_key(last) or self._is_like_a_key(value)
        if not told or any(value.matches(pattern) for pattern in NO_KEY):
            return None
        if of_host:
            return Judgement(SURE, self._naming.provider("", value) or of_host)
        judge = self._login if OWN_LOGIN.fullmatch(_snake(last)) else self._by_name
        return judge(last, value, kind)

    def _is_like_a_key(self, value: Secret) -> bool:
        return any(map(value.starts_with, self._prefixes)) or any(map(value.matches, self._patterns))

    def _odd(self, name: str, value: Secret) -> Judgement | None:
        """What is said of a value that must not go into a keychain, or cannot: nothing, if its name tells of no key."""
        if name.upper().startswith(_OURS):
            return Judgement(LEFT, CUSTOM, _OPENS) if _means_key(name) else None
        owner = self.variable(name)
        if not owner or any(value.matches(pattern) for pattern in NO_KEY):
            return None
        problem = next(words for pattern, words in ODD if value.matches(pattern))
        return Judgement(LEFT, owner, f"the value holds {problem}")

    def _login(self, _: str, value: Secret, kind: str) -> Judgement | None:
        provider = self._naming.provider("", value)
        if not provider:
            return None
        if kind == "agent":
            return Judgement(LEFT, provider, "it is the program's own login, which it renews by itself")
        return Judgement(SURE, provider)

    def _by_name(self, name: str, value: Secret, kind: str) -> Judgement | None:
        provider = self._naming.provider(name, value)
        if provider and (self.variable(name) or self._naming.looks_right(value, provider)):
            return Judgement(SURE, provider)
        patterned = [each for each in self._providers if self._naming.looks_right(value, each)]
        if patterned and not provider:
            sure = len(patterned) == 1 and _means_key(name)
            why = "" if sure else f"it reads like a key of {' or '.join(patterned)}, and its name does not say"
            return Judgement(SURE if sure else PERHAPS, patterned[0], why)
        if provider and _means_key(name):
            return Judgement(PERHAPS, provider, f"its name tells of {provider}, and its form does not")
        if kind == "agent" or not _means_key(name):
            return None
        return Judgement(PERHAPS, CUSTOM, "its name tells of a key, and of no provider in the catalog")


def hosts_of(providers: Mapping[str, Provider]) -> dict[str, str]:
    """The hosts of the providers' endpoints, with whose they are; loopback is nobody's."""
    urls = [
        (url, name) for name, each in providers.items() for shapes in each.endpoints.values() for url in shapes.values()
    ]
    found = {urlsplit(url).hostname or "": name for url, name in reversed(urls)}
    return {host: name for host, name in found.items() if "." in host and not host.startswith("127.")}


def _variables(providers: Mapping[str, Provider]) -> dict[str, str]:
    """The variables that carry a key, with whose; a provider's own one counts before what another provider drops."""
    dropped = {
        variable: name
        for name, each in providers.items()
        for variable in each.drop
        if {"KEY", "TOKEN"}.intersection(variable.split("_")) and not variable.endswith(("_FILE", "_DESCRIPTOR"))
    }
    return {**dropped, **{each.key_env: name for name, each in providers.items() if name != CUSTOM}}


def _snake(name: str) -> str:
    """`accessToken` as `access_Token`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace("-", "_")


def _means_key(name: str) -> bool:
    """Whether the name ends as those of keys do."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", _snake(name).upper()) if word]
    kinds = SECRET_WORDS - {"AUTH", "PASS", "PASSWORD", "PASSWD", "PASSPHRASE", "COOKIE"}
    return bool(words) and words[-1] in kinds and "PUBLIC" not in words
