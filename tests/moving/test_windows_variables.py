from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import replace

import pytest

from ringlet_py.errors import RingletError
from ringlet_py.moving.windows_variables import TEXT, TEXT_TO_EXPAND, UserVariables, Variable, WindowsRegistry
from ringlet_py.secret import Secret

KEY = "sk-proj-" + "aB3-_x" * 6
OTHER = "sk-proj-" + "zZ9-_y" * 6
NUMBER, LIST = 4, 7  # kinds that are no text


class FakeRegistry:
    """The registry's one key: names are found whatever their case, and `refusing` refuses."""

    def __init__(self, *values: tuple[str, object, int], refusing: OSError | None = None) -> None:
        self.kept = list(values)
        self.refusing = refusing
        self.announced = 0

    def values(self) -> list[tuple[str, object, int]]:
        if isinstance(self.refusing, FileNotFoundError):
            raise self.refusing
        return self.kept

    def write(self, name: str, data: str, kind: int) -> None:
        self._refuse()
        self._drop(name)
        self.kept.append((name, data, kind))

    def delete(self, name: str) -> None:
        self._refuse()
        self._drop(name)

    def announce(self) -> None:
        self.announced += 1

    def _refuse(self) -> None:
        if self.refusing:
            raise self.refusing

    def _drop(self, name: str) -> None:
        self.kept = [each for each in self.kept if each[0].lower() != name.lower()]


def named(variables: UserVariables, name: str) -> Variable:
    return next(each for each in variables.listed() if each.name == name)


def test_every_text_is_listed_and_nothing_else():
    registry = FakeRegistry(
        ("OPENAI_API_KEY", KEY, TEXT), ("Path", r"%X%\bin", TEXT_TO_EXPAND), ("E", "e", TEXT_TO_EXPAND),
        ("N", 1, NUMBER), ("L", ["a"], LIST), ("", "default", TEXT), ("EMPTY", "", TEXT),
    )  # fmt: skip

    listed = UserVariables(registry).listed()

    assert [(each.name, each.value.reveal(), bool(each.why_not)) for each in listed] == [
        ("OPENAI_API_KEY", KEY, False),
        ("Path", r"%X%\bin", True),
        ("E", "e", False),
    ]


def test_a_user_without_variables_has_none():
    assert UserVariables(FakeRegistry(refusing=FileNotFoundError())).listed() == []


@pytest.mark.parametrize("kind", [TEXT, TEXT_TO_EXPAND])
def test_a_variable_is_taken_out_and_put_back_as_it_was(kind: int):
    registry = FakeRegistry(("A", "b", TEXT), ("OPENAI_API_KEY", KEY, kind))
    variables = UserVariables(registry)
    variable = named(variables, "OPENAI_API_KEY")

    variables.take_out(variable)

    assert registry.kept == [("A", "b", TEXT)]
    variables.put_back(variable)
    assert registry.kept == [("A", "b", TEXT), ("OPENAI_API_KEY", KEY, kind)]
    assert registry.announced == 2


@pytest.mark.parametrize("now", [("K", OTHER, TEXT), ("K", KEY, TEXT_TO_EXPAND), ("L", KEY, TEXT)])
def test_one_that_was_changed_meanwhile_is_not_taken_out(now: tuple[str, str, int]):
    registry = FakeRegistry(now)

    with pytest.raises(RingletError, match="K was left as it is") as caught:
        UserVariables(registry).take_out(Variable(name="K", value=Secret(KEY)))

    assert registry.kept == [now]
    assert KEY not in str(caught.value)


def test_one_that_windows_expands_is_not_taken_out():
    registry = FakeRegistry(("K", f"%P%{KEY}", TEXT_TO_EXPAND))
    variables = UserVariables(registry)

    with pytest.raises(RingletError):
        variables.take_out(named(variables, "K"))

    assert registry.kept


def test_a_new_value_is_not_replaced_by_the_old_one():
    registry = FakeRegistry(("k", OTHER, TEXT))

    with pytest.raises(RingletError, match="left as it is"):
        UserVariables(registry).put_back(Variable(name="K", value=Secret(KEY)))

    assert registry.kept == [("k", OTHER, TEXT)]


def test_to_put_back_what_is_there_changes_nothing():
    registry = FakeRegistry(("K", KEY, TEXT), refusing=PermissionError(13, "denied"))

    UserVariables(registry).put_back(Variable(name="K", value=Secret(KEY)))

    assert registry.kept == [("K", KEY, TEXT)]


@pytest.mark.parametrize("act", ["take_out", "put_back"])
def test_what_windows_refuses_is_an_error_without_the_value(act: str):
    registry = FakeRegistry(*([("K", KEY, TEXT)] if act == "take_out" else []), refusing=PermissionError(13, "denied"))

    with pytest.raises(RingletError, match="K was not") as caught:
        getattr(UserVariables(registry), act)(Variable(name="K", value=Secret(KEY)))

    assert caught.value.why == "denied"
    assert caught.value.__suppress_context__
    assert KEY not in str(caught.value)


@pytest.mark.windows
@pytest.mark.skipif(sys.platform != "win32", reason="runs on Windows")
def test_the_real_registry_keeps_the_round_trip():
    registry, name = WindowsRegistry(), "RINGLET_TEST_" + os.urandom(4).hex().upper()
    variables = UserVariables(registry)
    registry.write(name, KEY, TEXT)
    try:
        variable = named(variables, name)
        variables.take_out(variable)
        assert name not in [each.name for each in variables.listed()]
        variables.put_back(variable)
        assert named(variables, name).value.same_as(Secret(KEY))
        assert named(variables, name) == replace(variable)
    finally:
        with suppress(OSError):
            registry.delete(name)
