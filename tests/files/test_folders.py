from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from platformdirs.unix import Unix

from ringlet_py.errors import ConfigError
from ringlet_py.files.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Mapping

pwd = pytest.importorskip("pwd", reason="XDG is for the others")

HOME = "/home/someone"
VARIABLES = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")


def oracle(environ: Mapping[str, str]) -> tuple[str, str, str]:
    """What platformdirs says, in an environment of exactly these variables."""
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        for name, value in environ.items():
            patch.setenv(name, value)
        unix = Unix("ringlet", appauthor=False)
        return unix.user_config_dir, unix.user_state_dir, unix.user_cache_dir


def ours(environ: Mapping[str, str]) -> tuple[str, str, str]:
    folders = Folders.of(environ)
    return folders.config, folders.state, folders.cache


absolute = st.text(st.sampled_from("abc. -/"), max_size=12).map(lambda text: "/x" + text.rstrip(" /") + "y")


@given(st.dictionaries(st.sampled_from(VARIABLES), absolute | st.just("")), absolute)
def test_absolute_and_empty_variables_mean_what_they_mean_to_platformdirs(environ: dict[str, str], home: str):
    environ["HOME"] = home

    assert ours(environ) == oracle(environ)


def test_without_variables_they_hang_from_home():
    folders = Folders.of({"HOME": HOME})

    assert folders.home == HOME
    assert folders.config == f"{HOME}/.config/ringlet"
    assert folders.state == f"{HOME}/.local/state/ringlet"
    assert folders.cache == f"{HOME}/.cache/ringlet"
    assert folders.profiles == f"{HOME}/.ringlet/profiles"


def test_profiles_stay_in_the_home_whatever_xdg_says():
    environ = {"HOME": HOME, **dict.fromkeys(VARIABLES, "/elsewhere")}

    assert Folders.of(environ).profiles == f"{HOME}/.ringlet/profiles"


@pytest.mark.parametrize("value", ["relative", "./here", "~/config", "..", " /blank"])
@pytest.mark.parametrize("variable", VARIABLES)
def test_a_relative_variable_is_ignored_as_xdg_demands(variable: str, value: str):
    assert ours({"HOME": HOME, variable: value}) == ours({"HOME": HOME})


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}])
def test_without_home_the_users_entry_counts(environ: dict[str, str]):
    assert Folders.of(environ).home == pwd.getpwuid(os.getuid()).pw_dir


def test_a_user_without_entry_and_home_is_told_to_set_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)

    with pytest.raises(ConfigError, match="HOME"):
        Folders.of({})


@pytest.mark.parametrize("home", ["relative", "~", "."])
def test_a_relative_home_is_refused(home: str):
    with pytest.raises(ConfigError, match="HOME"):
        Folders.of({"HOME": home})


@pytest.mark.parametrize("home", ["/", "/root/"])
def test_no_path_has_two_slashes(home: str):
    folders = Folders.of({"HOME": home})

    assert "//" not in folders.config + folders.state + folders.cache + folders.profiles
