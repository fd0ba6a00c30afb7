"""The whole program with its ledger on Redis."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.program import FILE_BACKEND, KEY, Home
from tests.redis_server import RedisProcess, needs_redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [needs_redis, pytest.mark.slow]
PASSWORD = "pa55w0rd-of-the-ledger"


@pytest.fixture
def process() -> Iterator[RedisProcess]:
    with RedisProcess("--requirepass", PASSWORD) as process:
        yield process


@pytest.fixture
def url(process: RedisProcess) -> str:
    return process.url.replace("://", f"://:{PASSWORD}@")


@pytest.fixture
def on_redis(home: Home, url: str) -> Home:
    """A home whose ledger is on that server."""
    home.configure(f'{FILE_BACKEND}[ledger]\nurl = "{url}"\n')
    (home.config / "config.toml").chmod(0o600)
    return home


@pytest.mark.slow
def test_two_machines_have_the_same_sealed_keys(url: str, tmp_path: Path):
    one, other = (
        Home.at(tmp_path / name, config='[credentials]\nbackend = "sealed"\n[sealed]\nmaster-key = "file"\n')
        for name in ("one", "other")
    )
    for home in (one, other):
        home.environ["RINGLET_LEDGER_URL"] = url
        home.profile("p", 'agent = "generic"\nprovider = "anthropic"\ncommand = ["env"]\n')
    done = one.here("keychain", "set", "anthropic", "--label", "shared", stdin=KEY.encode())
    assert done.status == 0, done.err
    shutil.copy(one.config / "master.key", other.config)

    listed = json.loads(other.here("keychain", "list", "--json").out)
    assert [(each["address"], each["label"]) for each in listed["entries"]] == [("anthropic/default", "shared")]
    assert f"ANTHROPIC_API_KEY={KEY}" in other.ringlet("run", "p").out
    assert not [home for home in (one, other) if (home.state / "ledger.sqlite").exists()]


@pytest.mark.slow
def test_the_password_is_nowhere_but_where_it_was_written(on_redis: Home, process: RedisProcess, url: str):
    config = on_redis.config / "config.toml"
    on_redis.profile("p", 'agent = "generic"\nprovider = "anthropic"\ncommand = ["env"]\n')
    said = [on_redis.ringlet("keychain", "set", "anthropic", stdin=KEY.encode())]
    said += [on_redis.ringlet(*argv) for argv in (("keychain", "list"), ("run", "p"), ("run", "p"))]
    process.kill()
    said += [on_redis.ringlet("run", "p")]
    said += [
        on_redis.ringlet("keychain", *argv)
        for argv in (("list",), ("status",), ("remove", "anthropic", "default", "--yes"))
    ]

    assert [done.status for done in said] == [0, 0, 0, 0, 125, 9, 9, 9], said
    assert not [done for done in said if PASSWORD in done.out + done.err]
    assert [found for found in on_redis.files() if PASSWORD.encode() in found.read_bytes()] == [config]


@pytest.mark.slow
def test_no_agent_inherits_the_url(on_redis: Home, url: str):
    on_redis.environ["RINGLET_LEDGER_URL"] = url
    on_redis.here("keychain", "set", "anthropic", stdin=KEY.encode())
    for inherit in ("filtered", "all", "clean"):
        text = f'agent = "generic"\nprovider = "anthropic"\ncommand = ["env"]\ninherit-env = "{inherit}"\n'
        on_redis.profile(inherit, text)
        done = on_redis.ringlet("run", inherit)

        assert "ANTHROPIC_API_KEY=" in done.out, done.err
        assert "RINGLET_LEDGER_URL" not in done.out


def test_a_server_that_is_down_is_an_error_with_the_way_out_and_never_an_empty_list(
    on_redis: Home, process: RedisProcess
):
    on_redis.here("keychain", "set", "anthropic", stdin=KEY.encode())
    process.kill()
    done = on_redis.here("keychain", "list")

    assert (done.status, done.out) == (9, "")
    assert f"127.0.0.1:{process.port}" in done.err
    assert "hint: start that server" in done.err
