"""Constrained decoding with the example's real model, which was never taught JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import jsonschema
import pytest

from pytest_ladder.backends import constrained
from pytest_ladder.core.ports import Model
from pytest_ladder.core.structured import Schema
from pytest_ladder.errors import InvalidRequest, MissingDependency
from tests.e2e.test_local_model import EXAMPLE, local, one_by_one, request, spoken, together
from tests.plugin.bench import Bench

pytestmark = [
    pytest.mark.real_model,
    pytest.mark.skipif(
        not all(map(find_spec, ("torch", "transformers", "llguidance"))),
        reason="needs the extras `local`, `constrained`",
    ),
]

ROUTE: dict[str, Any] = {
    "type": "object", "additionalProperties": False, "required": ["topic", "urgent", "codes"],
    "properties": {
        "topic": {"enum": ["refund", "delivery", "price"]}, "urgent": {"type": "boolean"},
        "codes": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 9}, "minItems": 2,
                  "maxItems": 2},
    },
}  # fmt: skip
CODE: dict[str, Any] = {
    "type": "object", "additionalProperties": False, "required": ["code"],
    "properties": {"code": {"type": "string", "pattern": "^KB-[0-9]{4}$"}},
}  # fmt: skip
QUESTIONS = ["How do I send the oven back?", "What is the price?", "My order is late, can you help me?", "Hello"]


def asked(schema: dict[str, Any], question: str, **options: Any) -> Any:
    return request(question, **{"max_tokens": 100, "response_format": Schema(schema).response_format, **options})


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    made = local()
    yield made
    made.close()


@pytest.mark.parametrize("options", [{}, {"temperature": 1.5}], ids=["greedy", "sampled"])
@pytest.mark.parametrize("schema", [ROUTE, CODE], ids=["route", "code"])
def test_every_answer_fits_the_schema(model: Model, schema: dict[str, Any], options: dict[str, Any]):
    replies = together(model, *(asked(schema, question, **options) for question in QUESTIONS))

    for reply in replies:
        jsonschema.validate(json.loads(reply.text), schema)
        assert reply.finish_reason == "stop"


def test_the_same_model_does_not_fit_it_by_itself(model: Model):
    (reply,) = together(model, request(QUESTIONS[0]))
    assert not reply.text.startswith("{")


def test_the_batch_decides_nothing_and_free_answers_stay_as_they_are(model: Model):
    mixed = [asked(ROUTE, QUESTIONS[0]), request(QUESTIONS[1]), asked(CODE, QUESTIONS[2]), request(QUESTIONS[3])]
    assert spoken(together(model, *mixed)) == spoken(one_by_one(model, *mixed))


def test_an_answer_that_is_cut_tells_so(model: Model):
    (reply,) = together(model, asked(ROUTE, QUESTIONS[0], max_tokens=3))
    assert reply.finish_reason == "length"
    assert reply.completion_tokens == 3


def test_a_schema_that_cannot_be_decoded_is_told(model: Model):
    with pytest.raises(InvalidRequest, match=r"cannot be constrained to this schema .*output_mode = \"prompt\""):
        together(model, asked({"type": "string", "pattern": "^(?!a)b"}, "Hello"))


def test_without_the_extra_it_is_named(model: Model, monkeypatch: pytest.MonkeyPatch):
    def absent(*_: object) -> None:
        raise MissingDependency('constrained decoding: Install it: `pip install "pytest-ladder[constrained]"`')

    monkeypatch.setattr(constrained, "require", absent)
    with pytest.raises(MissingDependency, match="pytest-ladder\\[constrained\\]"):
        together(model, asked(CODE, "Hello"))


def test_a_rung_with_an_output_schema_is_decoded_under_it(pytester: pytest.Pytester):
    bench = Bench(pytester).make({})
    bench.write("code.schema.json", json.dumps(CODE))
    bench.write("answer.md", "{{ input }}")
    bench.cases([{"id": f"c{n}", "input": question, "expected": {}} for n, question in enumerate(QUESTIONS)])
    bench.write("ladder.toml", "\n".join([
        "schema = 1", 'name = "support"', 'evalset = "cases.jsonl"', 'model = "local:checkpoint"',
        "model_options = { max_tokens = 40 }",
        '[metrics.code]\nscorer = "json_schema"\noptions = { schema = "code.schema.json" }',
        "[thresholds]\ncode = { all = 1.0 }", '[rungs.prompt]\nprompt = "answer.md"\noutput = "code.schema.json"', "",
    ]))  # fmt: skip
    (bench.folder / "checkpoint").symlink_to(EXAMPLE / "checkpoint")

    ran = bench.run()

    assert ran.status == 0, ran.text
    assert "model_returned" in (entry := bench.log[0])
    assert entry["scores"]["code"]["all"]["mean"] == 1.0
    assert entry["usage"]["calls"] == len(QUESTIONS)
