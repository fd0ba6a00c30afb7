from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.errors import ConfigError, InsecurePermissions
from ringlet_py.settings import DEFAULT_AUDIT_SIZE, Settings, load_settings

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


@pytest.mark.parametrize("backend", ["system", "file", "system-only"])
def test_each_backend_can_be_chosen(tmp_path: Path, backend: str) -> None:
    assert load(tmp_path, f'[credentials]\nbackend = "{backend}"').backend == backend


def test_the_audit_can_be_configured(tmp_path: Path) -> None:
    settings = load(tmp_path, '[audit]\nenabled = false\nmax-size = 5000\non-error = "warn"')

    assert (settings.audit, settings.audit_max_size, settings.audit_on_error) == (False, 5000, "warn")


@pytest.mark.parametrize(
    ("text", "message", "why"),
    [
        ('[credentials]\nbackend = "sytem"', "line 2: backend = 'sytem'", "did you mean 'system'?"),
        ('[credential]\nbackend = "file"', "line 1: 'credential' is not known", "did you mean 'credentials'?"),
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
