from __future__ import annotations

from ringlet_py.suggest import did_you_mean, nearest


def test_a_slip_of_the_finger_finds_the_name() -> None:
    assert nearest("antropic", ["anthropic", "openai"]) == "anthropic"


def test_case_does_not_matter() -> None:
    assert nearest("Anthropic", ["anthropic"]) == "anthropic"


def test_something_else_finds_nothing() -> None:
    assert nearest("github", ["anthropic", "openai", "gemini"]) == ""


def test_the_nearest_name_is_offered() -> None:
    assert did_you_mean("opnai", ["openai", "xai"]) == "did you mean 'openai'?"


def test_without_a_near_name_all_are_listed() -> None:
    assert did_you_mean("nothing-like-it", ["b", "a"]) == "there are: a, b"


def test_without_any_name_that_is_said() -> None:
    assert did_you_mean("x", []) == "there are none yet"
