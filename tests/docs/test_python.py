"""The Python that the pages show is run, block after block, in a home with the keys that the page takes for granted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py import Ringlet
from tests.docs.pages import PAGES, Block, blocks, given, made_up

if TYPE_CHECKING:
    from pathlib import Path

SHOWING = [page for page in PAGES if any(block.language == "python" for block in blocks(page))]
SHOWN = {"python.md", "from-other-key-pools.md"}


class TooMany(Exception):  # noqa: N818 - as the pages call it
    """What a provider's library raises at a 429."""

    retry_after = "3"


class Calls:
    """The calls that the examples make, and the keys that they make them with."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def now(self, key: str, base_url: str = "") -> str:
        self.keys.append(key + base_url)
        return "an answer"

    async def soon(self, key: str) -> str:
        return self.now(key)


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """A home with a pool for each that is named, and nobody who would type."""
    config = tmp_path / ".config/ringlet"
    config.mkdir(parents=True, mode=0o700)
    (config / "config.toml").write_text('[credentials]\nbackend = "file"\n')
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("getpass.getpass", lambda _prompt: made_up("openai/typed"))
    return Calls()


def test_python_is_shown_where_it_is_run():
    assert {page.name for page in SHOWING} == SHOWN


@pytest.mark.parametrize("page", SHOWING, ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page: Path, calls: Calls):
    with Ringlet() as ringlet:
        for address in given(page):
            provider, _, alias = address.partition("/")
            ringlet.add(provider, alias, made_up(address), force=True)
        for name in ("p", "images"):
            ringlet._lending.pools.create(name, {"provider": "openai"})
    names: dict[str, Any] = {
        "TooMany": TooMany,
        "call": calls.now,
        "call_soon": calls.soon,
        "draw": calls.now,
        "draw_soon": calls.soon,
    }
    shown = [block for block in blocks(page) if block.language == "python"]
    for block in shown:
        run(block, names)

    stored = {made_up(address) for address in given(page)}
    assert calls.keys
    assert set(calls.keys) <= stored


def run(block: Block, names: dict[str, Any]) -> None:
    exec(compile("\n".join(block.text), f"{block.page}:{block.line}", "exec"), names)  # noqa: S102 - our own page
