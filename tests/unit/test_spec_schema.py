"""The published JSON Schema of ladder.toml."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from pytest_ladder.cli.main import main
from pytest_ladder.store.spec import ladder_json_schema

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs" / "reference" / "ladder.schema.json"


def test_the_published_copy_is_up_to_date(capsys: pytest.CaptureFixture[str]):
    assert main(["schema", "ladder"]) == 0

    assert capsys.readouterr().out == PUBLISHED.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*/ladder.toml")), ids=lambda path: path.parent.name)
def test_the_examples_fit_it(path: Path):
    table = tomllib.loads(path.read_text(encoding="utf-8"))

    jsonschema.validate(table, ladder_json_schema())


@pytest.mark.parametrize(
    "change",
    [{"evalsett": "x"}, {"schema": 2}, {"repeats": 0}, {"thresholds": {"answer": {"all": 1.5}}}],
    ids=lambda change: next(iter(change)),
)
def test_what_cannot_be_used_does_not_fit(change: dict[str, object]):
    table = tomllib.loads((ROOT / "examples" / "support" / "ladder.toml").read_text(encoding="utf-8"))

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**table, **change}, ladder_json_schema())


def test_it_is_itself_a_valid_schema():
    jsonschema.Draft202012Validator.check_schema(json.loads(PUBLISHED.read_text(encoding="utf-8")))
