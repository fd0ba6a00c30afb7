from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.daemon.running import RealDaemon

pytestmark = pytest.mark.slow

PROGRAM = Path(sys.executable).with_name("schemathesis")
EXAMPLES = 60  # for each operation
PATIENCE = 300  # seconds; it takes half a minute
# those left out would mistake what is meant: wrong tokens are slowed down with 429 where the checks for authentication
# insist on 401 (`test_openapi` asks every route with each kind of token); what the schema allows may make no sense
# (a text that is no moment); and a consumer that is there can be given a tier that is not
LEFT_OUT = "ignored_auth,missing_required_header,positive_data_acceptance,ensure_resource_availability"
KEY = "made-up-openai-value-0123456789"


@pytest.fixture
def filled(daemon: RealDaemon) -> RealDaemon:
    """A daemon with something of everything."""
    world: list[tuple[str, str, Any]] = [
        ("PUT", "/users/u1/keys/openai", {"key": f"sk-proj-{'madeup' * 12}"}),
        ("POST", "/admin/tiers", {"name": "pro", "features": {"image": 1000}}),
        ("POST", "/admin/keys", {"name": "k1", "key": KEY, "tier": "pro", "secrets": {"s": "made-up"}}),
        ("POST", "/admin/consumers", {"name": "bot"}),
        ("POST", "/leases", {"provider": "custom", "ttl": "8h"}),
    ]
    for method, path, body in world:
        answer = daemon.request(method, path, json=body, token=daemon.admin)
        assert answer.status in (200, 201), (path, answer.raw)
    return daemon


@pytest.mark.parametrize("who", ["admin", "caller"])
def test_nothing_that_it_allows_or_forbids_breaks_or_surprises(filled: RealDaemon, tmp_path: Path, who: str):
    token = filled.admin
    if who == "caller":
        token = filled.request("POST", "/tokens", json={"name": "c", "scope": "provider=*"}, token=filled.admin).json[
            "value"
        ]
    document = filled.request("GET", "/openapi.json", token=token).json
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "schemathesis.toml").write_text('headers = { Authorization = "Bearer ${TOKEN}" }\n')

    command = [PROGRAM, "--config-file", "schemathesis.toml", "run", "openapi.json", "--url", filled.url]
    command += ["--generation-deterministic", "--max-examples", str(EXAMPLES), "--exclude-checks", LEFT_OUT]
    environ = {**filled.home.environ, "TOKEN": token, "NO_PROXY": "*"}
    done = subprocess.run(
        [*map(str, command), "--no-color", "--warnings", "off"],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Tested: {sum(map(len, document['paths'].values()))}\n" in done.stdout
    assert "error" not in filled.error
    assert filled.request("GET", "/health").status == 200
