from __future__ import annotations

import copy
import json
import pickle
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.errors import InvalidSecret
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "sk-canary-7f3a9b2c4d5e6f708192a3b4c5d6e7f8"
FORBIDDEN = " \"'`\\"
KEY_CHARACTERS = "".join(chr(n) for n in range(33, 127) if chr(n) not in FORBIDDEN)

keys = st.text(st.sampled_from(KEY_CHARACTERS), min_size=1, max_size=200).filter(
    lambda text: not text.lower().startswith("bearer ")
)


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        ascii,
        format,
        "{}".format,
        "{!r}".format,
        "{!s:>80}".format,
        "{:x}".format,
        lambda secret: f"{secret}",
        lambda secret: f"{secret!r:^40}",
        lambda secret: "%s" % secret,  # noqa: UP031
        lambda secret: "%r" % (secret,),  # noqa: UP031
        lambda secret: str([secret]),
        lambda secret: str({"key": secret}),
        lambda secret: repr(ValueError(secret)),
        lambda secret: json.dumps({"key": secret}, default=str),
        lambda secret: json.dumps({"key": secret}, default=repr),
    ],
)
def test_no_way_of_showing_a_secret_shows_its_value(show: Callable[[Secret], str]):
    shown = show(Secret(CANARY))

    assert CANARY not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "leak",
    [
        *(lambda secret, n=n: pickle.dumps(secret, n) for n in range(pickle.HIGHEST_PROTOCOL + 1)),
        copy.copy,
        copy.deepcopy,
        json.dumps,
        iter,
        list,
        bytes,
        hash,
        vars,
        "".join,
        lambda secret: secret == Secret(CANARY),
        lambda secret: secret != Secret(CANARY),
        lambda secret: secret in (Secret("other"), Secret(CANARY)),
        lambda secret: secret + "",
        lambda secret: secret[0],
        len,
        lambda secret: {secret},
    ],
)
def test_what_could_let_a_value_out_is_refused_without_naming_it(leak: Callable[[Secret], object]):
    with pytest.raises(TypeError) as caught:
        leak(Secret(CANARY))

    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_traceback_through_a_frame_that_holds_a_secret_does_not_show_it():
    def fail(secret: Secret) -> None:
        raise RuntimeError("failed with", secret)

    with pytest.raises(RuntimeError) as caught:
        fail(Secret(CANARY))

    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert CANARY not in "".join(line for line in shown.format() if "Secret(***)" in line)
    assert "Secret(***)" in "".join(shown.format())


def test_reveal_gives_the_value():
    assert Secret(CANARY).reveal() == CANARY


@given(keys)
def test_a_key_comes_out_as_it_went_in(key: str):
    assert Secret.from_input(key.encode()).reveal() == key


@given(keys, st.sampled_from(["\n", "\r\n"]))
def test_exactly_one_line_end_is_dropped(key: str, end: str):
    assert Secret.from_input(f"{key}{end}".encode()).reveal() == key
    with pytest.raises(InvalidSecret, match="line break"):
        Secret.from_input(f"{key}{end}{end}".encode())


@given(st.binary(max_size=60))
def test_bytes_are_a_key_or_refused_without_being_repeated(raw: bytes):
    taken, problem = None, None
    try:
        taken = Secret.from_input(raw)
    except InvalidSecret as error:
        problem = error
    if taken:
        assert set(taken.reveal()) <= set(KEY_CHARACTERS)
        assert raw.startswith(taken.reveal().encode())
    else:
        assert problem
        assert problem.__context__ is None
        assert len(raw) < 4 or repr(raw)[2:-1] not in f"{problem} {problem.why} {problem.hint}"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"\r\n", "empty"),
        (b"ab\ncd", "line break"),
        (b"ab\rcd", "line break"),
        (b"abcd\r", "line break"),
        (b"abcd\n\r", "line break"),
        (b"ab cd", "blank"),
        (b" abcd", "blank"),
        (b"ab\tcd", "control character"),
        (b"ab\0cd", "control character"),
        (b"ab\x7fcd", "control character"),
        (b"ab\x1b[31m", "control character"),
        (b'"abcd"', "quote"),
        (b"'abcd'", "quote"),
        (b"`abcd`", "quote"),
        (b"ab\\cd", "backslash"),
        (b"\xef\xbb\xbfabcd", "ASCII"),
        ("schlüssel".encode(), "ASCII"),
        (b"ab\xc2\xa0cd", "ASCII"),
        (b"ab\xffcd", "ASCII"),
        (b"Bearer abcd", "Bearer"),
        (b"bearer abcd", "Bearer"),
    ],
)
def test_what_cannot_be_a_key_is_refused_with_the_reason(raw: bytes, reason: str):
    with pytest.raises(InvalidSecret, match=reason) as caught:
        Secret.from_input(raw)

    assert "abcd" not in f"{caught.value} {caught.value.why} {caught.value.hint}"


def test_each_byte_is_either_of_the_alphabet_or_refused():
    taken = {}
    for byte in range(256):
        with suppress(InvalidSecret):
            taken[chr(byte)] = Secret.from_input(b"ab" + bytes([byte]) + b"cd").reveal()

    assert taken == {character: f"ab{character}cd" for character in KEY_CHARACTERS}


@given(keys, keys)
def test_same_as_tells_equal_from_different(one: str, other: str):
    assert Secret(one).same_as(Secret(one))
    assert Secret(one).same_as(Secret(other)) == (one == other)


def test_matches_means_the_whole_value():
    secret = Secret("sk-ant-abc")

    assert secret.matches(r"sk-ant-[a-z]+")
    assert not secret.matches(r"sk-ant-")
    assert secret.starts_with("sk-ant-")
    assert not secret.starts_with("gsk_")


@given(keys)
def test_length_is_the_number_of_characters(key: str):
    assert Secret(key).length == len(key)


def test_redact_replaces_every_plain_occurrence():
    assert Secret(CANARY).redact(f"a{CANARY}b{CANARY}") == "a***b***"


def test_the_tail_shows_four_characters_of_a_long_value_and_none_of_a_short_one():
    assert Secret("sk-made-up-0123456789").tail() == "…6789"
    assert Secret("short-0123456789").tail() == "***"
