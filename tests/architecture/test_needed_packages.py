"""A plain install is enough: imports are declared, and only backends ask for a package of an extra, and late."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "pytest_ladder"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

BROUGHT = {"_pytest", "jsonschema_specifications", "markupsafe", "pydantic_core"}
"""What pytest, jsonschema, jinja2 and pydantic cannot be without."""
OTHERS_PLUGIN = {"xdist": "plugin/xdist.py"}
"""Package -> the one module that imports it, which is loaded only beside it."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
ASKING = {"require", "import_module", "find_spec", "__import__"}


def modules(requirements: Iterable[str]) -> set[str]:
    """The names by which requirements are imported."""
    names = (re.match(r"[\w.-]+", requirement) for requirement in requirements)
    return {name[0].lower().replace("-", "_") for name in names if name}


DECLARED = modules(PROJECT["dependencies"])
EXTRA = modules(
    line for extra, lines in PROJECT["optional-dependencies"].items() if extra not in ("all", "dev") for line in lines
) | {"huggingface_hub", "numba", "optuna"}
"""The packages of the extras, and those they bring that are named here."""


def faults(place: str, source: str) -> list[str]:
    """What a module imports that a plain install may lack, as `line: package`."""
    tree = ast.parse(source)
    late = {id(inner) for node in ast.walk(tree) if isinstance(node, FUNCTIONS) for inner in ast.walk(node)}
    return [
        f"{line}: {package}"
        for line, package, node in sorted(_named(tree), key=lambda found: found[0])
        if not _may(place, package, id(node) in late)
    ]


def _may(place: str, package: str, late: bool) -> bool:
    if package in EXTRA:
        return place.startswith("backends/") and late
    known = sys.stdlib_module_names | DECLARED | BROUGHT | {"pytest_ladder"}
    return package in known or OTHERS_PLUGIN.get(package) == place


def _named(tree: ast.AST) -> Iterator[tuple[int, str, ast.AST]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0], node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, (node.module or "").partition(".")[0], node
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ASKING:
            yield from ((node.lineno, str(word.value).partition(".")[0], node) for word in _words(node))


def _words(call: ast.Call) -> Iterator[ast.Constant]:
    yield from (word for word in call.args[:1] if isinstance(word, ast.Constant) and isinstance(word.value, str))


@pytest.mark.parametrize("top", sorted(path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"))
def test_no_part_imports_what_a_plain_install_may_lack(top: str):
    paths = [PACKAGE / top] if (PACKAGE / top).is_file() else sorted((PACKAGE / top).rglob("*.py"))
    places = {path.relative_to(PACKAGE).as_posix(): path for path in paths if path.suffix == ".py"}

    found = {place: faults(place, path.read_text(encoding="utf-8")) for place, path in places.items()}

    assert {place: lines for place, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("core/x.py", "def f():\n    import torch"),
        ("session/x.py", "def f():\n    from aiohttp import web"),
        ("cli/x.py", "def f():\n    import yaml"),
        ("backends/x.py", "import torch"),
        ("backends/x.py", "class A:\n    from transformers.utils import logging"),
        ("backends/x.py", "def f():\n    import requests"),
        ("session/x.py", "def f():\n    return require('sentence_transformers', 'x', 'embed')"),
        ("plugin/x.py", "def f():\n    return importlib.util.find_spec('litellm')"),
        ("plugin/run.py", "def f():\n    import xdist"),
    ],
)
def test_the_check_sees(place: str, source: str):
    assert len(faults(place, source)) == 1


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("backends/x.py", "def f():\n    import torch\n    return require('peft', 'x', 'finetune')"),
        ("core/x.py", "import numpy, json\nfrom pytest_ladder.core import gate"),
        ("plugin/xdist.py", "from xdist.scheduler import LoadScopeScheduling"),
    ],
)
def test_the_check_lets_pass(place: str, source: str):
    assert faults(place, source) == []


IMPORT_ALL = """
import importlib, json, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

ABSENT = set(json.loads(sys.argv[1]))
sys.meta_path.insert(0, Absent())
import pytest_ladder
names = [found.name for found in pkgutil.walk_packages(pytest_ladder.__path__, "pytest_ladder.")]
names = [name for name in names if name not in ("pytest_ladder.plugin.xdist", "pytest_ladder.__main__")]
for name in names:
    importlib.import_module(name)
print(json.dumps(names))
"""


def test_every_module_can_be_imported_where_no_extra_is():
    absent = json.dumps(sorted(EXTRA | set(OTHERS_PLUGIN)))
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, absent], capture_output=True, text=True, encoding="utf-8", check=False
    )

    assert done.returncode == 0, done.stderr
    assert {"pytest_ladder.backends.transformers_lm", "pytest_ladder.cli.main"} <= set(json.loads(done.stdout))
