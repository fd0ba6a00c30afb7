from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ringlet_py.errors import ConfigError, InsecurePermissions
from ringlet_py.lending.turns import STEPS
from ringlet_py.settings import DEFAULT_AUDIT_SIZE, PLACES, Settings, load_ledger, load_places, load_settings

if TYPE_CHECKING:
    from pathlib import Path


def load(folder: Path, text: str, **environ: str) -> Settings:
    path = folder / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    return load_settings(str(path), environ)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(str(tmp_path / "config.toml"), {})

    assert (settings.backend, settings.audit, settings.audit_on_error) == ("system", True, "refuse")
    assert settings.audit_max_size == DEFAULT_AUDIT_SIZE
    assert settings.keychain_timeout == 0


@pytest.mark.parametrize("backend", ["system", "file", "system-only", "sealed"])
def test_each_backend_can_be_chosen(tmp_path: Path, backend: str) -> None:
    assert load(tmp_path, f'[credentials]\nbackend = "{backend}"').backend == backend


@pytest.mark.parametrize("kind", ["system", "env", "file", "passphrase"])
def test_each_kind_of_master_key_can_be_chosen(tmp_path: Path, kind: str) -> None:
    assert load(tmp_path, f'[sealed]\nmaster-key = "{kind}"').master_key == kind
    assert load(tmp_path, "").master_key == "system"


def test_the_audit_can_be_configured(tmp_path: Path) -> None:
    settings = load(tmp_path, '[audit]\nenabled = false\nmax-size = 5000\non-error = "warn"')

    assert (settings.audit, settings.audit_max_size, settings.audit_on_error) == (False, 5000, "warn")


@pytest.mark.parametrize(
    ("text", "message", "why"),
    [
        ('[credentials]\nbackend = "sytem"', "line 2: backend = 'sytem'", "did you mean 'system'?"),
        ('[credential]\nbackend = "file"', "line 1: 'credential' is not known", "did you mean 'credentials'?"),
        ('[sealed]\nmaster-key = "flie"', "line 2: master-key = 'flie'", "did you mean 'file'?"),
        ("[audit]\nenabled = 1", "line 2: 'enabled' must be a true or false", ""),
        ("[audit]\nmax-size = 10", "line 2: 'max-size' must be a whole number of at least 4096", ""),
        ("[credentials", "is not valid TOML", "line 1"),
    ],
)
def test_a_mistake_is_an_error_with_file_line_and_suggestion(tmp_path: Path, text: str, message: str, why: str) -> None:
    with pytest.raises(ConfigError, match=r"config\.toml") as raised:
        load(tmp_path, text)
    assert message in raised.value.what
    assert why in raised.value.why


def test_a_config_that_others_can_write_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("")
    path.chmod(0o666)

    with pytest.raises(InsecurePermissions, match="writable by others"):
        load_settings(str(path), {})


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.toml").write_text('[credentials]\nbackend = "file"')
    (tmp_path / "config.toml").symlink_to(tmp_path / "real.toml")

    assert load_settings(str(tmp_path / "config.toml"), {}).backend == "file"


def test_a_link_to_nothing_is_not_taken_for_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.toml").symlink_to(tmp_path / "unmounted" / "config.toml")

    with pytest.raises(ConfigError, match="is a link to nothing"):
        load_settings(str(tmp_path / "config.toml"), {})


@pytest.mark.parametrize(("text", "seconds"), [("5", 5.0), ("0.5", 0.5), ("60s", 60.0)])
def test_the_keychain_timeout_comes_from_the_environment(tmp_path: Path, text: str, seconds: float) -> None:
    assert load(tmp_path, "", RINGLET_KEYCHAIN_TIMEOUT=text).keychain_timeout == seconds


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon", "1e9"])
def test_a_senseless_timeout_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="RINGLET_KEYCHAIN_TIMEOUT"):
        load(tmp_path, "", RINGLET_KEYCHAIN_TIMEOUT=text)


def ledger(folder: Path, text: str, mode: int = 0o600, **environ: str) -> tuple[str, str, str]:
    path = folder / "config.toml"
    path.write_text(text)
    path.chmod(mode)
    load_settings(str(path), environ)  # which knows the same keys
    return load_ledger(str(path), environ)


def test_without_a_word_the_ledger_is_the_embedded_one(tmp_path: Path) -> None:
    assert load_ledger(str(tmp_path / "config.toml"), {}) == ("", "default", "refuse")


def test_the_ledger_can_be_on_a_server(tmp_path: Path) -> None:
    text = '[ledger]\nurl = "redis://localhost"\nprefix = "team-a"\non-error = "allow"'

    assert ledger(tmp_path, text) == ("redis://localhost", "team-a", "allow")
    assert ledger(tmp_path, text, RINGLET_LEDGER_URL="rediss://other")[0] == "rediss://other"
    assert ledger(tmp_path, text, RINGLET_LEDGER_URL="")[0] == "redis://localhost"


@pytest.mark.parametrize(
    ("text", "message", "why"),
    [
        ('[ledger]\nprefx = "x"', "line 2: 'prefx' is not known in [ledger]", "did you mean 'prefix'?"),
        ("[ledger]\nurl = 7", "line 2: 'url' must be a string", ""),
        ('[ledger]\non-error = "alow"', "line 2: on-error = 'alow' is not known", "did you mean 'allow'?"),
        ('[ledger]\nprefix = "{x}"', "the ledger's prefix '{x}' has a character that is not allowed", "ASCII"),
    ],
)
def test_a_mistake_about_the_ledger_is_an_error_with_line(tmp_path: Path, text: str, message: str, why: str) -> None:
    with pytest.raises(ConfigError) as raised:
        ledger(tmp_path, text)
    assert message in raised.value.what
    assert why in raised.value.why


@pytest.mark.skipif(os.name != "posix", reason="modes mean nothing on Windows")
def test_a_ledgers_password_in_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    text = '[ledger]\nurl = "redis://:pa55@localhost"'
    assert ledger(tmp_path, text)[0] == "redis://:pa55@localhost"

    with pytest.raises(InsecurePermissions) as raised:
        ledger(tmp_path, text, mode=0o644)
    assert "pa55" not in f"{raised.value} {raised.value.why} {raised.value.hint}"
    assert raised.value.hint == f"chmod 600 {tmp_path / 'config.toml'}"
    assert ledger(tmp_path, text.replace(":pa55@", ""), mode=0o644)[0] == "redis://localhost"


def test_the_ledgers_url_is_kept_out_of_what_compiled_plans_keep() -> None:
    assert not [name for name in Settings.__slots__ if "url" in name or "ledger" in name]


def test_keys_are_looked_for_in_all_places_unless_config_says_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert load_places(str(path)) == PLACES == STEPS
    path.write_text('[lending]\nplaces = ["environment", "own"]\n')
    path.chmod(0o600)

    assert load_places(str(path)) == ("own", "environment")


def test_a_place_that_there_is_not_is_an_error_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[lending]\nplaces = ["enviroment"]\n')
    path.chmod(0o600)

    for load in (load_places, lambda at: load_settings(at, {})):
        with pytest.raises(ConfigError, match="enviroment") as caught:
            load(str(path))
        assert caught.value.why == "did you mean 'environment'?"
