"""The page on hybrids: its ladder runs as it stands, and so does each of its variants."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

from pytest_ladder.store.spec import ladder_json_schema
from tests.plugin.bench import Bench

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "hybrids.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?ms)^```toml\n(.*?)^```", TEXT)
VERIFY = re.search(r"(?ms)^with `prompts/verify\.md`\n\n```text\n(.*?)^```", TEXT)
ROUTES = re.search(r"(?ms)^```python\n(.*?)^```", TEXT)

MODEL = """\
def reply(messages, seed=0, temperature=0):
    asked = messages[-1]["content"]
    question = asked.rpartition("Question: ")[2].splitlines()[0]
    order = question.startswith("Where is order ")
    if "Which of these" in asked:
        return "escalate" if "sue" in question else "rag" if order else "prompt"
    if "Documents:" in asked:
        said = asked.rpartition("Answer: ")[2]
        return "Yes." if said in asked.partition("Question: ")[0] or (said == "Good day." and not order) else "No."
    if "Context:" not in asked:
        return "Good day."
    number = question.rstrip("?").split()[-1] if order else "0"
    return f"Order {number} is in Graz." if seed == 17 or order else f"Order {seed} is in Graz."
"""
CASES = [
    *({"id": f"talk{n}", "input": f"Good day number {n}!", "expected": "Good day.", "slices": ["talk"]}
      for n in range(4)),
    *({"id": f"order{n}", "input": f"Where is order {n}?", "expected": f"Order {n} is in Graz.", "slices": ["orders"],
       "metadata": {"channel": "orders"}} for n in range(4)),
    *({"id": f"law{n}", "input": f"I will sue you over order {n}", "expected": {"abstain": True}} for n in range(2)),
]  # fmt: skip


@pytest.fixture
def desk(bench: Bench) -> Bench:
    """The ladder of the page, with a scripted model in the place of the hosted ones."""
    bench.make({})
    bench.cases(CASES)
    bench.write("models.py", MODEL)
    bench.write("prompts/answer.md", "Question: {{ input }}")
    bench.write("prompts/grounded.md", "Context: {{ context }}\nQuestion: {{ input }}")
    lines = [{"id": f"kb-{n}", "text": f"Order {n} is in Graz."} for n in range(4)]
    bench.write("kb.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    assert VERIFY is not None
    assert ROUTES is not None
    bench.write("prompts/verify.md", VERIFY[1])
    bench.write("routes.py", ROUTES[1])
    return bench


def local(text: str) -> str:
    return re.sub(r'"openai/[\w.-]+"', '"models.py:reply"', text)


def variant(number: int) -> str:
    """The ladder of the page with the table of another block in the place of its own."""
    (name,) = tomllib.loads(BLOCKS[number])["rungs"]
    whole, found = re.subn(rf"(?ms)^\[rungs\.{name}\]\n.*?(?=^\[|\Z)", lambda _: BLOCKS[number] + "\n", BLOCKS[0])
    assert found == 1
    return local(whole)


def test_the_ladder_runs_and_the_hybrid_alone_meets_it_all_without_a_call(desk: Bench):
    desk.write("ladder.toml", local(BLOCKS[0]))
    ran = desk.run("-v")

    assert ran.outcomes() == {"prompt": "SHORT", "rag": "SHORT", "desk": "SELECTED"}, ran.text
    calls = {entry["rung"]: entry["usage"]["calls"] for entry in desk.log if entry["kind"] == "rung"}
    assert calls == {"prompt": 10, "rag": 10, "desk": 8}
    assert desk.run("--ladder-record=none").status == 0
    assert not (desk.folder / "recordings/desk/calls.jsonl").exists()


def test_without_it_the_run_says_what_it_could_be_made_of(desk: Bench):
    desk.write("ladder.toml", local(BLOCKS[0]).partition("[rungs.desk]")[0])
    shown = re.search(r"(?ms)^```text\n(  next .*?)^```", TEXT)
    assert shown is not None
    assert " ".join(shown[1].split()) in desk.run().flat


@pytest.mark.parametrize("number", [1, 2], ids=["classifier", "function"])
def test_so_does_each_other_router(desk: Bench, number: int):
    desk.write("ladder.toml", variant(number))
    ran = desk.run("-v")
    assert ran.outcomes()["desk"] == "SELECTED", ran.text


@pytest.mark.parametrize("number", [0, 1, 2, 3, 6])
def test_an_editor_takes_them_too(number: int):
    text = BLOCKS[0] if number == 0 else variant(number)
    jsonschema.validate(tomllib.loads(text), ladder_json_schema())


def answers(desk: Bench, rung: str = "rag") -> dict[str, dict[str, str]]:
    paths = [path for path in (desk.folder / "recordings" / rung).glob("*.jsonl") if path.name != "calls.jsonl"]
    lines = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return {line["case"]: line["answer"] for line in lines}


def test_the_verifier_turns_down_what_no_document_says(desk: Bench):
    desk.write("ladder.toml", variant(3))
    desk.run("--ladder-rung=rag")
    found = answers(desk)
    assert found["order1"]["validation"] == {"accepted": True, "resort": None, "reason": None}
    assert found["talk1"]["text"] == "Good day."
    assert found["talk1"]["validation"] == {"accepted": True, "resort": "fallback", "reason": "rejected"}


def test_a_cascade_answers_by_the_first_rung_that_is_accepted(desk: Bench):
    desk.write("ladder.toml", local(BLOCKS[0].partition("[rungs.desk]")[0]) + local(BLOCKS[4]))
    ran = desk.run("--ladder-rung=cascade")
    found = answers(desk, "cascade")
    assert found["talk1"]["validation"] == {"accepted": True, "resort": None, "reason": None}
    assert found["order1"]["text"] == "Order 1 is in Graz."
    assert found["order1"]["validation"] == {"accepted": True, "resort": "fallback", "reason": "rejected"}
    assert "sent every case" not in ran.flat


def test_samples_that_disagree_fall_back(desk: Bench):
    desk.write("ladder.toml", variant(6))
    desk.run("--ladder-rung=rag")
    found = answers(desk)
    assert found["order1"]["validation"] == {"accepted": True, "resort": None, "reason": None, "confidence": 1.0}
    assert found["talk1"]["validation"] == {"accepted": True, "resort": "fallback", "reason": "low_confidence"}


def test_the_net_under_a_tuned_model_is_a_ladder_that_can_be_read(desk: Bench):
    desk.write("note.schema.json", "{}")
    desk.write("ladder.toml", local(BLOCKS[0]) + "\n" + BLOCKS[5])
    assert desk.run("--ladder-rung=prompt").status == 1


def test_there_are_no_other_blocks():
    assert len(BLOCKS) == 7
