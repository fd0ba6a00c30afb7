"""`GET /admin/usage`: which key was lent to whom and for what, out of the audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringlet_py.audit.log import CLAIM, OK
from ringlet_py.audit.reading import latest
from ringlet_py.daemon.answers import answer
from ringlet_py.daemon.keypooler_admin import for_admin
from ringlet_py.daemon.keypooler_notes import CONSUMER, KEY
from ringlet_py.daemon.keypooler_shapes import id_of, moment
from ringlet_py.tokens.caller import ADMIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response


DEFAULT = 100
MOST = 1000
_TOKEN = "token:"  # noqa: S105 - what stands before a token's name in a record


async def list_usage(request: HttpRequest) -> Response:
    """The last claims that went well, newest first."""
    daemon = await for_admin(request)
    count = limit_of(request.query_params.get("limit", ""))
    records = await daemon.look(latest, daemon.app.folders.state, is_use, count)
    return answer([used(record) for record in records])


def limit_of(text: str) -> int:
    """How many are wanted, as keypooler takes it: what is no number above 0 is 100, and more than 1000 is 1000."""
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or not digits.strip("0"):
        return DEFAULT
    return min(int(digits[:19].lstrip("0") or MOST), MOST)


def is_use(record: Mapping[str, Any]) -> bool:
    """Whether the record tells of a key that was lent; a bound secret went along with its key."""
    went_well = record.get("action") == CLAIM and record.get("outcome") == OK
    return went_well and "#" not in str(record.get("address", "#"))


def used(record: Mapping[str, Any]) -> dict[str, str]:
    """The record as keypooler's clients read it."""
    # on behalf of a user a token stands in the purpose
    tokens = [str(record.get(name, "")) for name in ("caller", "purpose")]
    names = [each.removeprefix(_TOKEN) for each in tokens if each.startswith(_TOKEN)]
    return {
        "key_id": id_of(KEY, str(record["address"])),
        "consumer_id": id_of(CONSUMER, names[0]) if names else ADMIN,
        "feature": str(record.get("feature", "")),
        "created_at": moment(str(record.get("at", ""))) or "",
    }
