"""What a search finds, with a bar of how far it is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ringlet_py.cli.progress import progress
from ringlet_py.searching.search import Search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ringlet_py.searching.looking import Looking
    from ringlet_py.searching.search import Finding
    from ringlet_py.searching.wanted import Wanted


def found_in(looking: Looking, values: Wanted, show: Callable[[Finding], None] | None = None) -> Iterator[Finding]:
    """Each finding, shown as soon as it is there; afterwards the places' `problems` are complete."""
    search = Search(values)
    # how much there is has to be counted first, which is for nothing where nobody sees it
    total = looking.size() if sys.stderr is not None and sys.stderr.isatty() else 0
    with progress("searching", total=total) as moved:
        for finding in search.findings(looking.sources(), moved):
            if show:
                moved.hide()
                show(finding)
            yield finding
    looking.problems[:] = [search.redacted(problem) for problem in (*looking.problems, *search.problems)]
