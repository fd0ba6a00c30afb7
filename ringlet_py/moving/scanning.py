"""Looks through all the places, and says which keys lie about there."""

from __future__ import annotations

import codecs
import glob
import os
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ringlet_py.errors import RingletError
from ringlet_py.moving.finding import ENVIRONMENT, STORE, WINDOWS, Find, Text
from ringlet_py.moving.judging import LEFT, PERHAPS, SURE, Judge, Judgement
from ringlet_py.moving.proposing import hint_of, proposed
from ringlet_py.moving.reading import read_source, why_not_edited
from ringlet_py.moving.redacting import without_keys
from ringlet_py.moving.stored import Stored
from ringlet_py.moving.stores.reading import Unread
from ringlet_py.moving.windows_variables import PLACE
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ringlet_py.keychain import Keychain
    from ringlet_py.moving.formats import Format, Spot
    from ringlet_py.moving.places import Place
    from ringlet_py.moving.stores import Candidate, Store
    from ringlet_py.moving.windows_variables import Variable
    from ringlet_py.profile.provider import Provider

MOST_DEPTH = 8  # files that read files
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # as Windows' own PowerShell writes profiles
_BY_HAND = "it is not in a file that was found; what set it is not known"


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What was found, in the order of the places, and notes on what could not be looked at."""

    finds: list[Find]
    notes: list[str]


@dataclass(kw_only=True)
class Scanner:
    """One look at all of it; `format_of` says how a file of that path is read, `stores` are other tools' stores."""

    keychain: Keychain
    providers: Mapping[str, Provider]
    home: str
    environ: Mapping[str, str]
    format_of: Callable[..., Format | None]
    stores: Callable[[], Iterable[Store]]
    variables: Callable[[], Iterable[Variable]] = tuple
    _notes: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def scan(self, places: Iterable[Place]) -> Scan:
        """Looks at these places, the environment and the stores; raises nothing for what cannot be read."""
        self._notes, self._seen = [], set()
        stored = Stored(self.keychain)
        judge = Judge(self.providers, stored.address)
        finds = [find for place in places for find in self._in_file(place, judge)]
        finds += self._of_user(judge)
        finds += self._in_environment(finds, judge)
        finds += [find for store in self.stores() for find in self._in_store(store, judge)]
        notes = [*([stored.note] if stored.note else []), *self._notes]
        return Scan(finds=proposed(finds, map(str, stored.there), self.home), notes=list(dict.fromkeys(notes)))

    def _in_file(self, place: Place, judge: Judge, depth: int = 0) -> Iterator[Find]:
        """The keys in the file, and in those that it reads in turn."""
        real = os.path.realpath(place.path)
        if real in self._seen:
            return
        self._seen.add(real)
        format_ = self.format_of(place.path, shell=place.shell)
        if format_ is None:
            return
        try:
            source = read_source(place.path)
        except FileNotFoundError:
            return
        except Unread as problem:
            self._notes.append(str(problem))
            return
        if source.raw.startswith(_WIDE):
            self._notes.append(f"{place.path!a} was not looked at: it is in UTF-16")
            return
        text = Text(source=source, format=format_, kind=place.kind, why_not=why_not_edited(source.real))
        whole = source.text
        found = [find for spot in format_.spots(whole) for find in self._judged(text, spot, judge)]
        taken = [(find.spot.start, find.spot.end) for find in found if find.spot is not None]
        yield from sorted([*found, *_strays(text, whole, taken, judge)], key=lambda find: find.line)
        if depth < MOST_DEPTH:
            for path in self._sourced(format_.sourced(whole)):
                if _is_within(path, place.within):
                    yield from self._in_file(replace(place, path=path), judge, depth + 1)
                elif os.path.exists(path):  # whoever made the folder chose it
                    self._notes.append(
                        f"{path!a} was not looked at for {place.path!a}: it is not below {place.within!a}"
                    )

    def _judged(self, text: Text, spot: Spot, judge: Judge) -> Iterator[Find]:
        judgement = judge.judged(spot.name, spot.value, text.kind)
        if judgement is not None:
            yield Find(
                place=text.source.path,
                kind=text.kind,
                name=without_keys(spot.name, self.providers),
                line=spot.line,
                value=spot.value,
                judgement=judgement,
                hint=hint_of(text.source.path, text.kind, self.home),
                text=text,
                spot=spot,
            )

    def _sourced(self, written: Sequence[str]) -> Iterator[str]:
        """The files that are named so, where that can be told: below the home or absolute."""
        for name in written:
            path = self._expanded(name)
            if os.path.isabs(path) and "\0" not in path:
                yield from sorted(glob.glob(path)) if glob.has_magic(path) else [path]

    def _expanded(self, name: str) -> str:
        """The path with the home folder and variables in their places; "" where one of them is not known."""
        known = {**self.environ, "HOME": self.home}
        path = re.sub(r"^~(?=/|$)", lambda _: self.home, name)
        unknown = [variable for variable in re.findall(r"\$\{?(\w+)\}?", path) if not known.get(variable)]
        filled = re.sub(r"\$\{(\w+)\}|\$(\w+)", lambda found: known.get(found[1] or found[2], ""), path)
        return "" if unknown or "$" in filled or "`" in filled else filled

    def _of_user(self, judge: Judge) -> Iterator[Find]:
        """The user's variables that Windows keeps."""
        try:
            variables = list(self.variables())
        except RingletError as problem:
            self._notes.append(f"{problem.what}: {problem.why}")
            return
        for each in variables:
            judgement = judge.judged(each.name, each.value, WINDOWS)
            if judgement is not None:
                yield Find(
                    place=PLACE, kind=WINDOWS, name=each.name, value=each.value, judgement=judgement, variable=each
                )

    def _in_environment(self, found: Sequence[Find], judge: Judge) -> Iterator[Find]:
        """The variables that are set now, with the file that sets each, as far as that is among the files found."""
        for name, text in sorted(self.environ.items()):
            value = Secret(text)
            judgement = judge.judged(name, value, ENVIRONMENT)
            setters = [each for each in found if each.name == name and _same(each, value)]
            if judgement is None or (judgement.level == PERHAPS and not setters):
                continue
            why = f"set by {setters[0].where}" if setters else _BY_HAND
            left = replace(judgement, level=LEFT, why=why)
            yield Find(place=ENVIRONMENT, kind=ENVIRONMENT, name=name, value=value, judgement=left)

    def _in_store(self, store: Store, judge: Judge) -> Iterator[Find]:
        candidates, notes = store.finds()
        self._notes += notes
        for each in candidates:
            yield self._offered(each, judge)

    def _offered(self, each: Candidate, judge: Judge) -> Find:
        """What another tool keeps is copied, and that tool's command removes it there."""
        stored = judge.stored(each.value) if each.value is not None else ""
        if stored:
            judgement = Judgement(LEFT, stored.partition("/")[0], f"it is {stored} in the keychain already", stored)
        elif each.value is not None and each.provider:
            judgement = Judgement(SURE, each.provider)
        else:
            why = "to read it may ask you" if each.value is None else "nothing says whose key it is"
            judgement = Judgement(PERHAPS, each.provider, why)
        return Find(
            place=each.place,
            kind=STORE,
            name=each.name,
            line=each.line,
            value=each.value,
            judgement=judgement,
            hint=each.alias,
            candidate=each,
            remove=each.remove,
            fields=each.fields,
        )


def _strays(text: Text, whole: str, taken: Sequence[tuple[int, int]], judge: Judge) -> Iterator[Find]:
    """Keys that stand in comments, commands and the like, where nothing but a person can take them out."""
    if text.kind == "agent":  # agents write down more than settings there; `ringlet scan --agents` looks for that
        return
    for start, value, judgement in judge.strays(whole):
        if not any(first <= start < last for first, last in taken):
            line = whole.count("\n", 0, start) + 1
            yield Find(
                place=text.source.path, kind=text.kind, name="-", line=line, value=value, judgement=judgement, text=text
            )


def _is_within(path: str, folder: str) -> bool:
    return not folder or os.path.realpath(path).startswith(os.path.join(os.path.realpath(folder), ""))


def _same(find: Find, value: Secret) -> bool:
    try:
        return find.value is not None and find.value.same_as(value)
    except UnicodeEncodeError:  # bytes that are no text: no keychain takes them
        return False
