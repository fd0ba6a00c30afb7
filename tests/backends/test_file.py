from __future__ import annotations

import errno
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import tomllib
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringlet_py.backends import file as file_module
from ringlet_py.backends.file import MAX_LENGTH, FileBackend, plain_keys
from ringlet_py.entry import Address
from ringlet_py.errors import (
    InsecurePermissions,
    InvalidSecret,
    KeychainBroken,
    KeyNotFound,
    RingletError,
    StoreCorrupt,
)
from ringlet_py.secret import Secret
from tests.backends.contract import BackendContract
from tests.killing import kill_at_every_step
from tests.people import NOBODY, as_root, run_as_nobody

if TYPE_CHECKING:
    from collections.abc import Iterator

WORK = Address("anthropic", "work")
HOME = Address("anthropic", "home")
CANARY = "sk-canary-7f3a9b2c4d5e6f70"

posix = pytest.mark.skipif(os.name != "posix", reason="modes mean nothing on Windows")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "credentials.toml"


@pytest.fixture
def backend(path: Path) -> FileBackend:
    return FileBackend(str(path))


@pytest.fixture
def write(path: Path) -> Callable[[str | bytes], None]:
    """Puts a file there as a person with an editor would, privately."""

    def write(content: str | bytes) -> None:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return write


Write = Callable[[str | bytes], None]


@pytest.fixture
def nobodys_folder() -> Iterator[Path]:
    """Another user's folder with a key in it, outside pytest's own, which is closed to others."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    file = folder / "credentials.toml"
    file.touch(mode=0o600)
    file.write_text(f"[anthropic.work]\nkey = '{CANARY}'\n")
    for part in (folder, file):
        os.chown(part, NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


AS_NOBODY = """
import fcntl, shlex, sys  # what is loaded later may be closed to that user
from ringlet_py.backends.file import FileBackend
from ringlet_py.entry import Address
from ringlet_py.errors import RingletError
from ringlet_py.files import toml_editing
from ringlet_py.secret import Secret
---
backend, address = FileBackend(sys.argv[1]), Address("anthropic", "work")
try:
    backend.set(address, Secret("new")) if sys.argv[2] == "set" else backend.get(address)
except RingletError as error:
    print(error.code, error.what, error.why)
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def every_verb(backend: FileBackend) -> list[Callable[[], object]]:
    return [
        backend.check,
        backend.names,
        lambda: backend.get(WORK),
        lambda: backend.set(WORK, Secret("new")),
        lambda: backend.remove(WORK),
    ]


def changing(backend: FileBackend, value: str) -> list[Callable[[], object]]:
    return [lambda: backend.set(WORK, Secret(value)), lambda: backend.remove(WORK)]


def everything_said(error: RingletError) -> str:
    return "".join(traceback.format_exception(error)) + f"{error.what} {error.why} {error.hint}"


class TestFile(BackendContract):
    @pytest.fixture
    def another(self, path: Path) -> FileBackend:
        return FileBackend(str(path))


class TestTheFile:
    def test_is_one_table_a_key(self, backend: FileBackend, path: Path):
        backend.set(WORK, Secret("a"))
        backend.set(Address("openai", "v1.2"), Secret("b"))

        assert path.read_text() == '[anthropic.work]\nkey = "a"\n\n[openai."v1.2"]\nkey = "b"\n'

    @posix
    def test_is_born_private_in_a_private_folder(self, backend: FileBackend, path: Path):
        before = os.umask(0)
        try:
            backend.set(WORK, Secret("a"))
        finally:
            os.umask(before)

        assert mode(path) == mode(path.with_name("credentials.toml.lock")) == 0o600
        assert mode(path.parent) == 0o700

    def test_reading_makes_nothing(self, backend: FileBackend, tmp_path: Path):
        assert backend.names() == []
        backend.check()
        for verb in (backend.get, backend.remove):
            with pytest.raises(KeyNotFound) as caught:
                verb(WORK)
            assert caught.value.hint == "ringlet keychain set anthropic work"

        assert list(tmp_path.iterdir()) == []

    def test_comments_and_what_ringlet_does_not_know_stay(self, backend: FileBackend, path: Path, write: Write):
        text = (
            "# mine\n\n[anthropic.work] # firm\nnote = 'x'\nkey = 'old' # since May\n\n"
            "# Bob pays\n[github.token]\nkey = 'g'\nscopes = ['repo']\n\n"
            "[foreign.\"a b\"]\nkey = 'f'\n\n[foreign.table]\nurl = 'u'\n"
        )
        write(text)
        backend.set(WORK, Secret("new"))
        backend.set(HOME, Secret("h"))
        backend.remove(WORK)
        backend.set(WORK, Secret("again"))
        backend.remove(HOME)
        backend.remove(WORK)

        left = path.read_text()
        assert [line for line in text.split("\n") if line.startswith("#")] == [
            line for line in left.split("\n") if line.startswith("#")
        ]
        assert "# Bob pays\n[github.token]" in left
        wanted = tomllib.loads(text)
        del wanted["anthropic"]
        assert tomllib.loads(left) == wanted

    def test_names_outside_the_grammar_and_tables_without_a_key_are_not_listed(
        self, backend: FileBackend, write: Write
    ):
        write("[anthropic.work]\nkey='a'\n[foreign.'a b']\nkey='b'\n['-x'.y]\nkey='c'\n[x.note]\nurl='d'\n")

        assert backend.names() == [WORK]
        with pytest.raises(KeyNotFound):
            backend.get(Address("x", "note"))

    def test_the_largest_value_comes_back(self, backend: FileBackend):
        backend.set(WORK, Secret("x" * MAX_LENGTH))

        assert backend.get(WORK).reveal() == "x" * MAX_LENGTH

    def test_a_larger_one_is_refused_before_anything_is_made(self, backend: FileBackend, tmp_path: Path):
        with pytest.raises(InvalidSecret, match="longer"):
            backend.set(WORK, Secret("x" * (MAX_LENGTH + 1)))

        assert list(tmp_path.iterdir()) == []


class TestWhatIsNotAsItShouldBe:
    """An error with line and column, never an empty store, never overwritten, and nothing of it repeated."""

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            (f'[anthropic.work]\nkey = "{CANARY}', "end of document"),
            (f'[anthropic.work]\nkey = "{CANARY}\n', "line 2, column 34"),
            (f"[anthropic.work]\nkey = {CANARY}\n", "line 2, column 7"),
            (f'[anthropic.work]\nkey = "a"\nkey = "{CANARY}"\n', "line 3"),
            (f'[anthropic.work]\nkey = "a"\n[anthropic.work]\nkey = "{CANARY}"\n', "line 3"),
            (f'[anthropic.work\nkey = "{CANARY}"\n', "line 1"),
            (f"{CANARY}\n", "line 1"),
            (f'\ufeff[anthropic.work]\nkey = "{CANARY}"\n', "line 1, column 1"),
            (f'[anthropic.work]\rkey = "{CANARY}"\r', "line 1"),
            (f'[anthropic.work]\nkey = "{CANARY}\0"\n', "line 2, column 34"),
            (f'[anthropic.work]\nkey = "{CANARY}\\q"\n', "line 2"),
            (f'[anthropic.work]\nkey = "{CANARY}"\nlist = ' + "[" * 20000, "unknown place"),
            (f'[anthropic.work]\nkey = "{CANARY}"\nn = ' + "9" * 5000, "unknown place"),
            ("\0" * 4096, "line 1, column 1"),
            (f'key = "{CANARY}"\n', "line 1: only [provider.alias]"),
            (f'[anthropic]\nwork = "{CANARY}"\n', "line 2: only [provider.alias]"),
            (f'[anthropic]\n{CANARY} = "work"\n', "line 2: only [provider.alias]"),
            (f'{CANARY} = "work"\n', "line 1: only [provider.alias]"),
            (f'[[anthropic.work]]\nkey = "{CANARY}"\n', "line 1: only [provider.alias]"),
            ("[anthropic.work]\nkey = 3\n", "line 2: a key must be a string"),
            (f'[anthropic.work]\nkey = ["{CANARY}"]\n', "line 2: a key must be a string"),
            (f'anthropic = {{work = {{key = ["{CANARY}"]}}}}\n', "a key must be a string"),
            (f'[anthropic.work.key]\nx = "{CANARY}"\n', "a key must be a string"),
        ],
    )
    def test_says_where(self, backend: FileBackend, path: Path, write: Write, text: str, place: str):
        write(text)

        for verb in every_verb(backend):
            with pytest.raises(StoreCorrupt) as caught:
                verb()
            assert place in caught.value.why
            assert CANARY not in everything_said(caught.value)
            assert caught.value.__context__ is None
        assert path.read_bytes() == text.encode()

    @pytest.mark.parametrize(
        ("content", "place"),
        [
            (b'[anthropic.work]\nkey = "' + CANARY.encode() + b"\xc3", "line 2, column 34"),
            (b"# caf\xe9\n", "line 1, column 6"),
            (b"\xff\xfe[\0", "line 1, column 1"),
            ('[a.b]\nkey = "x"\n'.encode("utf-16"), "line 1, column 1"),
        ],
    )
    def test_what_is_not_utf8_says_where(
        self, backend: FileBackend, path: Path, write: Write, content: bytes, place: str
    ):
        write(content)

        for verb in every_verb(backend):
            with pytest.raises(StoreCorrupt, match="not as it should be") as caught:
                verb()
            assert place in caught.value.why
            assert CANARY not in everything_said(caught.value)
            assert caught.value.__context__ is None
        assert path.read_bytes() == content

    def test_a_file_of_100_mb_is_refused(self, backend: FileBackend, path: Path, write: Write):
        write("")
        os.truncate(path, 100 * 1024 * 1024)

        for verb in every_verb(backend):
            with pytest.raises(StoreCorrupt, match="larger than"):
                verb()
        assert path.stat().st_size == 100 * 1024 * 1024

    def test_a_folder_in_its_place_is_refused(self, backend: FileBackend, path: Path):
        path.mkdir(parents=True)

        for verb in every_verb(backend):
            with pytest.raises(StoreCorrupt):
                verb()

    @pytest.mark.parametrize(
        "value",
        [
            "",
            " ",
            "a b",
            "a\\nb",
            "a\\n",
            "\\n",
            "a\\\\b",
            "\\u00e9",
            "a\\u0000",
            "Bearer abc",
            "a'b",
            'a\\"b',
            "a\\r\\n",
        ],
    )
    def test_a_value_that_cannot_be_a_key_is_broken_with_the_command_that_mends(
        self, backend: FileBackend, write: Write, value: str
    ):
        write(f'[anthropic.work]\nkey = "{value}"\n[anthropic.home]\nkey = "good"\n')

        with pytest.raises(KeychainBroken, match="anthropic/work") as caught:
            backend.get(WORK)

        assert caught.value.hint == "ringlet keychain set anthropic work --replace"
        assert caught.value.__context__ is None
        assert backend.get(HOME).reveal() == "good"
        backend.set(WORK, Secret("mended"))
        assert backend.get(WORK).reveal() == "mended"

    @posix
    def test_one_that_we_may_not_read_is_an_error_of_the_store(
        self, backend: FileBackend, path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
    ):
        write("[anthropic.work]\nkey = 'a'\n")

        def denied(*_: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(file_module, "read_private", denied)

        for verb in every_verb(backend):
            with pytest.raises(StoreCorrupt, match="cannot be read") as caught:
                verb()
            assert caught.value.why == "Permission denied"

    @as_root
    @pytest.mark.parametrize(("part", "said"), [("credentials.toml", "cannot be read"), ("", "cannot be read")])
    def test_one_that_its_owner_really_may_not_read(self, nobodys_folder: Path, part: str, said: str):
        """As another user, since root may read anything."""
        (nobodys_folder / part).chmod(0)

        done = run_as_nobody(AS_NOBODY, str(nobodys_folder / "credentials.toml"), "get")

        assert done.stdout.startswith("store-corrupt"), done.stderr
        assert said in done.stdout
        assert "Permission denied" in done.stdout
        assert CANARY not in done.stdout + done.stderr

    @as_root
    def test_a_umask_that_takes_our_own_rights_leaves_the_old_key(self, nobodys_folder: Path):
        path = nobodys_folder / "credentials.toml"
        before = path.read_text()

        done = run_as_nobody(f"import os\nos.umask(0o777)\n{AS_NOBODY}", str(path), "set")

        assert done.stdout.startswith("insecure-permissions"), done.stderr
        assert path.read_text() == before

    def test_a_disk_that_is_full_leaves_the_old_key(
        self, backend: FileBackend, path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        backend.set(WORK, Secret("old"))

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            for verb in changing(backend, CANARY):
                with pytest.raises(KeychainBroken, match="cannot be written") as caught:
                    verb()
                assert caught.value.why == "No space left on device"

        assert backend.get(WORK).reveal() == "old"
        assert sorted(os.listdir(path.parent)) == ["credentials.toml", "credentials.toml.lock"]

    def test_what_is_written_is_read_back(self, backend: FileBackend, monkeypatch: pytest.MonkeyPatch):
        backend.set(WORK, Secret("old"))
        monkeypatch.setattr(file_module, "write_private", lambda *_: None)

        for verb in changing(backend, "new"):
            with pytest.raises(KeychainBroken, match="does not hold"):
                verb()


@posix
class TestOthers:
    @pytest.mark.parametrize("bits", [1 << n for n in range(6)])
    def test_a_file_that_others_may_touch_is_refused_with_the_exact_chmod(
        self, backend: FileBackend, path: Path, bits: int
    ):
        backend.set(WORK, Secret(CANARY))
        path.chmod(0o600 | bits)

        for verb in every_verb(backend):
            with pytest.raises(InsecurePermissions) as caught:
                verb()
            assert shlex.split(caught.value.hint) == ["chmod", "600", str(path)]
        path.chmod(0o600)
        assert backend.get(WORK).reveal() == CANARY

    @pytest.mark.parametrize("bits", [0o020, 0o002])
    def test_a_folder_that_others_may_write_is_refused(self, backend: FileBackend, path: Path, bits: int):
        backend.set(WORK, Secret(CANARY))
        path.parent.chmod(0o700 | bits)

        for verb in every_verb(backend):
            with pytest.raises(InsecurePermissions) as caught:
                verb()
            assert shlex.split(caught.value.hint) == ["chmod", "go-w", str(path.parent)]

    def test_a_link_is_refused_and_its_target_left_alone(self, backend: FileBackend, path: Path, tmp_path: Path):
        path.parent.mkdir(mode=0o700)
        (tmp_path / "target").write_text("[anthropic.work]\nkey = 'a'\n")
        path.symlink_to(tmp_path / "target")

        for verb in every_verb(backend):
            with pytest.raises(InsecurePermissions, match="symbolic link"):
                verb()
        assert (tmp_path / "target").read_text() == "[anthropic.work]\nkey = 'a'\n"

    def test_a_folder_reached_through_a_link_is_used(self, backend: FileBackend, path: Path, tmp_path: Path):
        (tmp_path / "dotfiles").mkdir(mode=0o700)
        path.parent.symlink_to(tmp_path / "dotfiles")

        backend.set(WORK, Secret("a"))

        assert backend.get(WORK).reveal() == "a"
        assert (tmp_path / "dotfiles" / "credentials.toml").exists()

    @as_root
    def test_a_file_of_another_user_is_refused(self, backend: FileBackend, path: Path):
        backend.set(WORK, Secret(CANARY))
        os.chown(path, NOBODY, NOBODY)

        for verb in every_verb(backend):
            with pytest.raises(InsecurePermissions, match=f"user {NOBODY}"):
                verb()

    def test_the_value_is_in_no_file_that_others_may_read_while_it_is_written(
        self, backend: FileBackend, path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        modes = []
        really_write = os.write

        def watching(fd: int, data: bytes) -> int:
            modes.append(stat.S_IMODE(os.fstat(fd).st_mode))
            return really_write(fd, data)

        monkeypatch.setattr(os, "write", watching)
        backend.set(WORK, Secret("a"))

        assert modes == [0o600]


@posix
@pytest.mark.slow
class TestKilled:
    OLD, NEW = Secret("old-value"), Secret("new-value")

    @pytest.mark.parametrize(
        "text", ["", "# c\n[anthropic.work]\nkey = 'old-value' # d\n", "anthropic.work.key = 'old-value'\n"]
    )
    def test_at_every_step_of_set_the_old_or_the_new_is_there_and_next_time_no_remains(
        self, backend: FileBackend, path: Path, write: Write, text: str
    ):
        write(text)

        def check() -> None:
            assert mode(path) == 0o600
            try:
                assert backend.get(WORK).reveal() in ("old-value", "new-value")
            except KeyNotFound:
                assert path.read_text() == text == ""
            assert all(mode(found) == 0o600 for found in path.parent.iterdir())

        assert kill_at_every_step(lambda: backend.set(WORK, self.NEW), check) > 20
        assert backend.get(WORK).same_as(self.NEW)
        assert sorted(os.listdir(path.parent)) == ["credentials.toml", "credentials.toml.lock"]

    def test_at_every_step_of_the_first_set_there_is_nothing_or_the_key(self, backend: FileBackend, tmp_path: Path):
        def check() -> None:
            assert backend.names() in ([], [WORK])
            assert all(mode(found) & 0o077 == 0 for found in tmp_path.rglob("*"))

        assert kill_at_every_step(lambda: backend.set(WORK, self.NEW), check) > 20
        assert backend.get(WORK).same_as(self.NEW)

    def test_at_every_step_of_remove_the_key_is_there_or_gone_and_the_others_stay(
        self, backend: FileBackend, path: Path
    ):
        backend.set(HOME, Secret("other"))

        def attempt() -> None:
            backend.set(WORK, self.OLD)
            backend.remove(WORK)

        def check() -> None:
            assert backend.get(HOME).reveal() == "other"
            assert backend.names() in ([HOME], [HOME, WORK])

        assert kill_at_every_step(attempt, check) > 40
        assert backend.names() == [HOME]
        assert "old-value" not in "".join(found.read_text() for found in path.parent.iterdir())


MIXED = """
import random, sys
from ringlet_py.backends.file import FileBackend
from ringlet_py.entry import Address
from ringlet_py.secret import Secret
backend, me, times = FileBackend(sys.argv[1]), sys.argv[2], int(sys.argv[3])
dice, mine = random.Random(me), {}
for n in range(times):
    address = Address(me, str(dice.randrange(5)))
    verb = dice.choice(("set", "set", "remove", "list"))
    if verb == "set":
        mine[address] = f"{me}-{n}"
        backend.set(address, Secret(mine[address]))
    elif verb == "remove" and address in mine:
        backend.remove(address)
        del mine[address]
    else:
        assert [found for found in backend.names() if found.provider == me] == sorted(mine)
    assert all(backend.get(a).reveal() == value for a, value in mine.items())
for address, value in mine.items():
    print(address, value)
"""


@pytest.mark.slow
def test_16_processes_that_set_replace_remove_and_list_lose_nothing(backend: FileBackend, path: Path):
    command = [sys.executable, "-c", MIXED, str(path)]
    processes = [
        subprocess.Popen([*command, f"p{n}", "50"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for n in range(16)
    ]
    expected: dict[str, str] = {}
    for process in processes:
        out, err = process.communicate()
        assert process.returncode == 0, err
        expected |= dict(line.split() for line in out.splitlines())

    assert {str(address): backend.get(address).reveal() for address in backend.names()} == expected
    assert sorted(os.listdir(path.parent)) == ["credentials.toml", "credentials.toml.lock"]


def parsed(text: str) -> dict[tuple[str, str], object] | None:
    """What TOML's own parser says: the keys, or None for what is no store."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError):
        return None
    keys = {}
    for provider, aliases in data.items():
        if not isinstance(aliases, dict):
            return None
        for alias, table in aliases.items():
            if not isinstance(table, dict):
                return None
            if "key" in table:
                keys[provider, alias] = table["key"]
    return keys


lines = st.sampled_from(
    [
        "", " ", "\t", "# c", "  # c = 'x'", "#", "# [a.b]", "# ä", "#\x01", "# \t",
        "[a.b]", "[a.c]", '[a."b"]', '[a."b.c"]', '["a".b]', "[a.'b']", "[a]", "[[a.b]]", "[a.b.c]", "[ a . b ]",
        "[a.b] # c", "[a.b]]", "[a.b", "[a.]", "[.a]", "[]", '[a."b]"]', '[a."]', '[a.""]', '[a."b""]', "[a.b]x",
        "[a-b.c_d]", "[1.2]", '[a."b\\"c"]', '[a."ä"]', "[a .b]", "[a. b]", "\t[a.b]\t", "[a.b]\r", '[a."b#c"]',
        'key = "x"', 'key="x"', '  key\t=\t"x"  # c', "key = 'x'", 'key = ""', 'key = "', 'key = "x" "y"',
        'key = "x"y', 'key = """', '"""', 'key = """x"""', "key = '''", "'''", 'key = "a#b"', 'key = "a]b"',
        'key = "a=b"', 'key = "\\u0041"', 'key = "\\\\"', 'key = "ä"', 'key = "x"\r', "key = 3", "key = true", "key",
        "key =", "= x", 'note = "x"', '"key" = "x"', "'key' = 'x'", 'a.b.key = "x"', 'a = {b = {key = "x"}}',
        'key = {a = "b"}', 'key = ["x"]', "key = [", "]", 'key.a = "x"', 'key = "\t"', 'key = "\x7f"', 'key = "x"#c',
        'KEY = "x"', 'key = "x" ; c', 'key == "x"', 'key = = "x"', "\ufeff[a.b]", 'key = "x"\x0b', "\x0c", "\x85",
        'key = "a\u2028b"', "[a.b]\u2028",
    ]
)  # fmt: skip
documents = st.lists(lines, max_size=8).flatmap(
    lambda parts: st.sampled_from(["\n", "\n", "\n", "\r\n"]).map(lambda end: end.join(parts))
)
soup = st.text(st.sampled_from("[]ab.\"'#=\\ \n\r\tkey{}ä\0"), max_size=40)


class TestThePlainReader:
    """It gives what TOML's own parser gives, or hands over to it."""

    @pytest.mark.slow
    @settings(max_examples=500)
    @given(documents | soup | st.text(max_size=60))
    @example('[a.b]\nkey = "x"\n[a.b]\nkey = "y"')
    @example('[a.b]\nkey = "x"\n[a."b"]\nkey = "y"')
    @example('[a.b]\nkey = "x"\nkey = "y"')
    @example('[a.b]\n[a.b]\nkey = "x"')
    @example('[a.b]\nkey = "x" y')
    @example('[a.b] y\nkey = "x"')
    @example('[a.b]\nkey = "\\u0041"')
    @example('[a.b]\nkey = "a\u2028b" # \u2028')
    @example('[a.b]\nkey = """\n[c.d]\nkey = "fake"\n"""')
    @example('[a.b]\nkey = "x"\n[a]\nb = 1')
    @example('key = "x"\n[a.b]')
    @example('\ufeff[a.b]\nkey = "x"')
    @example('[a.b]\nkey = ""\nkey = "y"')
    def test_agrees_or_hands_over(self, text: str):
        plain = plain_keys(text)

        assert plain is None or plain == parsed(text)

    @given(documents | soup)
    def test_the_backend_says_what_the_parser_says(self, text: str):
        """Over both readers: the keys, or StoreCorrupt for what is no store or holds what is no string."""
        expected = parsed(text)
        try:
            keys = FileBackend("/none")._keys(text)
        except StoreCorrupt:
            assert expected is None or not all(isinstance(key, str) for key in expected.values())
        else:
            assert keys == expected

    @given(
        st.dictionaries(
            st.tuples(st.text("ab_-9", min_size=1), st.text("ab.-9", min_size=1)),
            st.text("xyz/+=.", min_size=1),
            max_size=6,
        )
    )
    def test_reads_itself_all_that_set_writes(self, keys: dict[tuple[str, str], str]):
        from ringlet_py.files.toml_editing import with_value

        text = ""
        for table, value in keys.items():
            text = with_value(text, table, "key", value)

        assert plain_keys(text) == keys

    def test_reads_comments_quoted_aliases_and_blanks_itself(self):
        text = '# ç\n\n  [a.b] # d\n\tkey="x"#e\n[a."b.c"]\n# f\nkey = "y"\n'

        assert plain_keys(text) == {("a", "b"): "x", ("a", "b.c"): "y"}

    @pytest.mark.parametrize(
        "text",
        [
            'a.b.key = "x"',
            'a = {b = {key = "x"}}',
            '[a.b]\nkey = "x"\r\n',
            "[a.b]\n\"key\" = 'x'",
            '[a.b]\nkey = """\nx"""',
        ],
    )
    def test_what_it_hands_over_is_read_all_the_same(self, text: str):
        assert plain_keys(text) is None
        assert FileBackend("/none")._keys(text) == {("a", "b"): "x"}


changes = st.tuples(
    st.sampled_from(["set", "remove"]),
    st.sampled_from("ab"),
    st.sampled_from(["x", "y.z", "default"]),
    st.text("abc123", min_size=1),
)
ORIGINALS = [
    "",
    "# c\n",
    "[a.x]\nkey='old'\n# c\n[b.x]\nkey='old'\n[a.'y.z']\nkey='old'",
    "a.x.key = 'old'\n",
    "a = {x = {key = 'old'}}\n",
    "[a.x]\r\nkey='o'\r\n",
]


@given(st.lists(changes, max_size=12), st.sampled_from(ORIGINALS))
def test_any_changes_to_any_file_are_those_of_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, str, str, str]], text: str
):
    path = tmp_path_factory.mktemp("ours") / "credentials.toml"
    path.touch(mode=0o600)
    path.write_text(text, newline="")
    backend = FileBackend(str(path))
    model = dict(parsed(text) or {})
    for verb, provider, alias, value in changes:
        address = Address(provider, alias)
        if verb == "set":
            backend.set(address, Secret(value))
            model[provider, alias] = value
        elif (provider, alias) in model:
            backend.remove(address)
            del model[provider, alias]
        else:
            with pytest.raises(KeyNotFound):
                backend.remove(address)

    assert parsed(path.read_text()) == model


HEAVY = (
    "collections contextlib dataclasses datetime enum functools hashlib json logging pathlib re shutil signal socket "
    "subprocess tempfile tomlkit tomllib typing"
)


def test_reading_a_key_loads_nothing_heavy(backend: FileBackend, path: Path):
    backend.set(Address("anthropic", "a.b"), Secret("k"))
    code = (
        "import os, sys\nbefore = set(sys.modules)\n"
        "from ringlet_py.backends.file import FileBackend\nfrom ringlet_py.entry import Address\n"
        "FileBackend(sys.argv[1]).get(Address('anthropic', 'a.b')).reveal()\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    environ = {"PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, str(path)], env=environ, capture_output=True, text=True, check=True
    )

    loaded = set(done.stdout.split())
    assert not loaded & set(HEAVY.split())
    assert {name for name in loaded if not name.startswith("ringlet_py")} <= {
        "__future__",
        "_operator",
        "errno",
        "time",
    }
