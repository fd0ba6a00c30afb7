from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py import launcher
from ringlet_py.broker import Broker
from ringlet_py.entry import Address
from ringlet_py.errors import AgentNotExecutable, AgentNotFound, InsecurePermissions, KeychainBroken, KeyNotFound
from ringlet_py.launcher import env_block, find_binary, inherited, launch, prepare, without_coercion
from ringlet_py.lease import Lease, Request
from ringlet_py.plan import LaunchPlan
from ringlet_py.secret import Secret
from ringlet_py.testing import MemoryBackend
from tests.records import Records

if TYPE_CHECKING:
    from pathlib import Path

WORK = Address("anthropic", "work")


def plan(**more: Any) -> LaunchPlan:
    fields: dict[str, Any] = {"profile": "p", "agent": "a", "provider": "anthropic", "command": ("tool",), **more}
    return LaunchPlan(**fields)


def program(folder: Path, name: str = "tool", mode: int = 0o755) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def test_the_env_block_is_what_is_inherited_plus_the_plan_plus_the_keys() -> None:
    made = plan(env={"PIN": "1", "X": "plan"}, keys={"KEY": WORK}, drop=frozenset({"STALE"}))

    block = env_block(made, {"A": "a", "STALE": "s", "X": "caller", "KEY": "old"}, {"anthropic/work": "v"})

    assert block == {"A": "a", "PIN": "1", "X": "plan", "KEY": "v"}


def test_a_clean_environment_has_the_essentials_alone() -> None:
    environ = {"PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "XDG_RUNTIME_DIR": "/r", "AWS_SECRET": "x", "EDITOR": "vi"}

    assert inherited(plan(inherit="clean"), environ) == {
        "PATH": "/bin",
        "HOME": "/h",
        "LC_ALL": "C",
        "XDG_RUNTIME_DIR": "/r",
    }


def test_a_proxy_is_not_handed_the_key_on_its_way_to_this_machine() -> None:
    block = env_block(plan(loopback=True), {"HTTP_PROXY": "http://p", "NO_PROXY": "corp.example"}, {})

    assert block["NO_PROXY"] == block["no_proxy"] == "corp.example,127.0.0.1,localhost,::1"


def test_nor_is_a_proxy_that_the_profile_names() -> None:
    assert "127.0.0.1" in env_block(plan(loopback=True, env={"HTTP_PROXY": "http://p"}), {}, {})["NO_PROXY"]


def test_a_proxy_stays_in_charge_of_what_goes_elsewhere() -> None:
    assert "NO_PROXY" not in env_block(plan(), {"HTTP_PROXY": "http://p"}, {})
    assert "NO_PROXY" not in env_block(plan(loopback=True), {}, {})


def test_the_first_executable_on_path_is_found(tmp_path: Path) -> None:
    first, second = program(tmp_path / "1"), program(tmp_path / "2")

    assert find_binary("tool", {"PATH": f"{first.parent}:{second.parent}"}) == str(first)


def test_one_that_is_not_executable_is_passed_over(tmp_path: Path) -> None:
    first, second = program(tmp_path / "1", mode=0o644), program(tmp_path / "2")

    assert find_binary("tool", {"PATH": f"{first.parent}:{second.parent}"}) == str(second)


@pytest.mark.parametrize("entry", ["", ".", "bin", "./bin", "../x"])
def test_relative_entries_of_path_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    program(tmp_path / "bin")
    program(tmp_path)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(AgentNotFound):
        find_binary("tool", {"PATH": entry})


def test_an_absolute_path_is_taken_as_it_is(tmp_path: Path) -> None:
    assert find_binary(str(program(tmp_path)), {"PATH": ""}) == str(tmp_path / "tool")


def test_a_missing_agent_comes_with_how_to_install_it() -> None:
    with pytest.raises(AgentNotFound, match="tool is not on PATH") as raised:
        find_binary("tool", {"PATH": "/nowhere"}, "npm install -g tool")
    assert raised.value.hint == "install it: npm install -g tool"
    assert raised.value.run_status == 127


def test_a_file_without_permission_is_told_apart(tmp_path: Path) -> None:
    program(tmp_path, mode=0o644)

    with pytest.raises(AgentNotExecutable) as raised:
        find_binary("tool", {"PATH": str(tmp_path)})
    assert raised.value.hint == f"chmod +x {tmp_path}/tool"
    assert raised.value.run_status == 126


def test_a_folder_of_that_name_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "tool").mkdir()

    with pytest.raises(AgentNotFound):
        find_binary("tool", {"PATH": str(tmp_path)})


def test_the_agents_files_are_written_private_and_once(tmp_path: Path) -> None:
    folder = tmp_path / "p" / "config"
    made = plan(folders=(str(folder),), files={str(folder / "a" / "c.json"): "{}"})

    prepare(made)
    first = (folder / "a" / "c.json").stat()
    prepare(made)

    assert (folder / "a" / "c.json").read_text() == "{}"
    assert first.st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "a" / "c.json").stat().st_ino == first.st_ino


def test_an_agents_file_that_others_can_write_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text("{}")
    path.chmod(0o666)

    with pytest.raises(InsecurePermissions):
        prepare(plan(files={str(path): "{}"}))


class Exec:
    """What would have become the agent."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[str], dict[str, str]]] = []

    def __call__(self, binary: str, argv: list[str], env: dict[str, str]) -> int:
        self.calls.append((binary, argv, env))
        return 0


def launched(
    made: LaunchPlan, backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch, path: str
) -> tuple[Exec, Records]:
    become, records = Exec(), Records()
    monkeypatch.setattr(launcher, "become", become)
    broker = Broker(backend, records, pytest.fail)  # type: ignore[arg-type]
    launch(made, broker=broker, audit=records, environ={"PATH": path}, args=("-p", "hi"), purpose="why")  # type: ignore[arg-type]
    return become, records


def test_a_launch_claims_each_key_once_and_then_becomes_the_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = MemoryBackend()
    backend.set(WORK, Secret("v"))
    made = plan(keys={"KEY": WORK, "SAME": WORK}, args=("--first",))

    become, records = launched(made, backend, monkeypatch, str(program(tmp_path).parent))

    ((binary, argv, env),) = become.calls
    assert (binary, argv) == (str(tmp_path / "tool"), ["tool", "--first", "-p", "hi"])
    assert env == {"PATH": str(tmp_path), "KEY": "v", "SAME": "v"}
    assert [(r["action"], r["outcome"], r["purpose"]) for r in records.kept] == [("claim", "ok", "why")]


def test_a_launch_without_keys_is_recorded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, records = launched(plan(), MemoryBackend(), monkeypatch, str(program(tmp_path).parent))

    assert [(r["action"], r["outcome"]) for r in records.kept] == [("run", "ok")]


def test_the_agent_is_found_before_any_key_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = MemoryBackend()

    with pytest.raises(AgentNotFound):
        launched(plan(keys={"KEY": WORK}), backend, monkeypatch, "/nowhere")
    assert backend.calls == []


def test_a_key_that_is_not_there_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyNotFound):
        launched(plan(keys={"KEY": WORK}), MemoryBackend(), monkeypatch, str(program(tmp_path).parent))


def test_the_locale_python_added_is_taken_out_and_the_callers_stays() -> None:
    began = "LC_CTYPE" in os.environ

    assert without_coercion({"LC_CTYPE": "de_DE.UTF-8"}) == {"LC_CTYPE": "de_DE.UTF-8"}
    assert without_coercion({"LC_CTYPE": "C.UTF-8"}) == ({"LC_CTYPE": "C.UTF-8"} if began else {})


class Lender:
    """A broker that counts every key it lends, and may have no more."""

    def __init__(self, *, keys: int, stuck: bool = False) -> None:
        self.keys = keys
        self.stuck = stuck
        self.released: list[str] = []

    def claim(self, request: Request) -> Lease:
        if not self.keys:
            raise KeyNotFound("no more")
        self.keys -= 1
        address = request.address or Address("anthropic", "chosen")
        return Lease(address, backend="memory", secret=Secret("v"), id=str(address))

    def release(self, lease: Lease) -> None:
        self.released.append(lease.id)
        if self.stuck:
            raise KeychainBroken("the ledger is gone")


def attempted(made: LaunchPlan, lender: Lender, folder: Path) -> None:
    records = Records()
    launch(made, broker=lender, audit=records, environ={"PATH": str(folder)}, args=(), purpose="")  # type: ignore[arg-type]


@pytest.mark.parametrize("stuck", [False, True])
def test_what_was_counted_is_given_back_if_a_further_key_is_missing(tmp_path: Path, stuck: bool) -> None:  # noqa: FBT001
    program(tmp_path)
    lender = Lender(keys=2, stuck=stuck)
    made = plan(pool="p", pooled={"KEY": "", "HOOK": "hook"}, keys={"OTHER": Address("openai", "x")})

    with pytest.raises(KeyNotFound):
        attempted(made, lender, tmp_path)

    assert lender.released[0] == "anthropic/chosen"
    assert len(lender.released) == 2


def test_what_was_counted_is_given_back_if_the_agent_does_not_start(tmp_path: Path) -> None:
    program(tmp_path).write_text("#!/nowhere/sh\n")
    lender = Lender(keys=1)

    with pytest.raises(AgentNotExecutable):
        attempted(plan(pool="p", pooled={"KEY": ""}), lender, tmp_path)

    assert lender.released == ["anthropic/chosen"]
