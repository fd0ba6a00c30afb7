"""Where the edits of a receipt stand in a file now, which may have been changed since."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ringlet_py.files.digest import digest_of
from ringlet_py.moving.cutting import lines_around, print_of_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from ringlet_py.moving.cutting import Removed
    from ringlet_py.moving.reading import Source
    from ringlet_py.moving.receipts import FileReceipt

_MARK = "ringlet: "  # how every comment that was left begins
_ALONE = re.compile(r"(?:[\w:]+ )?(?:#|<!--) ringlet: .*", re.DOTALL)  # a comment, or one behind a command of nothing
_MARKED = re.compile(r"(\S+) is (\S+/\S+) in the keychain")
SAME, CHANGED, RESTORED = "same", "changed", "restored"


@dataclass(frozen=True, kw_only=True, eq=False)
class Placed:
    """A file of a receipt as it is now; `state` is whether it is as it was left, `places` where which edit goes.

    `stays` are the edits that cannot be put back, and `why_not` says why, a line for each.
    """

    receipt: FileReceipt
    source: Source
    state: str
    places: tuple[tuple[int, Removed], ...] = ()
    stays: tuple[Removed, ...] = ()
    why_not: tuple[str, ...] = ()

    @property
    def addresses(self) -> list[str]:
        """The keys that go back into it."""
        return list(dict.fromkeys(address for _, removed in self.places for address in removed.addresses))

    @property
    def left_over(self) -> FileReceipt | None:
        """What a receipt says of it once that is done; None if nothing is left.

        Without a digest: the file then holds keys, and whoever has the rest of it could try out values.
        """
        return replace(self.receipt, after="", removed=self.stays) if self.stays else None

    def filled(self, value: Callable[[str], str]) -> str:
        """The text with what was removed in its place again; `value` gives what stands for the key of an address."""
        pieces, end, text = [], 0, self.source.text
        for place, removed in self.places:
            pieces += [text[end:place], "".join(each.text or value(each.address) for each in removed.pieces)]
            end = place + len(removed.left)
        return "".join([*pieces, text[end:]])


def placed(receipt: FileReceipt, source: Source, *, before: str, there: Collection[str] | None = None) -> Placed:
    """Where its edits stand; `before` is the fingerprint of what the file holds now, `there` the keys that there are.

    Without `there` all keys are.
    """
    if before and before == receipt.before:
        return Placed(receipt=receipt, source=source, state=RESTORED)
    same = digest_of(source.raw) == receipt.after and _fits(receipt.removed, source.text)
    looks = _in_place(receipt.removed) if same else _looked_for(receipt.removed, source)
    looks = [_with_keys(look, source.path, there) for look in looks]
    groups = [[looks[number] for number in group] for group in _groups(receipt.removed)]
    open_ = [group for group in groups if any(look.place != _BACK for look in group)]
    good = [group for group in open_ if all(look.place >= 0 for look in group) and _in_order(group)]
    stays = [look for group in open_ if group not in good for look in group]
    return Placed(
        receipt=receipt,
        source=source,
        state=SAME if same else CHANGED if open_ else RESTORED,
        places=tuple(sorted(((look.place, look.removed) for group in good for look in group), key=lambda one: one[0])),
        stays=tuple(look.removed for look in stays),
        why_not=tuple(_reasons(stays, source.path)),
    )


_BACK, _LOST = -1, -2  # instead of a place: it stands there again, it cannot be told where


@dataclass(frozen=True)
class _Look:
    """One edit and its place in the file, or why it has none."""

    removed: Removed
    place: int
    why_not: str = ""


def _fits(removed: Sequence[Removed], text: str) -> bool:
    """Whether what was left stands where the receipt has it, one behind the other; a damaged one says anything."""
    end = 0
    for each in removed:
        first, lines = lines_around(text, each.start, each.start + len(each.left))
        if each.start < end or each.start - first != each.column or not text.startswith(each.left, each.start):
            return False
        if print_of_lines(lines) != each.around:
            return False
        end = each.start + len(each.left)
    return True


def _in_place(removed: Sequence[Removed]) -> list[_Look]:
    return [_Look(each, each.start) for each in removed]


def _looked_for(removed: Sequence[Removed], source: Source) -> list[_Look]:
    return [_look_for(number, removed, source) for number in range(len(removed))]


def _look_for(number: int, every: Sequence[Removed], source: Source) -> _Look:
    """The one place where what was left still stands; as many places where the same was left for the same."""
    removed = every[number]
    if _stands(removed, source.text):
        return _Look(removed, _BACK)
    places, same = list(_by_lines(removed, source.text)), [removed]
    if _MARK in removed.left:
        places = list(_by_mark(removed, source.text, every))
        same = [each for each in every if each.left == removed.left]
    if len(places) == len(same) and all(each.pieces == removed.pieces for each in same):
        return _Look(removed, places[sum(each.left == removed.left for each in every[:number]) % len(same)])
    there = "is gone" if not places else f"stands there {len(places)} times"
    return _Look(removed, _LOST, f"{source.path} was changed, and what was left in line {removed.line} {there}")


def _by_mark(removed: Removed, text: str, every: Sequence[Removed]) -> Iterator[int]:
    """The places of its comment, but for those that are a part of another one's longer words."""
    longer = {each.left for each in every if removed.left in each.left} - {removed.left}
    taken = [found.span() for left in longer for found in re.finditer(re.escape(left), text)]
    for found in re.finditer(re.escape(removed.left), text):
        if not any(start <= found.start() < end for start, end in taken):
            yield found.start()


def _with_keys(look: _Look, path: str, there: Collection[str] | None) -> _Look:
    missing = [address for address in look.removed.addresses if there is not None and address not in there]
    if look.place < 0 or not missing:
        return look
    said = f"{', '.join(missing)} is not in the keychain, so line {look.removed.line} of {path} was left as it is"
    return _Look(look.removed, _LOST, said)


def _groups(removed: Sequence[Removed]) -> list[list[int]]:
    """Which edits go back only together: all that are not a comment in the place of a key, and what they name.

    Members of a `{…}` share commas, words of a command one comment, and an emptied table says so in one of its lines.
    """
    every = range(len(removed))
    emptied = any("{}" in each.left for each in removed)
    tied = {number for number in every if emptied or not _is_alone(removed[number])}
    named = {name for number in tied for name, _ in _MARKED.findall(removed[number].left)}
    tied |= {number for number in every if any(name in named for name, _ in _MARKED.findall(removed[number].left))}
    return [[number] for number in every if number not in tied] + ([sorted(tied)] if tied else [])


def _is_alone(removed: Removed) -> bool:
    """Whether it left a comment in the place of the keys that the comment names, and nothing else.

    The keys are counted: one that was renamed since has another address there.
    """
    named = {address for _, address in _MARKED.findall(removed.left)}
    return bool(_ALONE.fullmatch(removed.left)) and len(named) == len(set(removed.addresses)) > 0


def _in_order(group: Sequence[_Look]) -> bool:
    places = [look.place for look in group]
    return places == sorted(places)


def _reasons(stays: Sequence[_Look], path: str) -> list[str]:
    """Why these stay; a reason for one of a group is one for all of it."""
    reasons = [look.why_not for look in stays if look.why_not]
    if stays and not reasons:
        reasons = [f"{path} was changed, and what was cut cannot be placed in it as a whole"]
    return list(dict.fromkeys(reasons))


def _by_lines(removed: Removed, text: str) -> Iterator[int]:
    """The places in lines that are as they were left."""
    height = removed.left.count("\n")
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    for start in starts[: len(starts) - height]:
        place = start + removed.column
        first, lines = lines_around(text, place, place + len(removed.left))
        if first != start or not text.startswith(removed.left, place):
            continue
        if place <= len(text) and print_of_lines(lines) == removed.around:
            yield place


def _stands(removed: Removed, text: str) -> bool:
    """Whether what was removed stands there again, whatever the value: somebody put it back."""
    if _MARK not in removed.left or removed.left in text:
        return False
    return bool(removed.pieces) and re.search("".join(_pattern(removed)), text) is not None


def _pattern(removed: Removed) -> list[str]:
    return [re.escape(piece.text) if piece.text else r"[!-~]+" for piece in removed.pieces]
