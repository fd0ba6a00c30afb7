"""What a caller may claim: `pool=openai feature=image-* agent=claude`, checked wherever a key is lent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.errors import ScopeInvalid
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.limits import Rate

REQUESTED = ("provider", "pool", "feature", "agent")  # what a request says
SPOKEN_FOR = ("user", "channel")  # on whose behalf it may be: nobody's, unless the scope names them
OF_THE_KEY = ("alias", "tier", "host")  # what is known of the key that it gets
NAMES = (*REQUESTED, *SPOKEN_FOR, *OF_THE_KEY)
_LONGEST = 2000  # characters of a scope
_PATTERN = re.compile(r"[A-Za-z0-9._:@+*-]{1,255}")


@dataclass(frozen=True, slots=True)
class Scope:
    """For each name that it has, patterns of which one must fit; what it does not name may be anything.

    In a pattern `*` stands for any text, the empty one too.  A name that the request or the key does not say is the
    empty text, which only `*` fits: `agent=claude` admits no request that does not say for which agent.

    `user` and `channel` are the other way round: without them no request may name a user or a channel, with them it may
    name one that fits, or none.  A scope that names nothing at all admits everything.
    """

    patterns: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Scope:
        """The scope in a text of `NAME=PATTERN` with blanks between them; ScopeInvalid.

        A name may stand several times, or with several patterns and commas between them: any of these may fit.
        """
        if len(text) > _LONGEST:
            raise ScopeInvalid(f"a scope has at most {_LONGEST} characters, this one has {len(text)}")
        found: dict[str, list[str]] = {}
        for part in text.split():
            name, patterns = _parsed(part)
            found.setdefault(name, []).extend(patterns)
        return cls(tuple((name, tuple(sorted(set(found[name])))) for name in NAMES if name in found))

    def forbids(self, facts: Mapping[str, str]) -> str:
        """The first name among the facts whose fact does not fit, "" if all do; names without a fact are not asked."""
        for name, patterns in self.patterns:
            if name not in facts or (name in SPOKEN_FOR and not facts[name]):
                continue
            if not any(_fits(facts[name], pattern) for pattern in patterns):
                return name
        spoken_for = SPOKEN_FOR if self.patterns else ()
        return next((name for name in spoken_for if facts.get(name) and not self.names(name)), "")

    def names(self, *names: str) -> bool:
        """Whether it says something of one of these."""
        return any(name in names for name, _ in self.patterns)

    def wider(self, other: Scope) -> str:
        """The first name for which this one may admit what the other does not, "" if it is within the other.

        Certain, not exhaustive: `ab*` and `a*` are compared as patterns, so `*` with the other's full list of names
        counts as wider than that list.
        """
        own, others = dict(self.patterns), dict(other.patterns)
        if not own or not others:
            return next(iter(others), "")
        for name, patterns in others.items():
            if name in SPOKEN_FOR and name not in own:
                continue
            if name not in own or not all(any(_covers(wide, one) for wide in patterns) for one in own[name]):
                return name
        return next((name for name in SPOKEN_FOR if name in own and name not in others), "")

    def __str__(self) -> str:
        return " ".join(f"{name}={','.join(patterns)}" for name, patterns in self.patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """A token as a claim names it: one use is counted on it, for which it has to be in the ledger and not expired."""

    id: str
    rates: tuple[Rate, ...] = ()


def _parsed(part: str) -> tuple[str, list[str]]:
    name, equals, rest = part.partition("=")
    if not equals:
        raise ScopeInvalid("a part of the scope is not NAME=PATTERN")
    if name not in NAMES:
        raise ScopeInvalid(f"a scope has no {name[:40]!a}", why=did_you_mean(name[:40], NAMES) or _names())
    patterns = rest.split(",")
    for pattern in patterns:
        if not _PATTERN.fullmatch(pattern):
            why = "a pattern is of letters, digits, '.', '_', ':', '@', '+', '-' and '*', at most 255"
            raise ScopeInvalid(f"what the scope says of {name} cannot be a pattern", why=why)
    return name, patterns


def _names() -> str:
    return f"it has {', '.join(NAMES)}"


def _covers(wide: str, narrow: str) -> bool:
    """Whether every text that fits the narrow pattern fits the wide one.

    The narrow one's `*` is taken as a letter of its own, which only a `*` of the wide one takes in.
    """
    return _fits(narrow, wide)


def _fits(text: str, pattern: str) -> bool:
    """Whether the pattern is the text, once each `*` is some text; in a time that grows as both do."""
    start, *parts = pattern.split("*")
    if not parts:
        return text == pattern
    place = len(start)
    for part in parts[:-1]:
        # the first place is as good as any: what is left of the text is longest there
        found = text.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return text.startswith(start) and text.endswith(parts[-1]) and len(text) >= place + len(parts[-1])
