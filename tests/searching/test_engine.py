from __future__ import annotations

import base64
import io
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringlet_py.needles import needles_of
from ringlet_py.searching import engine
from ringlet_py.searching.engine import Engine
from tests.encodings import written

if TYPE_CHECKING:
    from collections.abc import Callable

SHORT = "hunter22"  # its anchors are too short for words
KEYS = ["sk-made-up-0123456789abcdef0123456789", "a/b+c==d%e&f<g{h}~i/jk", SHORT]
NOISE = random.Random(6).randbytes(3_000_000)  # noqa: S311 - nothing secret
FORMS = [(number, form) for number, key in enumerate(KEYS) for form in written(key)]


def made(keys: list[str] = KEYS) -> Engine:
    return Engine([needle for key in keys for needle in needles_of(key)])


def found(
    searching: Engine, text: bytes, read: Callable[[memoryview], int | None] | None = None
) -> list[tuple[int, int]]:
    """(which key, line), without the forms."""
    hits = searching.search(read or io.BytesIO(text).readinto)
    return [(hit.needle // len(needles_of(SHORT)), hit.line) for hit in hits]


def in_pieces(text: bytes, sizes: list[int]) -> Callable[[memoryview], int | None]:
    """A stream that gives little at a time, as a pipe does."""
    stream, rest = io.BytesIO(text), iter(sizes)

    def read(view: memoryview) -> int | None:
        return stream.readinto(view[: next(rest, len(view))])

    return read


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least buffer there can be, so that a few kilobytes have many ends of chunks."""
    monkeypatch.setattr(engine, "CHUNK", 1)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(FORMS), st.integers(0, 9000)), max_size=6),
    st.integers(0, 5),
    st.lists(st.integers(1, 5000), max_size=5),
)
def test_every_form_is_found_in_its_line_wherever_it_stands(
    planted: list[tuple[tuple[int, bytes], int]], first: int, sizes: list[int]
):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(engine, "CHUNK", 1)
        searching = made()
    text, wanted = b"." * first, []
    for (number, form), distance in planted:
        text += b"." * (distance // 2) + b"\n" * (distance % 3) + b"." * (distance // 2)
        wanted.append((number, text.count(b"\n") + 1))
        text += form

    assert sorted(set(found(searching, text, in_pieces(text, sizes)))) == sorted(set(wanted))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\\n"])
@pytest.mark.parametrize("before", range(0, 90, 5))
def test_a_broken_form_is_found_once_in_the_line_where_it_begins(end: bytes, before: int):
    for raw in (base64.b64encode(b"x" * before + KEYS[0].encode()), (b"x" * before + KEYS[0].encode()).hex().encode()):
        start = before * 4 // 3 if len(raw) < 2 * before + 60 else 2 * before
        text = b"one\ntwo\n" + end.join(raw[place : place + 60] for place in range(0, len(raw), 60))
        lines = {3 + (start + more) // 60 * end.count(b"\n") for more in (0, 1)}

        [(key, line)] = found(made(), text)
        assert key == 0
        assert line in lines


def test_every_place_at_the_end_of_a_chunk_is_seen_once(small: None):
    searching = made()
    size = len(searching._buffer)
    first = size - searching._kept  # about where the first chunk ends
    for number, form in FORMS:
        for place in [*range(first - searching._kept - 60, first + 20, 23), first - len(form) - 8]:
            assert found(searching, b"-" * place + form + b"-" * size) == [(number, 1)]


@pytest.mark.slow
def test_nothing_is_found_where_nothing_is(small: None):
    text = NOISE[:100_000] + b"sk-made-up-0123456789abcdef012345678" * 100

    assert found(made(), text) == []
    assert found(made([]), text) == []


@pytest.mark.slow
def test_a_value_of_one_character_again_and_again_takes_no_time():
    searching = made(["0" * 40])

    assert {line for _, line in found(searching, (b"0" * 39 + b"x" + b"0" * 9_000 + b"\n") * 9)} == set(range(1, 10))


def test_memory_does_not_grow_with_the_text():
    searching = made()
    before = len(searching._buffer)
    endless = base64.b64encode(NOISE)

    assert found(searching, endless) == []
    assert len(searching._buffer) == before < 1 << 18
