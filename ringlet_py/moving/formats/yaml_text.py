"""YAML in block style: a pair becomes a comment, and `{}` stays where it was the only one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.moving.formats import Edit, mark
from ringlet_py.moving.formats.places import Alone, in_order
from ringlet_py.moving.formats.yaml_reading import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ringlet_py.moving.formats import Spot
    from ringlet_py.moving.formats.yaml_reading import Mapping


class YamlText(Alone):
    """Agents' settings in YAML."""

    def spots(self, text: str) -> list[Spot]:
        return in_order(Reader(text).read())

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        addresses = {spot.start: address for spot, address in cut}
        reader = Reader(text)
        reader.read()
        edits = [edit for mapping in reader.mappings for edit in _edits(mapping, addresses)]
        return sorted(edits, key=lambda edit: edit.start)


def _edits(mapping: Mapping, addresses: dict[int, str]) -> Iterator[Edit]:
    """Where no pair is left, the first one leaves `{}`: nothing at all would be null, which is another value."""
    cut = [pair for pair in mapping.pairs if any(spot.start in addresses for spot in pair.spots)]
    for number, pair in enumerate(cut):
        comment = f"# {mark([(spot, addresses[spot.start]) for spot in pair.spots])}"
        emptied = number == 0 and len(cut) == len(mapping.pairs)
        yield Edit(start=pair.start, end=pair.end, left=f"{{}} {comment}" if emptied else comment)
