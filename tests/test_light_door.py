"""A plain run with a compiled plan: it imports nothing slow, does all the rest, and believes no stale plan."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.program import FILE_BACKEND, KEY, PACKAGE_ROOT, Home, store_key
from tests.light_door import Attempt, attempt, plan_of, warm
from tests.secret_services import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.secret_services import GnomeKeyring

pytestmark = pytest.mark.slow

SLOW = {
    *("typer", "click", "rich", "keyring", "tomlkit", "platformdirs", "jeepney", "secretstorage"),
    *("pathlib", "dataclasses", "typing", "json", "subprocess", "logging", "re", "socket", "contextlib", "functools"),
    *("enum", "tomllib", "hashlib", "collections", "datetime", "tempfile", "shutil", "signal", "sqlite3", "shlex"),
    *("importlib.metadata", "random", "argparse", "inspect", "threading", "ctypes", "traceback", "errors"),
}
OTHER_KEY = "sk-ant-api03-" + os.urandom(24).hex()
PROFILE = 'agent = "generic"\nprovider = "anthropic"\ncommand = ["agent-a"]\n'
OWN_PROVIDER = """title = "Anthropic by another way"
key-env = "ANTHROPIC_API_KEY"
base-url-env = "ANTHROPIC_BASE_URL"
[endpoints.default]
anthropic = "https://gateway.example"
"""


def furnish(home: Home) -> Home:
    """Two agents, a key, and a profile whose plan is compiled."""
    for name in ("agent-a", "agent-b"):
        home.program(name, "#!/bin/sh\n")
    store_key(home)
    home.profile("x", PROFILE)
    warm(home)
    return home


@pytest.fixture
def filed(home: Home) -> Home:
    """A home whose keys are in the file backend."""
    return furnish(home)


@pytest.fixture
def kept(keychain_home: Home) -> Home:
    """A home whose keys are in a real keychain."""
    return furnish(keychain_home)


@pytest.fixture
def imaged(tmp_path: Path, filed: Home) -> dict[str, str]:
    """The environment in which a copy of ringlet runs, one that may keep images."""
    shutil.copytree(f"{PACKAGE_ROOT}/ringlet_py", tmp_path / "copy/ringlet_py")
    environ = {"PYTHONPATH": str(tmp_path / "copy"), "PYTHONDONTWRITEBYTECODE": ""}
    kept = tmp_path / "copy/ringlet_py/__pycache__"

    def has_images() -> bool:  # those of sources that are too fresh are made with a later plan
        plan_of(filed).unlink()
        warm(filed, environ=environ)
        return {path.name.partition(".")[0] for path in kept.glob("*.image")} >= {"plan", "file", "launch"}

    wait_until(has_images, "the images are made")
    return environ


@pytest.fixture(params=["filed", pytest.param("kept", marks=pytest.mark.keychain)])
def furnished(request: pytest.FixtureRequest) -> Home:
    """Either of them."""
    found: Home = request.getfixturevalue(request.param)
    return found


def records(home: Home) -> list[dict[str, object]]:
    return [json.loads(line) for line in (home.state / "audit.jsonl").read_text().splitlines()]


# it is light, and it is the same launch


def test_nothing_slow_is_imported_on_the_way_to_the_agent(furnished: Home):
    run = attempt(furnished)

    assert run.argv == ["agent-a"]
    assert not SLOW & run.modules


def test_what_counts_as_slow_is_imported_by_the_other_door(filed: Home):
    plan_of(filed).unlink()

    assert {"typer", "pathlib", "typing", "re", "tomllib"} <= SLOW & attempt(filed).modules


@pytest.mark.parametrize(
    "argv",
    [
        ("profiles", "run", "x"),
        ("run", "x", "--purpose", "to see"),
        ("run", "--audit-log", "x", "--", "--flag", "run"),
        ("run", "x", "--no-audit-log"),
    ],
)
def test_the_plain_forms_of_the_command_are_light(filed: Home, argv: tuple[str, ...]):
    run = attempt(filed, *argv)

    assert run.is_light
    assert run.env["ANTHROPIC_API_KEY"] == KEY


def test_both_doors_hand_the_agent_the_same(furnished: Home):
    light = attempt(furnished, "run", "x", "--", "--flag", "")
    plan_of(furnished).unlink()
    full = attempt(furnished, "run", "x", "--", "--flag", "")

    assert (light.is_light, full.is_light) == (True, False)
    assert (light.argv, light.env) == (full.argv, full.env)
    assert light.env["ANTHROPIC_API_KEY"] == KEY


def test_code_from_an_image_does_the_same(filed: Home, imaged: dict[str, str], tmp_path: Path):
    images = list((tmp_path / "copy/ringlet_py/__pycache__").glob("*.image"))
    with_them = attempt(filed, "run", "x", "--", "--flag", "", environ=imaged)
    for path in images:
        path.unlink()
    without = attempt(filed, "run", "x", "--", "--flag", "", environ=imaged)

    assert "__future__" in without.modules - with_them.modules  # which images leave out
    assert with_them.modules <= without.modules
    assert (with_them.argv, with_them.env) == (without.argv, without.env)
    assert filed.here("audit", "verify").status == 0


def test_a_source_that_was_changed_after_its_image_is_what_runs(filed: Home, imaged: dict[str, str], tmp_path: Path):
    source = tmp_path / "copy/ringlet_py/launcher.py"
    source.write_text(source.read_text().replace("argv = [*plan.command,", 'argv = ["changed", *plan.command,'))

    assert attempt(filed, environ=imaged).argv == ["changed", "agent-a"]


def test_both_doors_write_the_same_record_into_one_chain(furnished: Home):
    before = len(records(furnished))
    assert attempt(furnished, "run", "x", "--purpose", "to see").is_light
    plan_of(furnished).unlink()
    assert not attempt(furnished, "run", "x", "--purpose", "to see").is_light
    light, full = records(furnished)[before:]

    varying = {"at", "pid", "number", "prev", "hash"}
    assert {name: light[name] for name in light.keys() - varying} == {
        name: full[name] for name in full.keys() - varying
    }
    assert (light["purpose"], light["outcome"], full["prev"]) == ("to see", "ok", light["hash"])
    assert furnished.here("audit", "verify").status == 0


def test_without_the_audit_nothing_is_written(filed: Home):
    before = records(filed)
    assert attempt(filed, "run", "x", "--no-audit-log").is_light

    assert records(filed) == before


# every change is seen by the next run


def test_a_profile_that_was_edited_by_hand_is_read_again(filed: Home):
    filed.profile("x", PROFILE.replace("agent-a", "agent-b") + "# longer\n")

    assert attempt(filed).argv == ["agent-b"]


def test_an_edit_that_keeps_size_and_time_is_seen(filed: Home):
    path = filed.path / ".ringlet/profiles/x/ringlet.toml"
    before = path.stat()
    with path.open("r+") as file:
        file.write(PROFILE.replace("agent-a", "agent-b"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()

    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    assert attempt(filed).argv == ["agent-b"]


def test_a_replaced_key_is_the_one_that_is_lent(furnished: Home):
    done = furnished.here("keychain", "set", "anthropic", "--replace", "--force", stdin=OTHER_KEY.encode())

    assert done.status == 0, done.err
    assert attempt(furnished).env["ANTHROPIC_API_KEY"] == OTHER_KEY


def test_a_profile_that_ringlet_edited_is_read_again(filed: Home):
    done = filed.here("profiles", "edit", "x", "--command", "agent-b")

    assert done.status == 0, done.err
    assert attempt(filed).argv == ["agent-b"]


def test_a_deleted_profile_does_not_run(filed: Home):
    assert filed.here("profiles", "delete", "x", "--yes").status == 0
    run = attempt(filed)

    assert (run.argv, run.status) == ([], 125)
    assert "no profile" in run.err


def test_a_profile_whose_file_is_gone_does_not_run(filed: Home):
    (filed.path / ".ringlet/profiles/x/ringlet.toml").unlink()
    run = attempt(filed)

    assert (run.argv, run.status) == ([], 125)
    assert "no profile" in run.err


def test_a_removed_key_is_not_lent(furnished: Home):
    assert furnished.here("keychain", "remove", "anthropic", "default", "--yes").status == 0
    run = attempt(furnished)

    assert (run.argv, run.status) == ([], 125)
    assert "anthropic/default" in run.err


def test_another_backend_in_config_toml_is_used(filed: Home):
    filed.configure('[credentials]\nbackend = "system-only"\n')
    run = attempt(filed)

    assert (run.argv, run.status) == ([], 125)
    assert "keychain service" in run.err


def test_an_audit_that_config_toml_switched_off_is_off(filed: Home):
    before = records(filed)
    filed.configure(FILE_BACKEND + "[audit]\nenabled = false\n")

    assert attempt(filed).argv == ["agent-a"]
    assert records(filed) == before


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        (".config/ringlet/credentials.toml", 0o644),
        (".config/ringlet", 0o777),
        (".config/ringlet/config.toml", 0o666),
        (".ringlet/profiles/x/ringlet.toml", 0o666),
        (".local/state/ringlet", 0o777),
    ],
)
def test_what_others_could_read_or_change_stops_the_run(filed: Home, path: str, mode: int):
    (filed.path / path).chmod(mode)
    run = attempt(filed)

    assert (run.argv, run.status) == ([], 125)
    assert f"(mode {mode:04o})" in run.err


def test_a_catalog_file_that_was_put_into_the_config_folder_counts(filed: Home):
    folder = filed.config / "providers"
    folder.mkdir()
    (folder / "anthropic.toml").write_text(OWN_PROVIDER)

    assert attempt(filed).env["ANTHROPIC_BASE_URL"] == "https://gateway.example"


def test_a_catalog_file_that_was_changed_there_counts(filed: Home):
    folder = filed.config / "providers"
    folder.mkdir()
    (folder / "anthropic.toml").write_text(OWN_PROVIDER)
    warm(filed)
    (folder / "anthropic.toml").write_text(OWN_PROVIDER.replace("gateway", "another"))

    assert attempt(filed).env["ANTHROPIC_BASE_URL"] == "https://another.example"


def installed(folder: Path, *, version: str = "") -> dict[str, str]:
    """A copy of ringlet in the folder, and the environment in which it is the one that runs."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(os.path.join(PACKAGE_ROOT, "ringlet_py"), folder / "ringlet_py", ignore=ignored)
    if version:
        (folder / "ringlet_py/__init__.py").write_text(f'__version__ = "{version}"\n')
    return {"PYTHONPATH": str(folder)}


def test_after_an_upgrade_the_plan_is_made_anew(filed: Home, tmp_path: Path):
    run = attempt(filed, environ=installed(tmp_path / "upgraded", version="99.0"))

    assert not run.is_light
    assert run.argv == ["agent-a"]


def test_after_a_reinstallation_the_plan_is_made_anew(filed: Home, tmp_path: Path):
    environ = installed(tmp_path / "installed")
    plan_of(filed).unlink()
    warm(filed, environ=environ)
    shutil.rmtree(tmp_path / "installed")
    installed(tmp_path / "installed")
    run = attempt(filed, environ=environ)

    assert not run.is_light
    assert run.argv == ["agent-a"]


# a plan that is not as it should be is made anew


def flip(path: Path, place: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[place] ^= 0x55
    path.write_bytes(raw)


def make_symlink(path: Path) -> None:
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


def put_folder_in_place_of(path: Path) -> None:
    path.unlink()
    path.mkdir()


def give_away(path: Path) -> None:
    if os.getuid():
        pytest.skip("only root can give a file away")
    os.chown(path, 65534, -1)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


SPOILINGS: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: os.truncate(path, path.stat().st_size // 2),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "its first byte changed": lambda path: flip(path, 0),
    "a byte in its middle changed": lambda path: flip(path, path.stat().st_size // 2),
    "its last byte changed": lambda path: flip(path, -1),
    "readable by others": lambda path: path.chmod(0o644),
    "in a folder that others can write to": lambda path: path.parent.chmod(0o777),
    "a symbolic link": make_symlink,
    "a folder": put_folder_in_place_of,
    "somebody else's": give_away,
}


@pytest.mark.parametrize("spoil", SPOILINGS.values(), ids=SPOILINGS)
def test_a_plan_that_is_not_ours_as_we_left_it_is_not_believed(filed: Home, spoil: Callable[[Path], object]):
    assert attempt(filed).is_light
    spoil(plan_of(filed))
    run = attempt(filed)

    assert not run.is_light
    assert run.argv == ["agent-a"]
    assert run.env["ANTHROPIC_API_KEY"] == KEY


def test_one_profiles_plan_is_not_believed_as_anothers(filed: Home):
    filed.profile("y", PROFILE.replace("agent-a", "agent-b"))
    warm(filed, "y")
    shutil.copy(plan_of(filed), plan_of(filed, "y"))

    assert attempt(filed, "run", "y").argv == ["agent-b"]


def test_no_plan_holds_the_key(furnished: Home):
    assert KEY.encode() not in plan_of(furnished).read_bytes()


# an error is the same at both doors


def through_both(home: Home) -> tuple[Attempt, Attempt]:
    light = attempt(home)
    plan_of(home).unlink()
    full = attempt(home)
    assert (light.is_light, full.is_light) == (True, False)
    assert (light.argv, full.argv) == ([], [])
    return light, full


TROUBLES: dict[str, tuple[Callable[[Home], object], int, str]] = {
    "key not found": (lambda home: home.credentials.write_text(""), 125, "anthropic/default"),
    "credentials unreadable": (lambda home: home.credentials.write_text("[a"), 125, "credentials.toml"),
    "insecure permissions": (lambda home: home.credentials.chmod(0o644), 125, "mode 0644"),
    "agent missing": (lambda home: (home.path / "bin/agent-a").unlink(), 127, "agent-a"),
    "agent not executable": (lambda home: (home.path / "bin/agent-a").chmod(0o644), 126, "not executable"),
    "audit unwritable": (lambda home: put_folder_in_place_of(home.state / "audit.jsonl"), 125, "audit"),
}


@pytest.mark.parametrize(("spoil", "status", "said"), TROUBLES.values(), ids=TROUBLES)
def test_an_error_reads_the_same_at_both_doors(filed: Home, spoil: Callable[[Home], object], status: int, said: str):
    spoil(filed)
    light, full = through_both(filed)

    assert (light.status, light.err) == (full.status, full.err)
    assert light.status == status
    assert said in light.err
    assert KEY not in light.err


@pytest.mark.keychain
def test_a_locked_keychain_reads_the_same_at_both_doors(kept: Home, gnome: GnomeKeyring):
    gnome.lock()
    light, full = through_both(kept)

    assert (light.status, light.err) == (full.status, full.err)
    assert light.status == 125
    assert "locked" in light.err


@pytest.mark.keychain
def test_a_key_that_the_keychain_lacks_reads_the_same_at_both_doors(kept: Home, gnome: GnomeKeyring):
    (item,) = gnome.search(service="ringlet", username="anthropic/default")
    gnome.delete(item)
    light, full = through_both(kept)

    assert (light.status, light.err) == (full.status, full.err)
    assert "anthropic/default" in light.err


def test_a_refusal_is_recorded_at_both_doors(filed: Home):
    filed.credentials.write_text("")
    before = len(records(filed))
    through_both(filed)

    assert [record["outcome"] for record in records(filed)[before:]] == ["key-not-found", "key-not-found"]


def test_another_ledger_in_the_environment_is_asked(filed: Home):
    run = attempt(filed, environ={"RINGLET_LEDGER_URL": "redis://127.0.0.1:1/0"})

    assert not run.is_light
    assert (run.argv, run.status) == ([], 125)


def test_a_key_that_was_reported_invalid_is_lent_no_more(filed: Home):
    done = filed.here("pools", "report", "anthropic", "default", "invalid")
    assert done.status == 0, done.err
    run = attempt(filed)

    assert (run.argv, run.status) == ([], 125)
    assert "anthropic/default" in run.err


def test_a_bound_secret_of_an_inactive_key_is_not_lent(filed: Home):
    stored = filed.here("keychain", "edit", "anthropic", "default", "--secret", "hook", stdin=b"whsec_0123456789")
    assert stored.status == 0, stored.err
    filed.profile("x", PROFILE + '[env]\nHOOK = "ringlet:anthropic/default#hook"\n')
    assert warm(filed).env["HOOK"] == "whsec_0123456789"

    assert filed.here("keychain", "edit", "anthropic", "default", "--inactive").status == 0
    run = filed.here("run", "--key", "HOOK=anthropic/default#hook", "--", "agent-a")
    assert run.status == 125
    assert "inactive" in run.err
    assert attempt(filed).status == 125
