from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.configuring.named import named_config
from ringlet_py.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_taken_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my.toml").touch()
    monkeypatch.chdir(tmp_path)

    assert named_config("my.toml") == named_config("x/../my.toml") == str(tmp_path / "my.toml")


def test_one_that_is_not_there_is_an_error_with_the_name_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()

    with pytest.raises(ConfigError, match=r"there is no .*/confg\.toml") as caught:
        named_config(str(tmp_path / "confg.toml"))
    assert caught.value.why == "did you mean config.toml?"


@pytest.mark.parametrize(("name", "said"), [("other", "touch "), ("no/other", "nor the folder "), ("f/x", "nor the ")])
def test_one_without_anything_near_says_what_to_do(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "f").touch()

    with pytest.raises(ConfigError) as caught:
        named_config(str(tmp_path / name))
    assert said in f"{caught.value.why} {caught.value.hint}"


def test_an_empty_name_is_not_the_ordinary_file() -> None:
    with pytest.raises(UsageError, match="--config"):
        named_config("")


def test_a_folder_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with pytest.raises(UsageError, match="the current folder is not there any more"):
        named_config("my.toml")
