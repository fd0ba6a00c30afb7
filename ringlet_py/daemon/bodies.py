"""What a request says: a JSON object taken apart strictly, as configuration files are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ringlet_py.daemon.answers import JSON
from ringlet_py.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request as HttpRequest

    Kinds = Mapping[str, type | tuple[type, ...]]

_TYPE = f"its Content-Type is not {JSON}"


async def object_of(request: HttpRequest, kinds: Kinds) -> dict[str, Any]:
    """The JSON object in the body; UsageError for anything else, for a name not in `kinds` and for another type.

    A name that is null counts as left out.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise UsageError("the body is not JSON", why=_TYPE, hint=f"send Content-Type: {JSON}")
    try:
        found = json.loads(await request.body(), parse_constant=_refuse, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise UsageError("the body is not JSON") from None
    if not isinstance(found, dict):
        raise UsageError("the body is not a JSON object")
    given = {name: value for name, value in found.items() if value is not None}
    for name, value in given.items():
        _check(name, value, kinds)
    return given


def _check(name: str, value: object, kinds: Kinds) -> None:
    if name not in kinds:
        raise UsageError(f"{name[:40]!a} is not known here", why=f"known are {', '.join(kinds)}")
    if not isinstance(value, kinds[name]) or (isinstance(value, bool) and kinds[name] is not bool):
        raise UsageError(f"{name} has a wrong type: {type(value).__name__}")


def _refuse(_: str) -> object:
    raise ValueError


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found
