"""What systemd and PAM put into every session's environment: `environment.d/*.conf` and `/etc/environment`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.moving.formats.assignments import Dialect, assignments, edits
from ringlet_py.moving.formats.places import Alone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringlet_py.moving.formats import Edit, Spot

# environment.d(5): a remark behind a value is a part of it
_SYSTEMD = Dialect(comments="#;", exports=False, remarks=False, strict=True)
# pam_env(7): the line ends at the first `#`, and `export ` may stand before the name
_PAM = Dialect(comments="#", exports=True, remarks=True, strict=True)


class EnvironmentD(Alone):
    """`environment.d/*.conf`, and what a unit's `EnvironmentFile=` names, which is read in the same way."""

    def spots(self, text: str) -> list[Spot]:
        return [each.spot for each in assignments(text, _SYSTEMD)]

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        return edits(text, cut, _SYSTEMD)


class EtcEnvironment(Alone):
    """`/etc/environment`, as pam_env reads it."""

    def spots(self, text: str) -> list[Spot]:
        return [each.spot for each in assignments(text, _PAM)]

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        return edits(text, cut, _PAM)
