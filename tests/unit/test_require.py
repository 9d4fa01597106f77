from __future__ import annotations

import json
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from pytest_ladder.backends.litellm_lm import library
from pytest_ladder.backends.models import build_model
from pytest_ladder.backends.registry import Registry
from pytest_ladder.backends.require import require
from pytest_ladder.core.prices import Price
from pytest_ladder.errors import InvalidRequest, MissingDependency


def test_a_module_that_is_there_is_imported():
    assert require("json", "anything", "none") is json


def test_one_that_is_not_names_the_exact_line_that_installs_it():
    with pytest.raises(MissingDependency) as caught:
        require("no_such_package.part", "local models", "local")
    assert str(caught.value).endswith('Install it: `pip install "pytest-ladder[local]"`')
    assert "`no_such_package`" in str(caught.value)


def test_a_missing_part_of_an_installed_package_is_told_too(tmp_path, monkeypatch):
    (tmp_path / "half_a_package.py").write_text("import its_own_dependency", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MissingDependency, match="`its_own_dependency`"):
        require("half_a_package", "local models", "local")
    sys.modules.pop("half_a_package", None)


def test_a_registry_builds_what_it_knows_and_names_it_otherwise():
    registry: Registry[int] = Registry("number")
    registry.add("one", lambda: 1)
    registry.add("two", lambda: 2)
    assert registry.names == ("one", "two")
    assert registry.get("two", "here")() == 2
    with pytest.raises(InvalidRequest) as caught:
        registry.get("on", "here")
    assert (
        str(caught.value) == "here: there is no number of this name, got 'on'; expected one | two. Did you mean `one`?"
    )


def test_a_name_cannot_be_registered_twice():
    registry: Registry[int] = Registry("number")
    registry.add("one", lambda: 1)
    with pytest.raises(ValueError, match="registered twice"):
        registry.add("one", lambda: 2)


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_a_local_model_without_its_packages_names_the_extra_before_anything_is_asked(monkeypatch, package):
    for name in ("torch", "transformers"):
        monkeypatch.setitem(sys.modules, name, None if name == package else ModuleType(name, None))
        if name != package:
            sys.modules[name].__spec__ = ModuleSpec(name, None)
    with pytest.raises(MissingDependency, match=rf"`{package}` .*pip install \"pytest-ladder\[local\]\""):
        build_model("local:checkpoint", load_function=lambda _: len, folder=Path())


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [("openai/gpt-4.1-mini", "litellm", "llm"), ("openai_compatible:http://h/v1#m", "aiohttp", "http")],
)
def test_a_hosted_model_without_its_package_names_the_extra_before_anything_is_asked(monkeypatch, name, package, extra):
    library.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependency, match=rf"`{package}` .*pip install \"pytest-ladder\[{extra}\]\""):
        build_model(name, load_function=lambda _: len, folder=Path(), price=Price(1, 1))
