from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.entry import Address
from ringlet_py.errors import InvalidName, ProfileChanged, ProfileExists, ProfileInvalid, ProfileNotFound
from ringlet_py.profiles import ProfileStore

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """agent = "claude"
provider = "anthropic"
[provider-config]
key-alias = "work"
[env]
T = "ringlet:github/x"
"""


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(str(tmp_path / ".ringlet" / "profiles"))


def test_without_any_there_are_no_names(store: ProfileStore) -> None:
    assert store.names() == []


def test_a_saved_profile_is_loaded_and_private(store: ProfileStore, tmp_path: Path) -> None:
    store.save("work", TEXT)

    assert store.load("work").address == Address("anthropic", "work")
    assert store.names() == ["work"]
    document = tmp_path / ".ringlet" / "profiles" / "work" / "ringlet.toml"
    assert document.stat().st_mode & 0o777 == 0o600


def test_an_existing_profile_wants_replace(store: ProfileStore) -> None:
    store.save("work", TEXT)

    with pytest.raises(ProfileExists):
        store.save("work", "x")
    store.save("work", TEXT + "# more\n", replace=True)
    assert store.text("work").endswith("# more\n")


def test_a_missing_profile_comes_with_the_nearest(store: ProfileStore) -> None:
    store.save("work", TEXT)

    with pytest.raises(ProfileNotFound) as raised:
        store.load("wrok")
    assert raised.value.why == "did you mean 'work'?"


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "-x", "", "a b", "a\n"])
def test_a_name_outside_the_grammar_never_becomes_a_path(store: ProfileStore, name: str) -> None:
    with pytest.raises(InvalidName):
        store.load(name)


def test_a_broken_profile_is_an_error_and_stays_as_it_is(store: ProfileStore) -> None:
    store.save("work", "agent = ")

    with pytest.raises(ProfileInvalid, match="not valid TOML"):
        store.load("work")
    assert store.text("work") == "agent = "


def test_a_change_that_began_with_another_text_is_refused(store: ProfileStore) -> None:
    store.save("work", TEXT)
    store.save("work", TEXT + "# theirs\n", replace=True)

    with pytest.raises(ProfileChanged):
        store.save("work", TEXT + "# ours\n", replace=True, before=TEXT)
    assert store.text("work").endswith("# theirs\n")


def test_profiles_that_cannot_be_read_are_named(store: ProfileStore) -> None:
    store.save("work", TEXT)
    store.save("broken", "bogus = 1")

    assert store.unreadable() == ["broken"]


def test_a_renamed_profile_keeps_its_folder(store: ProfileStore, tmp_path: Path) -> None:
    store.save("work", TEXT)
    (tmp_path / ".ringlet" / "profiles" / "work" / "config").mkdir()

    store.rename("work", "play")

    assert store.names() == ["play"]
    assert store.more_than_document("play") == ["config"]


def test_a_rename_overwrites_nothing(store: ProfileStore) -> None:
    store.save("work", TEXT)
    store.save("play", TEXT)

    with pytest.raises(ProfileExists):
        store.rename("work", "play")
    assert store.names() == ["play", "work"]


def test_deleting_takes_the_folder_away(store: ProfileStore) -> None:
    store.save("work", TEXT)

    store.delete("work")

    assert store.names() == []
    with pytest.raises(ProfileNotFound):
        store.delete("work")


def test_the_profiles_that_use_a_key_are_found_also_by_reference(store: ProfileStore) -> None:
    store.save("work", TEXT)
    store.save("other", 'agent = "codex"\nprovider = "openai"')
    store.save("broken", "x")

    assert store.using(Address("anthropic", "work")) == ["work"]
    assert store.using(Address("github", "x")) == ["work"]
    assert store.using(Address("anthropic")) == []
