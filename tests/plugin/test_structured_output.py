"""Answers that must fit a JSON Schema, from ladder.toml to the recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.bench import Bench

SCHEMA = {
    "type": "object", "additionalProperties": False, "required": ["code"],
    "properties": {"code": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"}},
}  # fmt: skip

MODEL = """\
import json
from pathlib import Path


def reply(messages{parameter}):
    record = {{"messages": messages, "format": {told}}}
    with Path(__file__).with_name("asked.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\\n")
    asked = messages[0]["content"].splitlines()[0].split()
    number, turn = asked[-1], len(messages) // 2
    texts = {texts}
    return {{"text": texts[min(turn, len(texts) - 1)].replace("N", number), "prompt_tokens": 100,
            "completion_tokens": 7, **{more}}}
"""
GOOD, BAD, WRONG = '{"code": "LB-N"}', "the code is LB-N", '{"code": "N"}'


@pytest.fixture
def ladder(bench: Bench) -> Bench:
    return bench


def make(
    bench: Bench,
    *texts: str,
    takes: bool = False,
    keys: str = "",
    more: str = "{}",
    prompt: str = "Code of {{ input }}",
) -> Bench:  # fmt: skip
    """A ladder whose model answers with these texts, one a turn."""
    bench.make({})
    parameter, told = (", response_format=None", "response_format") if takes else ("", "None")
    bench.write("models.py", MODEL.format(parameter=parameter, told=told, texts=list(texts), more=more))
    bench.write("note.schema.json", json.dumps(SCHEMA))
    bench.write("answer.md", prompt)
    bench.cases([{"id": f"c{n}", "input": f"item {n}", "expected": {"code": f"LB-{n}"}} for n in range(3)])
    bench.write("ladder.toml", "\n".join([
        "schema = 1", 'name = "support"', 'evalset = "cases.jsonl"', 'model = "models.py:reply"',
        '[metrics.note]\nscorer = "json_schema"\noptions = { schema = "note.schema.json" }',
        "[thresholds]\nnote = { all = 1.0 }",
        f'[rungs.prompt]\nprompt = "answer.md"\noutput = "note.schema.json"\n{keys}', "",
    ]))  # fmt: skip
    return bench


def asked(bench: Bench) -> list[dict[str, Any]]:
    """What the model was asked since the last look."""
    path = bench.folder / "asked.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return sorted(map(json.loads, lines), key=lambda one: json.dumps(one["messages"]))


def records(bench: Bench) -> list[dict[str, Any]]:
    (path,) = (bench.folder / "recordings" / "prompt").glob("*.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_model_that_takes_the_schema_gets_it_with_the_request(ladder: Bench):
    make(ladder, GOOD, takes=True)
    assert ladder.run().status == 0

    calls = asked(ladder)
    assert [len(call["messages"]) for call in calls] == [1, 1, 1]
    named = {"name": "answer", "schema": SCHEMA, "strict": True}
    assert all(call["format"] == {"type": "json_schema", "json_schema": named} for call in calls)
    assert all("JSON Schema" not in call["messages"][0]["content"] for call in calls)
    for record in records(ladder):
        assert record["answer"]["validation"] == {"attempts": 1, "error": None, "valid": True}
        assert record["answer"]["parsed"] == {"code": f"LB-{record['case'][1:]}"}


def test_a_model_that_does_not_is_shown_it_in_the_prompt(ladder: Bench):
    make(ladder, GOOD)
    assert ladder.run().status == 0

    for call in asked(ladder):
        text = call["messages"][0]["content"]
        assert text.startswith("Code of item ")
        assert text.endswith(json.dumps(SCHEMA, indent=2))


def test_a_template_may_show_the_schema_where_it_likes(ladder: Bench):
    make(ladder, GOOD, prompt="Code of {{ input }}\nfits {{ schema }}!")
    assert ladder.run().status == 0
    assert {call["messages"][0]["content"].partition("\n")[2] for call in asked(ladder)} == {
        f"fits {json.dumps(SCHEMA, indent=2)}!"
    }


def test_an_answer_that_does_not_fit_is_repaired_by_a_second_counted_call(ladder: Bench):
    make(ladder, WRONG, GOOD)
    assert ladder.run().status == 0

    repairs = [call["messages"] for call in asked(ladder) if len(call["messages"]) == 3]
    assert len(repairs) == 3
    assert repairs[0][1] == {"role": "assistant", "content": '{"code": "0"}'}
    assert '$.code does not fit {"pattern": "^[A-Z]{2}-[0-9]+$"}' in repairs[0][2]["content"]
    for record in records(ladder):
        assert record["answer"]["validation"] == {"attempts": 2, "error": None, "valid": True}
        first, second = record["calls"]
        assert first["request_digest"] != second["request_digest"]
        assert "flags" not in first or first["flags"] == ["cold"]
        assert "repair" in second["flags"]
        assert sum(second["usage"]["parts"].values()) == second["usage"]["prompt_tokens"] == 100
        assert second["usage"]["parts"]["repair"] > 0
    assert ladder.log[0]["usage"]["calls"] == 6


def test_what_stays_invalid_is_an_answer_that_is_scored(ladder: Bench):
    make(ladder, BAD, keys="repair_attempts = 2")
    run = ladder.run()
    assert run.status == 1
    assert len(asked(ladder)) == 9
    for record in records(ladder):
        assert record["answer"]["validation"] == {"attempts": 3, "error": "the answer is not JSON", "valid": False}
        assert record["answer"]["parsed"] is None
        assert record["answer"]["text"].startswith("the code is LB-")
    assert ladder.verdicts[0] == "prompt short"
    assert ladder.log[0]["errors"] == 0


@pytest.mark.parametrize("keys", ["repair_attempts = 0", ""], ids=["none allowed", "filtered"])
def test_no_repair_is_asked_for(ladder: Bench, keys: str):
    make(ladder, BAD, GOOD, keys=keys, more="{}" if keys else '{"finish_reason": "content_filter"}')
    assert ladder.run().status == 1
    assert len(asked(ladder)) == 3
    assert all(record["answer"]["validation"]["attempts"] == 1 for record in records(ladder))


def test_a_fenced_answer_is_read_and_a_cut_one_is_told_so(ladder: Bench):
    make(ladder, f"```json\n{GOOD}\n```")
    assert ladder.run().status == 0
    asked(ladder)
    make(ladder, '{"code": "LB', more='{"finish_reason": "length"}')
    assert ladder.run().status == 1
    longest = max(asked(ladder), key=lambda call: len(call["messages"]))
    assert "not JSON: it was cut" in longest["messages"][-1]["content"]


def test_a_second_run_asks_nothing_and_none_verifies(ladder: Bench):
    make(ladder, WRONG, GOOD)
    assert ladder.run().status == 0
    log = ladder.log_path.read_bytes()
    asked(ladder)
    assert ladder.run().status == 0
    assert ladder.run("--ladder-record=none").status == 0
    assert asked(ladder) == []
    assert ladder.log_path.read_bytes() == log


def test_repairs_are_found_again_when_only_the_wiring_changed(ladder: Bench):
    make(ladder, WRONG, GOOD)
    assert ladder.run().status == 0
    asked(ladder)
    ladder.edit("ladder.toml", "[rungs.prompt]", "[rungs.prompt]\nrepair_attempts = 3")
    assert ladder.run().status == 0
    assert asked(ladder) == []


def test_the_schema_belongs_to_the_version(ladder: Bench):
    make(ladder, GOOD)
    assert ladder.run().status == 0
    asked(ladder)
    ladder.edit("note.schema.json", "[A-Z]{2}", "[A-Z]+")
    assert ladder.run().status == 0
    assert len(asked(ladder)) == 3
    assert "note.schema.json" in ladder.log[-2]["artifacts"]


REFUSES = """\
import json
from pathlib import Path

from pytest_ladder.errors import ModelFailed


def reply(messages, response_format=None):
    with Path(__file__).with_name("asked.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"messages": messages, "format": response_format}) + "\\n")
    if response_format:
        raise ModelFailed("the provider answered 400 (response_format is not supported)")
    return '{"code": "LB-1"}'
"""


def test_a_provider_that_refuses_the_schema_is_shown_it_in_the_prompt(ladder: Bench):
    make(ladder)
    ladder.write("models.py", REFUSES)
    assert ladder.run("--ladder-concurrency=1").status == 0
    calls = asked(ladder)
    assert sum(call["format"] is not None for call in calls) == 1
    assert sum("JSON Schema" in call["messages"][0]["content"] for call in calls) == 3
    assert all("fallback" in call["flags"] for record in records(ladder) for call in record["calls"])


def test_a_mode_that_is_set_does_not_fall_back(ladder: Bench):
    make(ladder, keys='output_mode = "provider"')
    ladder.write("models.py", REFUSES)
    run = ladder.run()
    assert run.status == 1
    assert "response_format is not supported" in run.flat


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (
            'output_mode = "constrained"',
            "[rungs.prompt] output_mode: the model models.py:reply cannot",
        ),
        ('output_mode = "stern"', "output_mode"),
        ("repair_attempts = 9", "repair_attempts"),
        ("repair_attempt = 1", "repair_attempts"),
    ],
)
def test_settings_that_cannot_be_used_are_told_with_their_place(ladder: Bench, keys: str, told: str):
    make(ladder, GOOD, keys=keys)
    run = ladder.run()
    assert run.status != 0
    assert "ladder.toml:" in run.flat
    assert told in run.flat


@pytest.mark.parametrize(
    ("text", "told"),
    [("{", "note.schema.json:1: not JSON"), ('{"type": "text"}', "it is not a JSON Schema, at $.type"),
     ("[]", "it is no object"), (None, "note.schema.json")],
)  # fmt: skip
def test_a_schema_that_cannot_be_used_is_told_with_its_file(ladder: Bench, text: str | None, told: str):
    make(ladder, GOOD)
    ladder.edit("ladder.toml", 'scorer = "json_schema"\noptions = { schema = "note.schema.json" }',
                'scorer = "json_fields"')  # fmt: skip
    path = ladder.folder / "note.schema.json"
    path.unlink() if text is None else Path(path).write_text(text, encoding="utf-8")
    run = ladder.run()
    assert run.status != 0
    assert told in run.flat
    assert asked(ladder) == []


def test_a_reference_out_of_the_schema_is_told_with_its_file(ladder: Bench):
    make(ladder, GOOD)
    ladder.write("note.schema.json", '{"properties": {"code": {"$ref": "http://example.org/code.json"}}}')
    ran = ladder.run()
    assert ran.status == 1
    assert "evals/support/note.schema.json: a `$ref` leads nowhere, got 'http://example.org/code.json'" in ran.flat


def test_reports_tell_of_the_calls(ladder: Bench):
    make(ladder, WRONG, GOOD, more='{"cost_usd": 0.002}')
    ran = ladder.run("-v", "--ladder-report=r.json", "--ladder-report=r.md")
    assert ran.status == 0

    ran.has("*model calls", "*rung*calls*a call*repaired*", "*prompt*6*$0.0020*100 %*")
    ran.has("*what the prompts are made of*", "*rung*instructions*question*repair*", "*prompt*")
    (rung,) = json.loads((ladder.pytester.path / "r.json").read_text(encoding="utf-8"))["ladders"][0]["rungs"]
    told = rung["requests"]
    assert (told["answers"], told["calls"], told["validated"], told["repaired"], told["invalid"]) == (3, 6, 3, 3, 0)
    assert told["cost_usd"] == 0.002
    assert 1 <= told["cold"]["calls"] <= 3
    assert sum(told["parts"].values()) == 600
    markdown = (ladder.pytester.path / "r.md").read_text(encoding="utf-8")
    assert "<summary>model calls</summary>" in markdown
    assert "model calls" not in ladder.run().text


def test_recordings_know_them_in_a_later_run(ladder: Bench):
    make(ladder, WRONG, GOOD)
    ladder.run("--ladder-report=a.json")
    ladder.run("--ladder-report=b.json", "--ladder-record=none")
    first, second = (
        json.loads((ladder.pytester.path / name).read_text(encoding="utf-8"))["ladders"][0]["rungs"][0]["requests"]
        for name in ("a.json", "b.json")
    )
    for name in ("all", "cold", "warm"):  # recordings hold seconds to six decimals
        assert first.pop(name) == pytest.approx(second.pop(name), abs=2e-6, nan_ok=True)
    assert first == second
