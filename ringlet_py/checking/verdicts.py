"""What an answer means: by its status, and by the fields that tell more; pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringlet_py.profile.check import LIMITED, OUT_OF_CREDIT, RATE_LIMITED, REJECTED, UNCLEAR, VALID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.checking.asking import Answer
    from ringlet_py.profile.check import Check, Telling

UNREACHABLE = "unreachable"
IMPOSSIBLE = "not-checkable"
UNREADABLE = "unreadable"
WORKS = (VALID, LIMITED, RATE_LIMITED)
USUAL = {
    200: VALID,
    401: REJECTED,
    402: OUT_OF_CREDIT,
    403: LIMITED,
    429: RATE_LIMITED,
}
WORDS = {
    VALID: "",
    LIMITED: "the provider knows the key, but does not let it ask this",
    RATE_LIMITED: "the provider knows the key, and says that it asks too often now",
    REJECTED: "the provider does not take the key",
    OUT_OF_CREDIT: "the provider says that nothing is left to pay with",
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a key fared: an outcome, why (in our own words), and the HTTP status (0: there was no answer)."""

    outcome: str
    why: str = ""
    status: int = 0

    @property
    def works(self) -> bool | None:
        """Whether the key works; None where nobody could tell."""
        return None if self.outcome in (UNREACHABLE, UNCLEAR, IMPOSSIBLE) else self.outcome in WORKS


def judged(check: Check, answer: Answer) -> Verdict:
    """What the answer means for the key."""
    if answer.problem:
        return Verdict(outcome=UNREACHABLE, why=answer.problem)
    content = _content(answer.body)
    outcome = next((each.outcome for each in check.tellings if _tells(each, content)), "")
    outcome = outcome or check.statuses.get(answer.status) or USUAL.get(answer.status, UNCLEAR)
    if not _is_theirs(check, outcome, content):
        return Verdict(outcome=UNCLEAR, why="the answer is not one of this provider's", status=answer.status)
    if outcome == UNCLEAR:
        return Verdict(outcome=UNCLEAR, why=_unclear(answer.status), status=answer.status)
    why = WORDS[outcome] or ("" if check.credit else "credit is not checked")
    return Verdict(outcome=outcome, why=why, status=answer.status)


def _is_theirs(check: Check, outcome: str, content: Any) -> bool:
    """What says that a key works has to be the provider's answer: what stands in between says 403 and 429 too."""
    if outcome == VALID:
        return any(True for _ in _at(content, check.expects))
    return outcome not in WORKS or isinstance(content, dict)


def _unclear(status: int) -> str:
    if status // 100 == 3:
        return f"it sends us elsewhere (status {status}), where a key does not go"
    return f"it answered with status {status}"


def _content(body: bytes) -> Any:
    """The JSON of the body, None for anything else."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _tells(telling: Telling, content: Any) -> bool:
    return any(_says(telling, value) for value in _at(content, telling.field))


def _says(telling: Telling, value: Any) -> bool:
    if telling.most is not None:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and value <= telling.most
    text = value if isinstance(value, str) else json.dumps(value) if isinstance(value, (bool, int)) else ""
    return text == telling.text


def _at(content: Any, field: str) -> Iterator[Any]:
    """What stands at the field, through lists too; nothing where it is not, or is null."""
    name, _, rest = field.partition(".")
    for each in content if isinstance(content, list) else [content]:
        found = each.get(name) if isinstance(each, dict) else None
        if found is not None:
            yield from _at(found, rest) if rest else [found]
