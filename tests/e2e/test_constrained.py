"""Constrained decoding with the example's real model, which was never taught JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
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


@pytest.fixture(params=["byte-level", "metaspace"])
def untrained(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A checkpoint of random weights over a BPE tokenizer, of the two forms that most models have."""
    import torch
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    special = ["<pad>", "<end>", "<unk>"]
    if request.param == "byte-level":
        machine = Tokenizer(models.BPE())
        machine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        machine.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    else:
        special += [f"<0x{byte:02X}>" for byte in range(256)]
        machine = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
        machine.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        machine.decoder = decoders.Sequence([
            decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)
        ])  # fmt: skip
        alphabet = [*map(chr, range(33, 127)), "▁"]
    texts = [json.dumps({"topic": "refund", "codes": [1, 2]}), "How do I send it back? é", *QUESTIONS] * 20
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    machine.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=machine, pad_token="<pad>", eos_token="<end>", unk_token="<unk>", padding_side="left"
    )
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
    state = torch.random.get_rng_state()
    torch.manual_seed(5)
    made = LlamaForCausalLM(LlamaConfig(
        vocab_size=640, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=512, eos_token_id=1, pad_token_id=0, bos_token_id=1,
    ))  # fmt: skip
    torch.random.set_rng_state(state)
    made.save_pretrained(tmp_path / "checkpoint")
    tokenizer.save_pretrained(tmp_path / "checkpoint")
    return tmp_path


@pytest.mark.parametrize("options", [{}, {"temperature": 1.0}], ids=["greedy", "sampled"])
def test_other_tokenizers_are_held_to_it_too_and_a_vocabulary_with_gaps_is_no_matter(
    untrained: Path, options: dict[str, Any]
):
    made = local(untrained)
    try:
        replies = together(made, *(asked(ROUTE, question, **options) for question in QUESTIONS))
    finally:
        made.close()
    for reply in replies:
        jsonschema.validate(json.loads(reply.text), ROUTE)
        assert reply.finish_reason == "stop"


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
