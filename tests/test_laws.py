"""The laws of the house, read from the table in docs/explanation/architecture.md and held against the code."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = "ringlet_py"
ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/explanation/architecture.md"
SOURCES = sorted((ROOT / PACKAGE).rglob("*.py"))

# what the package hands out when a program asks for it, and does not import
OFFERED = {f"{PACKAGE}.api", f"{PACKAGE}.errors"}
REVEALING = ("backends", "launcher", "checking", "daemon", "moving", "tokens")
SHOWING = "ringlet_py.cli.tokens"  # a new token, once
# these would be outside things too, if a module began to use them
NOBODY = {"http", "socket", "ssl", "urllib.request", "xmlrpc", "multiprocessing", "pickle"}
FUNCTION_LINES = 40
FILE_LINES = 260
WORLD = {
    "os.environ",
    "os.environb",
    "os.getenv",
    "time.time",
    "time.time_ns",
    "os.path.expanduser",
    "pathlib.Path.home",
}
WORLDLY = {
    "app.py": "the composition root: the clock",
    "__main__.py": "the entrance: the environment",
    "api/ringlet.py": "a door: the environment of the program that imports it",
    "files/folders.py": "Windows tells the home folder to expanduser alone where USERPROFILE is not set",
}
MUTATORS = {"append", "add", "extend", "insert", "update", "pop", "popitem", "clear", "remove", "discard", "setdefault"}


@dataclass(frozen=True)
class Row:
    """One row of the floor plan."""

    floor: str
    name: str
    knows: frozenset[str]


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name, and its syntax."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def row(self) -> str:
        """The row it belongs to."""
        return row_of(self.name)

    @property
    def file(self) -> str:
        """Its path below the package."""
        return self.path.relative_to(ROOT / PACKAGE).as_posix()

    def at(self, node: ast.stmt | ast.expr) -> str:
        """Where in it something stands, as an editor opens it."""
        return f"{self.file}:{node.lineno}"


def floor_plan(text: str) -> list[Row]:
    """The rows of the table, top to bottom; a floor is named in its first row."""
    rows: list[Row] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        named = re.fullmatch(r"`(\w+)/?`", cells[1]) if len(cells) == 4 else None
        if named:
            floor = cells[0] or rows[-1].floor
            rows.append(Row(floor, named[1], frozenset(re.findall(r"`([\w.]+)`", cells[3]))))
    return rows


def module_of(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts).removesuffix(".__init__")
    return Module(name, path, ast.parse(path.read_text(encoding="utf-8")))


MODULES = [module_of(path) for path in SOURCES]
NAMES = {module.name for module in MODULES}
ROWS = floor_plan(PAGE.read_text(encoding="utf-8"))


@cache
def nodes_of(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All that is in the syntax; most laws look at it."""
    return tuple(ast.walk(tree))


@cache
def imported(tree: ast.AST) -> set[str]:
    """What the code imports, wherever the statement stands, as the most precise module that there is."""
    found: set[str] = set()
    for node in nodes_of(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            full = {f"{node.module}.{alias.name}": node.module or "" for alias in node.names}
            found.update(name if name in NAMES else module for name, module in full.items())
    return found


def for_types_only(tree: ast.Module) -> set[ast.AST]:
    """The nodes below `if TYPE_CHECKING:`, which never run."""
    blocks = [node for node in nodes_of(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    return {below for block in blocks for statement in block.body for below in ast.walk(statement)}


def imported_when_running(module: Module) -> set[str]:
    skipped = for_types_only(module.tree)
    nodes = [node for node in nodes_of(module.tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    return {name for node in nodes if node not in skipped for name in imported(node)}


def ours(names: set[str]) -> set[str]:
    return {name for name in names if name.partition(".")[0] == PACKAGE}


def is_foreign(name: str) -> bool:
    """Whether the import is neither ours nor Python's own."""
    top = name.partition(".")[0]
    return top != PACKAGE and top not in sys.stdlib_module_names and not top.startswith("_")


def row_of(name: str) -> str:
    return [*name.split("."), "__init__"][1]


# 1. imports run upward


def test_the_table_has_every_module_and_every_row_has_its_module():
    rows = [row.name for row in ROWS]

    assert len(rows) == len(set(rows))
    assert set(rows) == {module.row for module in MODULES}


def test_a_row_that_is_a_folder_is_written_as_one():
    written = re.findall(r"^\|[^|]*\| `(\w+/?)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    folders = {module.row for module in MODULES if "/" in module.file}

    assert {name.rstrip("/") for name in written if name.endswith("/")} == folders


def test_imports_run_upward_in_the_table():
    order = [row.name for row in ROWS]
    downward = []
    for module in MODULES:
        above = {*order[: order.index(module.row)], module.row}
        names = ours(imported(module.tree)) - (OFFERED if module.name == PACKAGE else set())
        downward += [f"{module.name} imports {name}" for name in sorted(names) if row_of(name) not in above]

    assert not downward


def test_no_import_runs_in_a_circle():
    graph = {module.name: ours(imported_when_running(module)) - {module.name} for module in MODULES}
    graph[PACKAGE] -= OFFERED
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as circle:
        pytest.fail(" → ".join(circle.args[1]))


def test_nobody_imports_testing():
    importers = [module.name for module in MODULES if f"{PACKAGE}.testing" in imported(module.tree)]

    assert not importers


def test_the_package_itself_is_its_version_and_imports_nothing_before_it_is_asked():
    package = importlib.import_module(PACKAGE)
    tree = next(module.tree for module in MODULES if module.name == PACKAGE)
    version, checking, for_types, offering = [node for node in tree.body if not isinstance(node, ast.Expr)]

    assert ast.unparse(version) == f"__version__ = '{package.__version__}'"
    assert ast.unparse(checking) == "TYPE_CHECKING = False"
    assert isinstance(for_types, ast.If)
    assert isinstance(offering, ast.FunctionDef)
    assert offering.name == "__getattr__"
    assert ours(imported(offering)) == OFFERED


# 2. outside things


def outside() -> dict[str, set[str]]:
    """Each outside thing that is imported, with the rows that do."""
    watched = NOBODY.union(*(row.knows for row in ROWS))
    found: dict[str, set[str]] = {}
    for module in MODULES:
        for name in imported(module.tree) - ours(imported(module.tree)):
            thing = name.partition(".")[0] if is_foreign(name) else name
            if is_foreign(name) or name in watched:
                found.setdefault(thing, set()).add(module.row)
    return found


def test_each_outside_thing_is_imported_where_the_table_says_and_nowhere_else():
    said: dict[str, set[str]] = {}
    for row in ROWS:
        for thing in row.knows:
            said.setdefault(thing, set()).add(row.name)

    assert outside() == said


def test_each_foreign_package_has_one_module_that_knows_it():
    several = {thing: rows for thing, rows in outside().items() if is_foreign(thing) and len(rows) > 1}

    assert not several


# 3. where a key can leak


def test_reveal_is_called_only_where_a_key_must_leave():
    revealing = [
        module.at(node)
        for module in MODULES
        if module.row not in REVEALING and module.name != SHOWING
        for node in nodes_of(module.tree)
        if isinstance(node, ast.Attribute) and node.attr == "reveal"
    ]

    assert not revealing


# 4. the world comes in as an argument


def world_of(tree: ast.AST) -> set[str]:
    """Which of environment, clock and home folder the code takes for itself."""
    dotted = {ast.unparse(node) for node in nodes_of(tree) if isinstance(node, ast.Attribute)}
    renamed = {
        f"{node.module}.{alias.name}"
        for node in nodes_of(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    now = {name for name in dotted if re.search(r"\b(datetime\.(now|utcnow)|date\.today)$", name)}
    return ((dotted | renamed) & WORLD) | now


def test_environment_clock_and_home_come_in_as_arguments():
    taking = {module.file: taken for module in MODULES if (taken := world_of(module.tree))}

    assert {file: taken for file, taken in taking.items() if file not in WORLDLY} == {}
    assert set(WORLDLY) - set(taking) == set()


# 5. small, and without state


def test_functions_are_short():
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [
        (f"{module.file} {node.name}", node.lineno, (node.end_lineno or 0) - node.lineno + 1)
        for module in MODULES
        for node in nodes_of(module.tree)
        if isinstance(node, kinds)
    ]

    assert not [each for each in functions if each[2] > FUNCTION_LINES]


def is_generated(module: Module) -> bool:
    """Whether nobody reads or edits it: its docstring says that `make docs` writes it."""
    return "written by `make docs`" in (ast.get_docstring(module.tree) or "")


def test_files_are_short():
    written = [module for module in MODULES if not is_generated(module)]
    lengths = {module.file: len(module.path.read_text(encoding="utf-8").splitlines()) for module in written}

    assert {file: length for file, length in lengths.items() if length > FILE_LINES} == {}


def test_the_words_of_completion_alone_are_generated():
    assert [module.file for module in MODULES if is_generated(module)] == ["completion/words.py"]


def test_every_module_says_what_it_is():
    assert not [module.file for module in MODULES if not ast.get_docstring(module.tree)]


def containers(tree: ast.Module) -> set[str]:
    """The names that stand for a list, dict or set of the whole module."""
    made = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    bound: list[tuple[list[ast.expr], ast.expr | None]] = [
        (node.targets, node.value) if isinstance(node, ast.Assign) else ([node.target], node.value)
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign))
    ]
    return {ast.unparse(target) for targets, value in bound if isinstance(value, made) for target in targets}


def changed_in_place(tree: ast.AST, names: set[str]) -> set[str]:
    """Which of the names some function gives an item, takes one from, or adds to."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    nodes = [node for function in nodes_of(tree) if isinstance(function, kinds) for node in ast.walk(function)]
    called = [node.func for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    touched: list[ast.expr] = [attribute.value for attribute in called if attribute.attr in MUTATORS]
    for node in nodes:
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            touched.append(node.value)
        elif isinstance(node, ast.AugAssign):
            touched.append(node.target)
    return names.intersection(map(ast.unparse, touched))


def is_cache(decorator: ast.expr) -> bool:
    return bool(re.fullmatch(r"(functools\.)?(lru_cache|cache)(\(.*\))?", ast.unparse(decorator)))


def test_no_container_of_a_module_is_a_variable():
    named = [f"{module.file}: {name}" for module in MODULES for name in containers(module.tree) if not name.isupper()]

    assert not named


def test_no_function_changes_what_its_module_holds():
    names = {module.file: changed_in_place(module.tree, containers(module.tree)) for module in MODULES}

    assert {file: changed for file, changed in names.items() if changed} == {}


def test_no_function_binds_a_name_of_its_module_or_remembers_its_answers():
    remembering = [
        module.at(node)
        for module in MODULES
        for node in nodes_of(module.tree)
        if isinstance(node, ast.Global)
        or (isinstance(node, ast.FunctionDef) and any(map(is_cache, node.decorator_list)))
    ]

    assert not remembering
