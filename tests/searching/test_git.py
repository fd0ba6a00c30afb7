"""`ringlet scan` in real repositories, a stranger's too."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from typing import TYPE_CHECKING

import pytest

from ringlet_py.searching import git as ours
from tests.end_to_end.leaks import CommandLines, Search
from tests.end_to_end.program import KEY, PACKAGE_ROOT, Home, store_key
from tests.people import as_root
from tests.searching.repositories import git, needs_git

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
FOUND, INCOMPLETE = 1, 17


@pytest.fixture
def home(tmp_path: Path) -> Home:
    needs_git()
    made = Home.at(tmp_path / "home")
    made.program("ringlet", f'#!/bin/sh\nexec {sys.executable} -m ringlet_py "$@"\n')
    store_key(made)
    git(made, "init")
    return made


def write(home: Home, name: str, text: str) -> None:
    path = home.path / "work" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def commit(home: Home, message: str, **files: str) -> str:
    """A commit of these files; its name as it is shown."""
    for name, text in files.items():
        write(home, name, text)
    git(home, "add", "--all")
    git(home, "commit", "--allow-empty", "--no-verify", "-m", message)
    return git(home, "rev-parse", "HEAD").strip()[:12]


def scanned(home: Home, *options: str) -> tuple[int, list[str]]:
    done = home.here("scan", *options)
    assert KEY not in done.out + done.err
    return done.status, done.out.splitlines()


# what is staged


def test_only_what_a_commit_would_change_is_looked_at(home: Home):
    commit(home, "one", old=f"{KEY}\n", other="x")
    write(home, "unstaged", KEY)
    assert scanned(home, "--staged") == (0, [])
    write(home, "other", f"first line\nkey={base64.b64encode(KEY.encode()).decode()}\n")
    git(home, "add", "other")
    write(home, "other", "not what is staged")
    assert scanned(home, "--staged") == (FOUND, ["other:2: anthropic/default (base64)"])


def test_the_first_commit_and_odd_names_are_looked_at(home: Home):
    write(home, "ä folder/with\ttab", KEY)
    write(home, "many", "x" * 300_000 + "\n" + KEY)
    git(home, "add", "--all")

    status, lines = scanned(home, "--staged")
    assert status == FOUND
    assert lines == ["many:2: anthropic/default (plain)", "ä folder/with\\ttab:1: anthropic/default (plain)"]


def test_removed_and_renamed_files_and_submodules_stop_nothing(home: Home):
    commit(home, "one", a="a", b="b" * 100)
    git(home, "rm", "a")
    git(home, "mv", "b", "c")
    git(home, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")

    assert scanned(home, "--staged") == (0, [])


# the history


def test_every_blob_and_message_that_is_still_reachable_is_looked_at(home: Home):
    commit(home, "one", a=f"x\n{KEY}\n")
    commit(home, "two", a="clean")
    commit(home, "three", copy=f"x\n{KEY}\n")  # the same blob
    git(home, "switch", "-c", "side")
    message = commit(home, f"oh no: {KEY}")
    git(home, "tag", "-a", "v1", "-m", f"tagged {KEY}")
    tag = git(home, "rev-parse", "v1").strip()[:12]
    write(home, "a", f"stash {KEY.encode().hex()}")
    git(home, "stash")
    stash = git(home, "rev-parse", "stash").strip()[:12]
    git(home, "reset", "--hard", "HEAD~1")
    write(home, "a", "clean")

    status, lines = scanned(home, "--history")
    shown = [line.removesuffix(": anthropic/default (plain)") for line in lines]
    assert status == FOUND
    assert {f"{message} (commit's message)", f"{tag} (tag's message)", f"{stash} (commit's message)"} <= set(shown)
    assert f"{stash}:a:1: anthropic/default (hex)" in shown
    # one blob of two names in two commits is one finding
    assert len([line for line in shown if line.endswith((":a:2", ":copy:2"))]) == 1
    assert len(lines) == 6  # git says a stash's message twice


def test_what_only_the_reflog_leads_to_is_found(home: Home):
    commit(home, "one", a="clean")
    lost = commit(home, "two", a=KEY)
    git(home, "reset", "--hard", "HEAD~1")

    assert scanned(home, "--history") == (FOUND, [f"{lost}:a:1: anthropic/default (plain)"])


def test_a_history_that_says_itself_that_it_is_shorter_is_looked_at_as_a_whole(home: Home):
    first = commit(home, "one", a=KEY)
    commit(home, "two", a="clean")
    git(home, "reflog", "expire", "--expire=now", "--all")
    write(home, ".git/info/grafts", git(home, "rev-parse", "HEAD"))

    assert scanned(home, "--history") == (FOUND, [f"{first}:a:1: anthropic/default (plain)"])


def test_packed_and_empty_repositories_are_read(home: Home):
    assert scanned(home, "--history") == (0, [])
    name = commit(home, "one", a=KEY)
    git(home, "gc", "--quiet")
    assert scanned(home, "--history") == (FOUND, [f"{name}:a:1: anthropic/default (plain)"])


def test_a_history_that_is_not_all_there_is_never_clean(home: Home):
    commit(home, "one", a="clean")
    blob = git(home, "rev-parse", "HEAD:a").strip()
    os.unlink(home.path / "work/.git/objects" / blob[:2] / blob[2:])

    done = home.here("scan", "--history")
    assert done.status == INCOMPLETE
    assert "1 objects of the history" in done.err


def test_a_shallow_clone_is_never_clean(home: Home):
    commit(home, "one", a=KEY)
    commit(home, "two", a="clean")
    git(home, "clone", "--quiet", "--depth", "1", f"file://{home.path / 'work'}", str(home.path / "clone"))

    done = home.here("scan", "--history", str(home.path / "clone"))
    assert done.status == INCOMPLETE
    assert "git fetch --unshallow" in done.err


def test_a_file_has_no_repository(home: Home):
    commit(home, "one", a="clean")
    done = home.here("scan", "--staged", "a")

    assert done.status == 2
    assert "a is no folder" in done.err


def test_a_configuration_that_never_ends_is_not_waited_for(home: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ours, "LIMIT", 0.3)
    git(home, "config", "include.path", str(home.path / "work/fifo"))
    os.mkfifo(home.path / "work/fifo")

    done = home.here("scan", "--staged")
    assert done.status == INCOMPLETE
    assert "git did not answer" in done.err


def test_no_repository_is_an_error_of_its_own(home: Home):
    done = home.here("scan", "--staged", str(home.path))

    assert done.status == INCOMPLETE
    assert "is in no git repository" in done.err


# a stranger's repository


def test_nothing_that_a_hostile_repository_names_is_run(home: Home):
    commit(home, "one", a="a")
    evil = home.program("evil", '#!/bin/sh\necho "$0 $*" >>"$HOME/ran"\nexit 1\n')
    for name in (
        "core.fsmonitor", "core.pager", "pager.rev-list", "diff.external", "core.sshCommand", "core.editor",
        "diff.evil.textconv", "diff.evil.command", "filter.evil.clean", "filter.evil.smudge", "filter.evil.process",
        "gpg.program", "core.alternateRefsCommand", "uploadpack.packObjectsHook", "credential.helper",
    ):  # fmt: skip
        git(home, "config", name, str(evil))
    git(home, "config", "core.hooksPath", str(evil.parent))
    git(home, "config", "log.showSignature", "true")
    git(home, "config", "alias.rev-list", f"!{evil}")
    git(home, "config", "remote.evil.url", f"ext::{evil}")
    git(home, "config", "remote.evil.promisor", "true")
    git(home, "config", "extensions.partialClone", "evil")
    write(home, ".gitattributes", "* diff=evil filter=evil\n")
    write(home, "a", KEY)
    blob = git(home, "hash-object", "-w", "--no-filters", "a").strip()
    git(home, "update-index", "--cacheinfo", f"100644,{blob},a")
    (home.path / "ran").unlink(missing_ok=True)

    assert scanned(home, "--staged") == (FOUND, ["a:1: anthropic/default (plain)"])
    assert scanned(home, "--history")[0] == 0
    tree = git(home, "rev-parse", "HEAD:a").strip()
    os.unlink(home.path / "work/.git/objects" / tree[:2] / tree[2:])
    assert home.here("scan", "--history").status == INCOMPLETE
    assert not (home.path / "ran").exists()


def test_a_hook_is_not_put_where_only_the_repository_says(home: Home):
    git(home, "config", "core.hooksPath", str(home.path / "elsewhere"))
    done = home.here("scan", "--hook", "install")

    assert done.status == 2
    assert "leads out of it" in done.err
    assert not (home.path / "elsewhere").exists()


def test_nor_where_a_link_leads_out_of_it_and_that_is_what_is_said(home: Home):
    (home.path / "elsewhere").mkdir()
    hooks = home.path / "work/.git/hooks"
    shutil.rmtree(hooks)
    hooks.symlink_to(home.path / "elsewhere")
    done = home.here("scan", "--hook", "install")

    assert (done.status, list((home.path / "elsewhere").iterdir())) == (2, [])
    assert "is a link to" in done.err
    assert "--unset" not in done.err


def test_nor_where_it_says_that_everything_is_its_own(home: Home):
    git(home, "config", "core.worktree", "/")
    git(home, "config", "core.hooksPath", str(home.path / "elsewhere"))
    done = home.here("scan", "--hook", "install")

    assert done.status == 2
    assert not (home.path / "elsewhere").exists()


@as_root
def test_a_repository_of_somebody_else_is_refused_with_the_reason(home: Home):
    for path in [home.path / "work", *(home.path / "work").rglob("*")]:
        os.chown(path, 65534, 65534)
    done = home.here("scan", "--history")

    assert done.status == INCOMPLETE
    assert "belongs to somebody else" in done.err
    assert "safe.directory" in done.err


# the hook


def test_a_commit_with_a_key_is_refused_and_one_without_is_made(home: Home):
    assert json.loads(home.here("scan", "--hook", "install", "--json").out)["changed"] is True
    write(home, "a", KEY)
    git(home, "add", "a")

    said = git(home, "commit", "-m", "one", ok=False)
    assert "a:1: anthropic/default (plain)" in said
    assert "--no-verify" in said
    assert KEY not in said
    write(home, "a", "clean")
    git(home, "commit", "-a", "-m", "one")
    write(home, "b", KEY)
    git(home, "add", "b")
    git(home, "commit", "--no-verify", "-m", "two")


def test_what_commit_itself_stages_is_looked_at(home: Home):
    commit(home, "one", a="clean", b="clean")
    home.here("scan", "--hook", "install")
    write(home, "a", KEY)
    write(home, "b", "changed")

    assert "a:1:" in git(home, "commit", "-a", "-m", "two", ok=False)
    assert "a:1:" in git(home, "commit", "-m", "two", "a", ok=False)
    git(home, "commit", "-m", "two", "b")


def test_a_hook_that_was_there_runs_as_well_and_its_no_counts(home: Home):
    mine = home.path / "work/.git/hooks/pre-commit"
    mine.write_text('#!/bin/sh\necho "mine ran"\nexit 3\n')
    mine.chmod(0o755)
    home.here("scan", "--hook", "install")
    write(home, "a", "clean")
    git(home, "add", "a")

    assert "mine ran" in git(home, "commit", "-m", "one", ok=False)
    assert git(home, "log", "--all", "--oneline") == ""
    home.here("scan", "--hook", "remove")
    assert mine.read_text() == '#!/bin/sh\necho "mine ran"\nexit 3\n'


def test_a_folder_in_the_place_of_a_hook_stops_no_commit(home: Home):
    (home.path / "work/.git/hooks/pre-commit").mkdir()
    home.here("scan", "--hook", "install")
    write(home, "a", "clean")
    git(home, "add", "a")

    git(home, "commit", "-m", "one")
    assert git(home, "log", "--oneline").endswith("one\n")


def test_a_commit_that_cannot_be_checked_is_not_made(home: Home):
    home.here("scan", "--hook", "install")
    write(home, "a", "clean")
    git(home, "add", "a")
    home.credentials.write_text("not TOML")
    assert "--no-verify" in git(home, "commit", "-m", "one", ok=False)
    (home.path / "bin/ringlet").unlink()
    assert "ringlet is not installed" in git(home, "commit", "-m", "one", ok=False)


def test_a_worktree_and_a_folder_of_hooks_in_the_repository_are_honoured(home: Home):
    commit(home, "one", a="a")
    git(home, "worktree", "add", str(home.path / "tree"))
    out = home.here("scan", "--hook", "install", str(home.path / "tree")).out
    assert "work/.git/hooks/pre-commit: ringlet's" in out
    (home.path / "tree/b").write_text(KEY)
    git(home, "add", "b", at=home.path / "tree")
    assert "b:1:" in git(home, "commit", "-m", "two", at=home.path / "tree", ok=False)
    git(home, "config", "core.hooksPath", ".githooks")
    assert ".githooks/pre-commit: ringlet's" in home.here("scan", "--hook", "install").out


def test_a_global_folder_of_hooks_is_the_persons_own_choice(home: Home):
    git(home, "config", "--global", "core.hooksPath", str(home.path / "hooks"))

    assert home.here("scan", "--hook", "install").status == 0
    assert (home.path / "hooks/pre-commit").exists()


# the pre-commit framework


def test_the_framework_refuses_a_commit_with_a_key_by_our_manifest(home: Home):
    framework = shutil.which("pre-commit", path=sysconfig.get_path("scripts")) or shutil.which("pre-commit")
    if framework is None:
        assert "pre-commit" not in os.environ.get("RINGLET_REQUIRE", "").split(), "pre-commit is not installed"
        pytest.skip("pre-commit is not installed")
    home.program("pre-commit", f'#!/bin/sh\nexec {framework} "$@"\n')
    hooks = home.path / "hooks"
    hooks.mkdir()
    shutil.copy(os.path.join(PACKAGE_ROOT, ".pre-commit-hooks.yaml"), hooks)
    git(home, "init", at=hooks)
    git(home, "add", "--all", at=hooks)
    git(home, "commit", "-m", "hooks", at=hooks)
    revision = git(home, "rev-parse", "HEAD", at=hooks).strip()
    config = f"repos: [{{repo: {hooks}, rev: {revision}, hooks: [{{id: ringlet-scan}}]}}]\n"
    commit(home, "one", **{".pre-commit-config.yaml": config})
    del home.environ["PYTHONPATH"]  # of the tests; the framework's own Python may be another one
    home.program("ringlet", f'#!/bin/sh\nPYTHONPATH={PACKAGE_ROOT} exec {sys.executable} -m ringlet_py "$@"\n')
    subprocess.run([home.path / "bin/pre-commit", "install"], cwd=home.path / "work", env=home.environ, check=True)
    write(home, "a", KEY)
    git(home, "add", "a")

    said = git(home, "commit", "-m", "two", ok=False)
    assert "a:1: anthropic/default (plain)" in said
    write(home, "a", "clean")
    git(home, "add", "a")
    git(home, "commit", "-m", "two")


# how it ends


def test_no_command_line_holds_a_value_while_git_is_asked(home: Home):
    for number in range(20):
        commit(home, f"commit {number}", a=f"{number}{KEY}")
    search = Search(home, KEY)
    with CommandLines(search) as lines:
        assert home.ringlet("scan", "--history").status == FOUND
        assert home.ringlet("scan", "--staged").status == 0

    assert lines.looks > 3
    assert search.found == []


def test_an_interrupted_search_ends_quietly_with_its_gits(home: Home):
    write(home, "a", "clean")
    git(home, "add", "a")
    home.program(
        "git",
        '#!/bin/sh\ncase "$*" in\n*cat-file*) echo $$ >>"$HOME/gits"; exec sleep 60;;\n*rev-list*) exec sleep 60;;\n'
        'esac\nexec /usr/bin/git "$@"\n',
    )
    running = home.start("scan", "--history", start_new_session=True)
    started = home.path / "gits"
    deadline = time.monotonic() + 30
    while not (started.exists() and started.read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=30)

    assert (running.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    assert not os.path.exists(f"/proc/{started.read_text().strip()}")
