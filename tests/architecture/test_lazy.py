"""Idle costs nothing: what is imported when no ladder is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("numpy", "scipy", "pydantic", "pydantic_core", "jinja2", "rich", "jsonschema", "rfc8785", "rank_bm25",
         "filelock", "semantic_text_splitter", "torch", "transformers", "peft", "aiohttp", "litellm", "deepeval",
         "sentence_transformers", "ray")  # fmt: skip

PYTEST_RUN = """
import json, sys
from importlib.metadata import entry_points
import pytest

others = {e.name for e in entry_points(group="pytest11")} - {"ladder"}
status = pytest.main([sys.argv[1], "-q", "-p", "no:cacheprovider", *(f"-pno:{name}" for name in sorted(others))])
print(json.dumps([int(status), sorted(sys.modules)]))
"""

IMPORT = """
import json, sys
before = set(sys.modules)
import pytest_ladder
dir(pytest_ladder)
print(json.dumps([0, sorted(set(sys.modules) - before)]))
"""


def modules_after(program: str, *arguments: str) -> tuple[int, set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, encoding="utf-8", check=True
    )
    status, names = json.loads(done.stdout.splitlines()[-1])
    return status, set(names)


def own(modules: set[str]) -> set[str]:
    return {name for name in modules if name.split(".")[0] == "pytest_ladder"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return tmp_path


def assert_idle(modules: set[str]) -> None:
    assert not {name.split(".")[0] for name in modules} & set(HEAVY)
    allowed = {"pytest_ladder", "pytest_ladder.errors", "pytest_ladder.hookspecs"}
    assert {m for m in own(modules) - allowed if not m.startswith("pytest_ladder.plugin")} == set()


def test_an_empty_suite_imports_the_entry_modules_alone(project: Path):
    status, modules = modules_after(PYTEST_RUN, str(project))

    assert status == 5
    assert "pytest_ladder.plugin.hooks" in modules
    assert_idle(modules)


def test_a_suite_with_a_ladder_test_that_is_not_asked_for_imports_no_more(project: Path):
    test = "import pytest\n\n@pytest.mark.ladder\ndef test_it(rung):\n    rung.check()\n\ndef test_other():\n    pass\n"
    (project / "test_it.py").write_text(test, encoding="utf-8")
    (project / "ladder.toml").write_text("this is not TOML", encoding="utf-8")

    status, modules = modules_after(PYTEST_RUN, str(project))

    assert status == 0
    assert_idle(modules)


def test_importing_the_package_imports_nothing_else():
    _, modules = modules_after(IMPORT)

    assert own(modules) == {"pytest_ladder"}
    assert {name.split(".")[0] for name in modules} <= sys.stdlib_module_names | {"pytest_ladder"}
