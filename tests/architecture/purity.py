"""What a pure module may not do, read from its syntax tree."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

ALLOWED_ANYWHERE = {"rfc8785", "numpy", "scipy", "jsonschema", "jsonschema_specifications"}
ALLOWED_AT_THE_TOP = {"rfc8785"}
OWN = ("pytest_ladder.core", "pytest_ladder.errors")
EFFECTS = {"os", "io", "socket", "ssl", "subprocess", "tempfile", "shutil", "urllib", "http", "logging", "glob",
           "secrets", "time", "uuid", "platform", "getpass", "locale"}  # fmt: skip
CALLS = {"open", "print", "input", "exec", "eval", "breakpoint"}
ATTRIBUTES = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "sys.argv", "sys.stdin"}
METHODS = {"read_text", "write_text", "read_bytes", "write_bytes", "is_file", "is_dir", "exists", "iterdir", "glob",
           "rglob", "mkdir", "unlink", "touch", "stat", "cwd", "home", "expanduser", "resolve"}  # fmt: skip
SEEDED = {"Random", "default_rng", "PCG64", "Philox", "SeedSequence", "Generator"}


def faults(source: str) -> list[str]:
    """What a module's text does that the core must not, as `line: what`."""
    tree = ast.parse(source)
    top = {id(node) for node in tree.body}
    found = [(node.lineno, what) for node in ast.walk(tree) for what in _of(node, id(node) in top)]
    return [f"{line}: {what}" for line, what in sorted(found)]


def _of(node: ast.AST, top: bool) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _import(alias.name, top)
    elif isinstance(node, ast.ImportFrom):
        yield from ["a relative import"] if node.level else _import(node.module or "", top)
    elif isinstance(node, ast.Call):
        yield from _call(node)
    elif isinstance(node, ast.Attribute) and ast.unparse(node) in ATTRIBUTES:
        yield ast.unparse(node)


def _import(name: str, top: bool) -> Iterator[str]:
    root = name.split(".")[0]
    if name in OWN or name.startswith(OWN[0] + "."):
        return
    if root in EFFECTS or root not in sys.stdlib_module_names | ALLOWED_ANYWHERE:
        yield f"import of {name}"
    elif top and root in ALLOWED_ANYWHERE - ALLOWED_AT_THE_TOP:
        yield f"import of {name} outside a function"


def _call(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func)
    if name in CALLS:
        yield f"{name}()"
    elif isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
        yield f".{node.func.attr}()"
    elif name.split(".")[-1] in SEEDED:
        yield from [] if node.args or node.keywords else [f"{name}() without a seed"]
    elif name.startswith(("random.", "np.random.", "numpy.random.")):
        yield f"{name}(), which uses a hidden seed"
