"""The source files of the project as syntax trees, for the tests of its rules."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Source:
    """One Python file. `path` is relative to the project."""

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree, parsed when a test needs it: every process imports the tests, few look into a file."""
        return ast.parse(self.text)

    @property
    def name(self) -> str:
        return self.path.as_posix()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def layer(self) -> str:
        """The layer: `core` of chatd/core/room.py, `config` of chatd/config/model.py, `bench` of anything in bench."""
        parts = self.path.with_suffix("").parts
        return parts[1] if parts[0] == "chatd" else parts[0]

    def imports(self) -> Iterator[str]:
        """Return the full names of the imported modules, wherever in the file."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = self._resolved(node)
                if module == "chatd":
                    yield from (f"chatd.{alias.name}" for alias in node.names)
                else:
                    yield module

    def _resolved(self, node: ast.ImportFrom) -> str:
        """Return the full name of the module of an import."""
        above = self.path.with_suffix("").parts[: -node.level] if node.level else ()
        return ".".join((*above, *filter(None, (node.module,))))

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def classes(self) -> Iterator[ast.ClassDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef):
                yield node


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Return all Python files below these folders of the project, in order of path."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return tuple(source_of(path) for path in found)


@cache
def source_of(path: Path) -> Source:
    return Source(path.relative_to(ROOT), path.read_text())


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of lines after signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    if not body:
        return 0
    last = body[-1].end_lineno
    assert last is not None
    return last - body[0].lineno + 1


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of named parameters, `self` included."""
    arguments = function.args
    return len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs)
