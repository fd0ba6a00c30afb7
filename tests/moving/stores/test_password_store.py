"""The entries of pass: found by name, and read by gpg when they are wanted."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ringlet_py.errors import (
    InvalidSecret,
    KeychainAbsent,
    KeychainBroken,
    KeychainDenied,
    KeychainError,
    KeychainLocked,
    KeychainTimeout,
)
from ringlet_py.moving.stores import password_store
from ringlet_py.moving.stores.password_store import PasswordStore, store_folder
from tests.moving.stores.shown import ANTHROPIC, MISTRAL, OPENAI, PROVIDERS, assert_nothing_leaks, holds, named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.moving.stores import Candidate

# gpg as far as its answers go: it notes its arguments, and does what the entry says
FAKE = """#!/bin/sh
printf '%s\\n' "$@" >>"$LOG"
case "$*" in *--list-secret-keys*) exit "${HAVE_KEY:-0}";; esac
for file; do :; done
. "$file"
"""
TO = "echo '[GNUPG:] ENC_TO A4AF264F99057631 1 0' >&2; "


def store(folder: Path, environ: dict[str, str] | None = None, **entries: str) -> PasswordStore:
    """A store whose entries are what the fake does with them, by their names with `__` for `/`."""
    for name, does in entries.items():
        path = folder / "store" / (name.replace("__", "/") + ".gpg")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(does)
    (folder / "gpg").write_text(FAKE)
    (folder / "gpg").chmod(0o700)
    given = {"PATH": f"{folder}:/usr/bin:/bin", "LOG": str(folder / "log"), **(environ or {})}
    return PasswordStore(str(folder / "store"), given, PROVIDERS)


def only(of: PasswordStore) -> Candidate:
    (candidate,), _ = of.finds()
    return candidate


def test_entries_are_found_by_their_names_and_none_is_read(tmp_path: Path) -> None:
    does = "echo read"
    passes = store(tmp_path, api__openai__work=does, claude=does, mail__me=does, stripe_api_key=does)
    (tmp_path / "store/.git").mkdir()
    (tmp_path / "store/.git/openai.gpg").touch()
    keys, notes = passes.finds()

    assert named(keys) == [
        ("claude", "anthropic", ""),
        ("stripe_api_key", "", "stripe"),
        ("api/openai/work", "openai", "work"),
    ]
    assert [each.value for each in keys] == [None, None, None]
    assert "3 entries look like keys by their names; their values are read when they are moved" in notes[0]
    assert not (tmp_path / "log").exists()


def test_the_first_line_is_the_key_and_is_nowhere_else(tmp_path: Path) -> None:
    key = only(store(tmp_path, {"PASSWORD_STORE_GPG_OPTS": "--no-tty"}, openai__work=f"echo {OPENAI}; echo login: me"))

    assert holds(key, OPENAI)
    assert key.remove == "pass rm openai/work"
    assert_nothing_leaks([key], [(tmp_path / "log").read_text()])
    arguments = (tmp_path / "log").read_text().split("\n")[:-1]
    assert arguments == [
        "--batch",
        "--no-tty",
        "--quiet",
        "--status-fd",
        "2",
        "--decrypt",
        f"{tmp_path}/store/openai/work.gpg",
    ]


def test_a_password_of_a_provider_s_page_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(InvalidSecret, match="does not read as a key of openai"):
        only(store(tmp_path, web__openai="echo correct-horse")).secret()
    assert holds(only(store(tmp_path / "2", web__openai_api_key=f"echo {MISTRAL}")), MISTRAL)


@pytest.mark.parametrize(
    ("does", "have", "error"),
    [
        (TO + "exit 2", "0", KeychainLocked),
        (TO + "exit 2", "2", KeychainBroken),
        (TO + "echo '[GNUPG:] ERROR pkdecrypt_failed 83886179' >&2; exit 2", "0", KeychainDenied),
        (TO + "echo '[GNUPG:] ERROR pkdecrypt_failed' >&2; exit 2", "0", KeychainLocked),
        ("echo '[GNUPG:] NODATA 1' >&2; exit 2", "0", KeychainBroken),
        (f"echo {OPENAI}; echo {OPENAI} >&2; exit 2", "0", KeychainBroken),
        (f"echo {OPENAI}; sleep 5", "0", KeychainTimeout),
        ("echo two words", "0", InvalidSecret),
        (":", "0", InvalidSecret),
    ],
)
def test_each_way_to_fail_is_told_apart_and_shows_no_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, have: str, error: type[Exception]
) -> None:
    if error is KeychainTimeout:
        monkeypatch.setattr(password_store, "_PATIENCE", 0.1)
    key = only(store(tmp_path, {"HAVE_KEY": have}, openai=does))
    with pytest.raises((KeychainError, InvalidSecret)) as caught:
        key.secret()

    assert type(caught.value) is error
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert_nothing_leaks([], [str(caught.value), caught.value.why])


def test_without_gpg_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(KeychainAbsent, match="need gpg"):
        only(store(tmp_path, {"PATH": "/nowhere"}, openai="")).secret()


def test_an_entry_that_is_gone_or_large_is_refused(tmp_path: Path) -> None:
    key = only(store(tmp_path, openai="x" * 70_000))
    with pytest.raises(KeychainBroken, match="gone, or too large"):
        key.secret()
    (tmp_path / "store/openai.gpg").unlink()
    with pytest.raises(KeychainBroken, match="gone, or too large"):
        key.secret()


def test_where_it_is() -> None:
    assert store_folder("/h", {}) == "/h/.password-store"
    assert store_folder("/h", {"PASSWORD_STORE_DIR": "/p"}) == "/p"


# the real programs


@pytest.fixture
def real() -> Iterator[dict[str, str]]:
    """The environment of a person with an open secret key and one that only a window would open, which cannot."""
    if not (shutil.which("pass") and shutil.which("gpg")):
        assert "pass" not in os.environ.get("RINGLET_REQUIRE", "").split(), "pass or gpg is not installed"
        pytest.skip("pass or gpg is not installed")
    # a short path: the agent's socket is in it
    home = Path(tempfile.mkdtemp(prefix="rl-", dir="/tmp"))
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "GNUPGHOME": f"{home}/gnupg", "LC_ALL": "C.UTF-8"}
    try:
        (home / "gnupg").mkdir(mode=0o700)
        (home / "gnupg/gpg-agent.conf").write_text("pinentry-program /bin/false\n")
        for name, words in (("open", ""), ("shut", "some words")):
            options = ["--pinentry-mode", "loopback", "--passphrase", words]
            made = ["--quick-gen-key", f"{name}@example.org", "rsa2048", "encrypt,sign", "never"]
            run(environ, "gpg", "--batch", "--quiet", *options, *made)
        run(environ, "pass", "init", "open@example.org")
        yield environ
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=environ, check=False)
        shutil.rmtree(home, ignore_errors=True)


def run(environ: dict[str, str], *command: str, stdin: str = "") -> None:
    done = subprocess.run(command, env=environ, input=stdin.encode(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_what_pass_stored_is_read_and_its_command_removes_it(real: dict[str, str]) -> None:
    run(real, "pass", "insert", "--multiline", "api/openai/work", stdin=f"{OPENAI}\nlogin: me\n")
    run(real, "pass", "insert", "--multiline", "mail/me", stdin="correct-horse\n")
    passes = PasswordStore(store_folder(real["HOME"], real), real, PROVIDERS)
    key = only(passes)

    assert holds(key, OPENAI)
    run(real, *key.remove.split(), "--force")
    assert passes.finds() == ([], [])


@pytest.mark.slow
def test_real_gpg_tells_a_locked_key_from_one_that_is_not_here_and_from_a_damaged_entry(real: dict[str, str]) -> None:
    folder = Path(store_folder(real["HOME"], real))
    sealed = ["gpg", "--batch", "--quiet", "--trust-model", "always", "-r", "shut@example.org", "-o"]
    run(real, *sealed, str(folder / "claude.gpg"), "--encrypt", stdin=ANTHROPIC)
    run(real, "gpgconf", "--kill", "gpg-agent")  # which still knows the passphrase
    key = only(PasswordStore(str(folder), real, PROVIDERS))
    elsewhere = {**real, "GNUPGHOME": f"{real['HOME']}/empty"}
    Path(elsewhere["GNUPGHOME"]).mkdir(mode=0o700)

    with pytest.raises(KeychainLocked):
        key.secret()
    with pytest.raises(KeychainBroken, match="could not open") as caught:
        only(PasswordStore(str(folder), elsewhere, PROVIDERS)).secret()
    subprocess.run(["gpgconf", "--kill", "all"], env=elsewhere, check=False)
    assert caught.value.why == "the secret key for it is not here"

    (folder / "claude.gpg").write_bytes(b"no message")
    with pytest.raises(KeychainBroken) as caught:
        key.secret()
    assert caught.value.why == "it is not as pass writes it"
