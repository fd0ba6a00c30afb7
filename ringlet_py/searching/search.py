"""Looks for the wanted values in one source after the other, and in the names of the sources."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from ringlet_py.searching.engine import Engine
from ringlet_py.secret import REDACTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ringlet_py.searching.engine import Hit, Read
    from ringlet_py.searching.wanted import Wanted


@dataclass(frozen=True, kw_only=True)
class Source:
    """Something to be read once, from its beginning: what it is (`file`, `staged`, …), where it is, and its bytes."""

    kind: str
    place: str
    read: Read
    numbered: bool = True  # whether its lines have numbers for people


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A stored value that lies in a source; `line` counts from 1, 0 where there are no lines."""

    kind: str
    place: str
    line: int
    address: str
    form: str

    def __str__(self) -> str:
        where = f"{self.place}:{self.line}" if self.line else self.place
        return f"{where}: {self.address} ({self.form})"


class Search:
    """One search for all wanted values; `problems` says what could not be read."""

    def __init__(self, wanted: Wanted) -> None:
        self.problems: list[str] = []
        self._wanted = wanted
        self._engine = Engine(wanted.needles)

    def findings(self, sources: Iterable[Source], moved: Callable[[int], None]) -> Iterator[Finding]:
        """What is found, each once a line and form; `moved` is told how many bytes were read."""
        for source in sources:
            try:
                yield from self._in(source, moved)
            except OSError as problem:
                self.problems.append(f"{source.place}: {problem.strerror or problem}")

    def redacted(self, text: str) -> str:
        """The text without any of the values; not while findings are being read."""
        raw = text.encode("utf-8", "surrogateescape")
        for needle in {hit.needle for hit in self._hits(raw)}:
            raw = re.sub(self._wanted.needles[needle].pattern, REDACTED.encode(), raw)
        return REDACTED if any(self._hits(raw)) else raw.decode("utf-8", "surrogateescape")

    def _hits(self, raw: bytes) -> Iterator[Hit]:
        return self._engine.search(io.BytesIO(raw).readinto)

    def _in(self, source: Source, moved: Callable[[int], None]) -> Iterator[Finding]:
        def read(view: memoryview) -> int | None:
            count = source.read(view)
            moved(count or 0)
            return count

        # a name may hold a value as well, and is shown
        names = list(self._hits(source.place.encode("utf-8", "surrogateescape")))
        place = self.redacted(source.place) if names else source.place
        seen = set[Finding]()
        for hit, in_name in chain(((hit, True) for hit in names), ((hit, False) for hit in self._engine.search(read))):
            for address in self._wanted.owners[hit.needle]:
                found = Finding(
                    kind=source.kind,
                    place=place,
                    line=hit.line if source.numbered and not in_name else 0,
                    address=str(address),
                    form=f"{hit.form}, in its name" if in_name else hit.form,
                )
                if found not in seen:
                    seen.add(found)
                    yield found
