from __future__ import annotations

import stat
import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.configuring.changing import _edited, change, typed
from ringlet_py.configuring.explaining import explain
from ringlet_py.configuring.known import SETTINGS, setting_named, shown
from ringlet_py.document import Source
from ringlet_py.errors import ConfigError, UsageError
from ringlet_py.settings import PLACES, load_settings, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from ringlet_py.configuring.known import Setting

IN_FILE = [setting for setting in SETTINGS if setting.in_file]
COMMENTED = """# mine
[credentials]
backend = "file"  # no keychain here

[audit]
# as the office wants it
enabled = true
max-size = 5000
"""
# a value of each that is not the default
OTHERS = {
    "credentials.backend": "file",
    "sealed.master-key": "env",
    "audit.enabled": "false",
    "audit.max-size": "8192",
    "audit.on-error": "warn",
    "ledger.url": "redis://127.0.0.1:6379/0",
    "lending.places": "own,everyone",
    "ledger.prefix": "team",
    "ledger.on-error": "allow",
}


def there(folder: Path, text: str) -> str:
    path = folder / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def set_to(path: str, name: str, text: str) -> bool:
    setting = setting_named(name)
    return change(path, {}, setting, typed(setting, text))


def value_of(path: str, name: str, **environ: str) -> str | None:
    (found,) = explain(path, environ, {}, (name,))
    return found.winner.value


@pytest.mark.parametrize("name", [setting.name for setting in IN_FILE])
def test_every_setting_can_be_set_and_taken_out_again(tmp_path: Path, name: str) -> None:
    path = str(tmp_path / "config.toml")
    before = value_of(path, name)

    assert set_to(path, name, OTHERS[name])
    assert value_of(path, name) == OTHERS[name] != before
    assert not set_to(path, name, OTHERS[name])
    assert change(path, {}, setting_named(name), None)
    assert value_of(path, name) == before
    assert not change(path, {}, setting_named(name), None)


def test_the_file_is_born_private(tmp_path: Path) -> None:
    set_to(str(tmp_path / "new/config.toml"), "audit.enabled", "false")

    assert stat.S_IMODE((tmp_path / "new/config.toml").stat().st_mode) == 0o600


def test_comments_and_everything_else_stay(tmp_path: Path) -> None:
    path = there(tmp_path, COMMENTED)
    set_to(path, "credentials.backend", "system-only")
    set_to(path, "audit.enabled", "false")
    set_to(path, "ledger.prefix", "team")
    expected = COMMENTED.replace('"file"', '"system-only"').replace("enabled = true", "enabled = false")

    assert (tmp_path / "config.toml").read_text() == expected + '\n[ledger]\nprefix = "team"\n'


def test_a_link_stays_one_and_its_target_is_changed(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir(mode=0o700)
    there(tmp_path / "dotfiles", COMMENTED)
    path = tmp_path / "config.toml"
    path.symlink_to("dotfiles/config.toml")
    set_to(str(path), "audit.max-size", "9999")

    assert path.is_symlink()
    assert "max-size = 9999" in (tmp_path / "dotfiles/config.toml").read_text()


@pytest.mark.parametrize(
    ("name", "text", "what", "why"),
    [
        ("credentials.backend", "flie", "backend = 'flie' is not known", "did you mean 'file'?"),
        ("audit.enabled", "yes", "audit.enabled is true or false", ""),
        ("audit.max-size", "10MB", "audit.max-size is a whole number", ""),
        ("audit.max-size", "10", "whole number of at least 4096", ""),
        ("audit.max-size", "²", "audit.max-size is a whole number", ""),
        ("lending.places", "own,nowhere", "'nowhere' is not known", ""),
        ("ledger.prefix", "a b", "a character that is not allowed", ""),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_nothing_written(
    tmp_path: Path, name: str, text: str, what: str, why: str
) -> None:
    path = there(tmp_path, COMMENTED)

    with pytest.raises(UsageError) as raised:
        set_to(path, name, text)
    assert what in raised.value.what
    assert why in raised.value.why
    assert (tmp_path / "config.toml").read_text() == COMMENTED


def test_a_file_that_is_wrong_already_is_mended_by_the_right_value_alone(tmp_path: Path) -> None:
    path = there(tmp_path, '[credentials]\nbackend = "flie"\n')

    with pytest.raises(ConfigError, match="'flie' is not known"):
        set_to(path, "audit.enabled", "false")
    assert set_to(path, "credentials.backend", "file")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("backend", "did you mean credentials.backend?"),
        ("audit.enabeld", "did you mean audit.enabled?"),
        ("max-sise", "did you mean audit.max-size?"),
        ("colour", "there are: credentials.backend"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_one(name: str, why: str) -> None:
    with pytest.raises(UsageError) as raised:
        setting_named(name)
    assert why in raised.value.why


def test_the_defaults_are_those_of_the_reader(tmp_path: Path) -> None:
    """Written down and read again, every default changes nothing."""
    path = str(tmp_path / "config.toml")
    for setting in IN_FILE:
        if setting.default != "":
            change(path, {}, setting, setting.default)
    bare, written = load_settings("/nowhere", {}), load_settings(path, {})

    assert all(getattr(bare, name) == getattr(written, name) for name in type(bare).__slots__)
    assert setting_named("lending.places").default == PLACES


def test_a_stronger_layer_wins_and_all_are_told(tmp_path: Path) -> None:
    path = there(tmp_path, COMMENTED)
    (audit,) = explain(path, {}, {"audit.enabled": "false"}, ("audit.enabled",))
    (url,) = explain(path, {"RINGLET_LEDGER_URL": "redis://h:1/0"}, {}, ("ledger.url",))
    (size,) = explain(path, {}, {}, ("audit.max-size",))

    assert [(each.kind, each.value) for each in audit.layers] == [
        ("flag", "false"),
        ("config.toml", "true"),
        ("default", "true"),
    ]
    assert audit.winner.kind == "flag"
    assert (url.winner.kind, url.winner.value) == ("environment", "redis://h:1/0")
    assert size.winner.where == f"{path}, line 8"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://:secret@h:6379/0", "redis://***@h:6379/0"),
        ("rediss://user:se@cret@h/0", "rediss://***@h/0"),
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_the_password_of_a_url_is_never_shown(tmp_path: Path, url: str, told: str) -> None:
    assert value_of(there(tmp_path, f'[ledger]\nurl = "{url}"\n'), "ledger.url") == told
    assert value_of(str(tmp_path / "none"), "ledger.url", RINGLET_LEDGER_URL=url) == told


TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=20)


@given(comment=TEXTS, size=st.integers(4096, 2**40), backend=st.sampled_from(["system", "file", "sealed"]))
def test_whatever_stands_around_it_a_setting_is_set_and_read(comment: str, size: int, backend: str) -> None:
    text = f'# {comment}\n[audit] # {comment}\nmax-size = 4096 # {comment}\n[ledger]\nprefix = "x" # {comment}\n'
    text = _edited(text, setting_named("audit.max-size"), size)
    text = _edited(text, setting_named("credentials.backend"), backend)

    assert text.count(f"# {comment}") >= 4
    assert tomllib.loads(text) == {
        "audit": {"max-size": size},
        "ledger": {"prefix": "x"},
        "credentials": {"backend": backend},
    }
    read_settings(Source(path="config.toml", text=text), {})


def test_every_weakening_is_a_value_that_the_setting_can_have() -> None:
    weakening = [(setting, value) for setting in IN_FILE for value in setting.weakens]

    assert len(weakening) >= 5
    for setting, value in weakening:
        assert shown(setting, typed(setting, value)) == value != shown(setting, setting.default)


@pytest.mark.parametrize("setting", [setting for setting in IN_FILE if setting.choices], ids=lambda each: each.name)
def test_every_choice_is_a_value_that_the_setting_can_have(tmp_path: Path, setting: Setting) -> None:
    path = str(tmp_path / "config.toml")
    for value in setting.choices:
        change(path, {}, setting, typed(setting, value))
        assert value_of(path, setting.name) == value
