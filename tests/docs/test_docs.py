"""What the documentation shows is what happens: its commands are typed in, its links followed."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections import Counter
from contextlib import nullcontext
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from typing import TYPE_CHECKING

import pytest
from jsonschema_rs import validator_for

from ringlet_py.catalog import Catalog
from ringlet_py.document import Source
from ringlet_py.errors import ConfigError
from ringlet_py.settings import read_settings
from tests.answers import check
from tests.docs.pages import PAGES, ROOT, Block, Home, blocks, fits, given
from tests.left_running import end_daemons

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

BLOCKS = [block for page in PAGES for block in blocks(page)]
CONSOLES = [block for block in BLOCKS if block.language == "console"]
LANGUAGES = {"console", "toml", "text", "json", "python", "yaml"}
# how many blocks cannot run here, and why: each new one is a decision
NOT_RUN = {
    "needs an account": 2,
    "needs a locked keychain": 1,
    "needs macOS": 1,
    "needs a container": 1,
    "needs a CI system": 1,
    "needs a keychain": 1,
}
# a variable that is given a value, where that is no address of a key
ASSIGNED = re.compile(r"\w+_(?:KEY|TOKEN|SECRET)=(?!ringlet:|[a-z-]+/)")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def test_every_block_says_what_it_is():
    strange = [f"{block.page}:{block.line} {block.language!r}" for block in BLOCKS if block.language not in LANGUAGES]

    assert not strange


def test_a_console_block_begins_with_a_command():
    bare = [f"{block.page}:{block.line}" for block in CONSOLES if not block.text or not block.text[0].startswith("$ ")]

    assert not bare


def test_blocks_that_are_not_run_are_few_and_known():
    counted = Counter(block.not_run for block in CONSOLES if block.not_run)

    assert counted == NOT_RUN


@pytest.mark.parametrize(
    ("shown", "screen", "same"),
    [
        ("stored a/b in …", "stored a/b in /home/you/file\n", True),
        ("stored a/b in …", "stored a/c in /home/you/file\n", False),
        ("one\n…\nfour", "one\ntwo\nthree\nfour\n", True),
        ("one\n…", "one\n", True),
        ("one", "one\ntwo\n", False),
        ("one  two", "one     two\n", True),
        ("started with …", "started with \n", True),
        ("", "", True),
        ("", "something\n", False),
    ],
)
def test_what_is_shown_fits_the_screen_or_does_not(shown: str, screen: str, *, same: bool):
    assert fits(shown.splitlines(), screen) is same


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the pages are written for a POSIX shell")
@pytest.mark.parametrize("page", [page for page in PAGES if any(b.page == name(page) for b in CONSOLES)], ids=name)
def test_the_commands_of_a_page_do_what_it_shows(page: Path, home: Home):
    for address in given(page):
        home.keep(address)
    for block in blocks(page):
        if block.language == "toml" and block.text and block.text[0].startswith("# ~/"):
            put(home, block)
        if block.language == "console" and not block.not_run:
            type_all(home, block)


@pytest.mark.slow
def test_a_daemon_that_a_page_leaves_running_ends_with_the_page(home: Home):
    assert end_daemons(home.folder) == []
    started = home.type("ringlet daemon start --listen localhost:0")
    ended = end_daemons(home.folder)

    assert len(ended) == 1, started
    assert f"process {ended[0]}" in started
    assert "running: no" in home.type("ringlet daemon status")


def put(home: Home, block: Block) -> None:
    """A file that the page shows with its path in the first line."""
    path = home.folder / block.text[0].removeprefix("# ~/")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_text("\n".join(block.text) + "\n")


def type_all(home: Home, block: Block) -> None:
    for command, shown in block.commands():
        screen = home.type(command)
        check(command.split(), screen)
        assert fits(shown, screen), f"{block.page}:{block.line}\n$ {command}\n--- shown\n{shown}\n--- seen\n{screen}"


def program() -> ModuleType:
    """`.ci/reference`, which knows the whole command line."""
    loader = SourceFileLoader("reference", str(ROOT / ".ci/reference"))
    spec = spec_from_loader("reference", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


REFERENCE = program()
COMMANDS = REFERENCE.all_commands()


def test_the_reference_is_what_the_program_says():
    assert REFERENCE.stale() == []


@pytest.mark.parametrize(
    ("text", "fits_it"),
    [
        ("", True),
        ('[audit]\nenabled = false\nmax-size = 8192\n[lending]\nplaces = ["own"]\n', True),
        ('[credentials]\nbackend = "sealed"\n[ledger]\nprefix = "x"\n', True),
        ("[audit]\nenabled = 1\n", False),
        ('[credentials]\nbackend = "nothing"\n', False),
        ('[lending]\nplaces = ["nowhere"]\n', False),
        ("[audit]\nenabld = true\n", False),
        ("[audits]\n", False),
    ],
)
def test_the_schema_of_config_toml_takes_what_ringlet_takes(text: str, fits_it: object):
    schema = json.loads(REFERENCE.config_schema())

    assert validator_for(schema).is_valid(tomllib.loads(text)) is fits_it
    with nullcontext() if fits_it else pytest.raises(ConfigError):
        read_settings(Source(path="config.toml", text=text), {})


def test_every_command_and_each_of_its_parameters_has_help():
    bare = [command for command, found in COMMANDS.items() if not found.help]
    bare += [f"{c} {name}" for c, found in COMMANDS.items() for name, text in REFERENCE.parameters(found) if not text]

    assert not bare


def test_every_command_is_shown_at_work_on_some_page():
    typed = "\n".join(line for block in CONSOLES for line, _ in block.commands())

    assert not [command for command in COMMANDS if not re.search(rf"{command}\b(?!-)", typed)]


def test_every_json_output_is_shown():
    page = next(page for page in PAGES if page.name == "json.md")
    typed = [line for block in blocks(page) for line, _ in block.commands() if "--json" in line]
    writing = [command for command, found in COMMANDS.items() if "json" in str(found.params)]

    assert not [command for command in writing if not any(line.startswith(command) for line in typed)]


def test_every_command_that_is_shown_exists():
    typed = [line for block in CONSOLES for line, _ in block.commands()]
    shown = {" ".join(words(line)) for line in typed if words(line)}
    known = {command.removeprefix("ringlet ") for command in COMMANDS}

    assert shown - known == set()


def words(line: str) -> list[str]:
    """The names of the command in a line that runs ringlet, or nothing."""
    found = re.search(r"(?:^|\| )ringlet ((?:[a-z]+ )?[a-z][a-z-]*)(?= |$)", line)
    if not found:
        return []
    first, *rest = found[1].split()
    return [first] if first in ("run", "completion", "where") else [first, *rest]


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_lead_somewhere():
    assert not [f"{name(page)}: {link}" for page in PAGES for link in broken(page)]


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", page.read_text(encoding="utf-8"))
    found = []
    for path, anchor in links:
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(f"{path}#{anchor}")
    return found


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            target = (page.parent / link).resolve()
            waiting += [target] if target.suffix == ".md" else target.glob("*.md")

    assert {name(page) for page in PAGES} - {name(page) for page in reached} == set()


def test_no_page_shows_a_key():
    catalog = Catalog(str(ROOT / "no-such-folder"))
    prefixes = {prefix for provider in catalog.providers.values() for prefix in provider.key_prefixes} | {"sk-", "AIza"}
    key = re.compile(rf"\b(?:{'|'.join(map(re.escape, prefixes))})[\w-]{{8,}}")
    suspicious = [(name(page), found) for page in PAGES for found in key.findall(page.read_text(encoding="utf-8"))]

    assert not suspicious


def test_no_block_puts_a_value_where_it_would_stay():
    assert not [
        f"{block.page}:{block.line} {command}"
        for block in CONSOLES
        for command, _ in block.commands()
        if ASSIGNED.search(command)
        or re.search(r"keychain set( [a-z]\S*){3}", command)
        or re.match(r"(export|echo)\b", command)
    ]


def test_one_sentence_a_line():
    several = [
        f"{name(page)}:{number}: {line}"
        for page in PAGES
        if "reference" not in page.parts
        for number, line in prose(page)
        if re.search(r"(?<!e\.g)(?<!i\.e)[a-z)`*][.?!] [A-Z`*]", re.sub(r"`[^`]*`", "`x`", line))
    ]

    assert not several


def prose(page: Path) -> list[tuple[int, str]]:
    """The lines of running text: no blocks, no tables."""
    lines, inside = [], False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```"):
            inside = not inside
        elif not inside and not line.startswith(("|", "<!--", "#")):
            lines.append((number, line))
    return lines
