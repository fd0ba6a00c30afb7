"""Makes the images that launching loads: which modules are in each, and their code without annotations."""

from __future__ import annotations

import ast
import marshal
import os
import sys
from typing import TypeVar

from ringlet_py.image import FOLDER, INIT, MAGIC, check_of, path_of, stamp_of

# in the order in which they import each other, and in which a plain run loads them: what reads its plan, what asks
# its backend, and what remains to be done while the keychain looks for the key
PLAN = (
    *("errors", "entry", "secret", "plan", "files", "files.folders", "files.checks", "files.private"),
    *("settings", "plans", "backends", "once", "app"),
)
FILE = ("backends.file",)
SECRET_SERVICE = (
    *("backends.system", "backends.system.dbus_wire", "backends.system.dbus_message"),
    *("backends.system.dbus_stream", "backends.system.dbus"),
    *("backends.system.secret_service_conversation", "backends.system.secret_service"),
)
LAUNCH = ("lease", "files.digest", "audit", "audit.chain", "audit.locked", "audit.log", "broker", "launcher")
# a source changed this shortly before it was stamped could change again without its times showing it
SETTLED = 100_000_000  # nanoseconds


Documented = TypeVar("Documented", ast.Module, ast.ClassDef, ast.FunctionDef)


def images(platform: str) -> dict[str, tuple[str, ...]]:
    """The modules in each image; those for a backend have its name."""
    found = {"plan": PLAN, "file": FILE, "launch": LAUNCH}
    if platform not in ("darwin", "win32"):
        found |= {"system-only": SECRET_SERVICE, "system": (*SECRET_SERVICE, "backends.choice", *FILE)}
    return found


def keep_images(*, now: int) -> None:
    """Makes the images that are missing or stale; `now` in nanoseconds.

    Nothing happens where Python itself would not keep compiled code, or cannot: that costs time only.
    """
    if sys.dont_write_bytecode or sys.pycache_prefix or not sys.implementation.cache_tag:
        return
    for name, modules in images(sys.platform).items():
        try:
            _keep(path_of(name), [_file_of(module) for module in modules], modules, now=now)
        except (OSError, SyntaxError):
            return


def _keep(path: str, files: list[str], modules: tuple[str, ...], *, now: int) -> None:
    stamps = [(file, stamp_of(os.path.join(FOLDER, file))) for file in files]
    if any(not stamp or max(stamp[:2]) > now - SETTLED for _, stamp in stamps):
        return
    code = [(f"ringlet_py.{module}", file, _compiled(file)) for module, file in zip(modules, files, strict=True)]
    body = marshal.dumps((stamps, code))
    content = MAGIC + check_of(body) + body
    if _differs(path, content):
        _write(path, content)


def _file_of(module: str) -> str:
    path = module.replace(".", "/")
    return f"{path}.py" if os.path.exists(os.path.join(FOLDER, f"{path}.py")) else f"{path}/{INIT}"


def _compiled(file: str) -> object:
    path = os.path.join(FOLDER, file)
    with open(path, "rb") as source:
        tree = ast.parse(source.read(), path)
    return compile(ast.fix_missing_locations(Lighter().visit(tree)), path, "exec", dont_inherit=True)


class Lighter(ast.NodeTransformer):
    """Takes out what only readers and type checkers need: docstrings, annotations, and what is imported for these.

    Their constants are half of a small module's start.
    """

    def visit_Module(self, node: ast.Module) -> ast.AST:
        """The module without its docstring."""
        return self.generic_visit(_undocumented(node))

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """The class without its docstring."""
        return self.generic_visit(_undocumented(node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """The function without its docstring, and the types of its arguments and result."""
        node.returns = None
        return self.generic_visit(_undocumented(node))

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """The argument without its type."""
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """A plain assignment, or nothing."""
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign([node.target], self.visit(node.value)), node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        """No import from the future, which is there for annotations."""
        return None if node.module == "__future__" else node

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        """What is there for type checkers gives way to its `else`."""
        self.generic_visit(node)
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return node.orelse or ast.copy_location(ast.Pass(), node)
        return node


def _undocumented(node: Documented) -> Documented:
    if ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:] or [ast.copy_location(ast.Pass(), node.body[0])]
    return node


def _differs(path: str, content: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read() != content
    except OSError:
        return True


def _write(path: str, content: bytes) -> None:
    """Atomically, as Python writes its compiled files: another process may be reading."""
    temporary = f"{path}.{os.getpid()}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        with open(fd, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
