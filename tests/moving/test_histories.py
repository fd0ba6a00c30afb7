from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringlet_py.moving import histories
from ringlet_py.moving.entries_of_histories import entries
from ringlet_py.secret import Secret
from tests.moving.world import A, B

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ["bash", "zsh", "fish", "nushell", "powershell", "other"]
SECRETS = {"anthropic/default": Secret(A), "openai/default": Secret(B)}


@pytest.mark.parametrize("kind", KINDS)
@given(
    st.one_of(
        st.binary(max_size=80),
        st.lists(
            st.sampled_from([b"- cmd: x\n", b"#1700000000\n", b"a\\\n", b"b`\r\n", b"c", b"\n", b"  when: 1\n"])
        ).map(b"".join),
    )
)
@example(b"")
@example(b"a\\\\\nb")
def test_entries_are_the_whole_file(kind: str, raw: bytes):
    found = entries(raw, kind)

    assert b"".join(found) == raw
    assert all(found)


@pytest.mark.parametrize(
    ("kind", "raw", "found"),
    [
        ("bash", b"a\nb\\\nc\n", [b"a\n", b"b\\\n", b"c\n"]),
        ("bash", b"#1700000000\nx\ndo\n#1700000001\nb\n", [b"#1700000000\nx\ndo\n", b"#1700000001\nb\n"]),
        ("bash", b"o\np\n#1700000000\nx\ndo\n", [b"o\n", b"p\n", b"#1700000000\nx\n", b"do\n"]),
        ("bash", b"#1700000000\n" + b"x\n" * 40, [b"#1700000000\nx\n", *[b"x\n"] * 39]),
        ("bash", b"#1700000000\n#1700000001\nb", [b"#1700000000\n", b"#1700000001\nb"]),
        ("zsh", b": 1700000000:0;a\\\nb\n: 1700000001:0;c\n", [b": 1700000000:0;a\\\nb\n", b": 1700000001:0;c\n"]),
        ("zsh", b"a\\\\\nb\n", [b"a\\\\\n", b"b\n"]),
        ("zsh", b"caf\x83\xa9\xc3\x83\x89\nb", [b"caf\x83\xa9\xc3\x83\x89\n", b"b"]),
        ("fish", b"- cmd: a\n  when: 1\n- cmd: b\n  c\n", [b"- cmd: a\n  when: 1\n", b"- cmd: b\n  c\n"]),
        ("powershell", b"a`\r\nb\r\nc\r\n", [b"a`\r\nb\r\n", b"c\r\n"]),
        ("other", b"a\nb\n", [b"a\n", b"b\n"]),
    ],
)  # fmt: skip
def test_an_entry_is_whole(kind: str, raw: bytes, found: list[bytes]):
    assert entries(raw, kind) == found


def put(home: Path, name: str, content: bytes) -> Path:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_entries_that_hold_a_value_are_counted_and_taken_out(tmp_path: Path):
    bash = put(tmp_path, ".bash_history", b"ls\nexport K=%s\nls\n" % A.encode())
    fish = put(
        tmp_path, ".local/share/fish/fish_history", b"- cmd: a %s\n  when: 1\n- cmd: b\n  when: 2\n" % B.encode()
    )
    put(tmp_path, ".zsh_history", b": 1:0;ls\n")

    found, notes = histories.found(SECRETS, home=str(tmp_path), environ={})

    assert [(each.source.path, each.count, each.addresses) for each in found] == [
        (str(bash), 1, ("anthropic/default",)),
        (str(fish), 1, ("openai/default",)),
    ]
    assert notes == []
    assert histories.remove(found) == []
    assert (bash.read_bytes(), fish.read_bytes()) == (b"ls\nls\n", b"- cmd: b\n  when: 2\n")
    assert histories.found(SECRETS, home=str(tmp_path), environ={}) == ([], [])


def test_a_variable_says_where_the_history_is(tmp_path: Path):
    own = put(tmp_path, "own", f"x {A}\\\nmore\nls\n".encode())

    found, _ = histories.found(SECRETS, home="/nowhere", environ={"HISTFILE": str(own), "SHELL": "/usr/bin/zsh"})

    assert [each.content for each in found] == [b"ls\n"]


def test_a_shell_that_writes_meanwhile_loses_nothing(tmp_path: Path):
    bash = put(tmp_path, ".bash_history", b"x %s\n" % A.encode())
    found, _ = histories.found(SECRETS, home=str(tmp_path), environ={})
    put(tmp_path, ".bash_history", b"x %s\nnew\n" % A.encode())

    assert histories.remove(found) == [f"{bash} was changed meanwhile and left as it is"]
    assert b"new" in bash.read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="modes mean nothing on Windows")
@pytest.mark.parametrize("name", ["history.sqlite3", "history.sqlite3-wal"])
def test_a_history_in_a_database_is_counted_and_left(tmp_path: Path, name: str):
    path = put(tmp_path, f".config/nushell/{name}", b"\0\n%s\n" % A.encode())

    found, _ = histories.found(SECRETS, home=str(tmp_path), environ={})

    assert [each.count for each in found] == [1]
    assert histories.remove(found) == [f"{path} was left as it is: it is of a database"]
    assert A.encode() in path.read_bytes()


@pytest.mark.parametrize("name", [".zsh_sessions/1.history", ".bash_sessions/1.historynew", ".local/state/zsh/history"])
def test_a_terminals_sessions_have_histories_too(tmp_path: Path, name: str):
    path = put(tmp_path, name, A.encode())

    assert [each.source.path for each in histories.found(SECRETS, home=str(tmp_path), environ={})[0]] == [str(path)]


def test_a_history_that_leads_nowhere_is_none(tmp_path: Path):
    (tmp_path / ".bash_history").symlink_to(os.devnull)
    (tmp_path / ".zsh_history").symlink_to("gone")

    assert histories.found(SECRETS, home=str(tmp_path), environ={}) == ([], [])


def test_a_read_only_history_is_named_and_left(tmp_path: Path):
    put(tmp_path, ".bash_history", b"x %s\n" % A.encode()).chmod(0o400)
    found, _ = histories.found(SECRETS, home=str(tmp_path), environ={})

    assert histories.remove(found) == [f"{tmp_path}/.bash_history was left as it is: it is read-only"]
