"""The data of the examples: made anew it is the same, it is large enough, and nothing leaks."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from examples.model.world import NOUNS
from examples.support_hard import reranker

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
MADE = {
    "support": ["cases.jsonl", "examples.jsonl", "kb.jsonl"],
    "support_hard": ["cases.jsonl", "examples.jsonl", "kb.jsonl"],
    "house_style": ["cases.jsonl", "kb.jsonl", "notes.jsonl", "train.jsonl"],
}
LADDERS = pytest.mark.parametrize("ladder", sorted(MADE))


def rows(ladder: str, file: str) -> list[dict]:
    text = (EXAMPLES / ladder / file).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def plain(text: str) -> str:
    return " ".join(text.casefold().split())


def inputs(ladder: str, file: str = "cases.jsonl") -> list[str]:
    return [plain(row["input"]) for row in rows(ladder, file)]


def make(ladder: str, out: Path, *options: str) -> None:
    command = [sys.executable, "-m", f"examples.{ladder}.make_data", "--out", str(out), *options]
    subprocess.run(command, cwd=ROOT, check=True)


@LADDERS
def test_made_anew_the_files_are_the_committed_ones(ladder, tmp_path):
    make(ladder, tmp_path)

    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    assert sorted(made) == MADE[ladder]
    assert made == {name: (EXAMPLES / ladder / name).read_bytes() for name in made}


@LADDERS
def test_another_seed_makes_other_cases(ladder, tmp_path):
    make(ladder, tmp_path, "--seed", "1")

    assert (tmp_path / "cases.jsonl").read_bytes() != (EXAMPLES / ladder / "cases.jsonl").read_bytes()


@LADDERS
def test_there_are_as_many_cases_slices_and_articles_as_promised(ladder):
    cases = rows(ladder, "cases.jsonl")
    slices = Counter(name for case in cases for name in case["slices"])

    assert len(cases) >= 150
    assert len(slices) >= 3
    assert min(slices.values()) >= 29  # fewer cannot confirm 0.90 at 95 %
    assert len(rows(ladder, "kb.jsonl")) >= 200


@LADDERS
@pytest.mark.parametrize("file", ["cases.jsonl", "kb.jsonl"])
def test_ids_are_unique(ladder, file):
    ids = [row["id"] for row in rows(ladder, file)]

    assert len(set(ids)) == len(ids)


@LADDERS
def test_no_question_is_asked_twice(ladder):
    asked = inputs(ladder)

    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize(
    ("ladder", "file"),
    [("support", "examples.jsonl"), ("support_hard", "examples.jsonl"), ("house_style", "notes.jsonl")],
)
def test_no_worked_example_is_a_case(ladder, file):
    assert set(inputs(ladder)).isdisjoint(inputs(ladder, file))


def test_no_training_chat_holds_a_case():
    said = {plain(turn["content"]) for row in rows("house_style", "train.jsonl") for turn in row["messages"]}

    assert said.isdisjoint(f"message: {asked}" for asked in inputs("house_style"))


def test_the_training_chats_are_the_notes_of_the_past():
    chats = [[turn["content"] for turn in row["messages"]] for row in rows("house_style", "train.jsonl")]
    notes = rows("house_style", "notes.jsonl")

    assert [chat[1:] for chat in chats] == [[f"Message: {note['input']}", note["expected"]] for note in notes]


def test_the_training_chats_begin_as_the_prompt_does():
    prompt = (EXAMPLES / "house_style/prompts/note_v1.md").read_text(encoding="utf-8")
    instructions = {row["messages"][0]["content"] for row in rows("house_style", "train.jsonl")}

    assert len(instructions) == 1
    assert f"system:\n{instructions.pop()}\n\nuser:\nMessage: {{{{ input }}}}\n" in prompt


@pytest.mark.parametrize(("ladder", "count"), [("support", 180), ("support_hard", 220)])
def test_the_last_evidence_of_a_support_case_says_its_answer(ladder, count):
    articles = {row["id"]: row["text"] for row in rows(ladder, "kb.jsonl")}
    answerable = [case for case in rows(ladder, "cases.jsonl") if "evidence" in case]

    assert len(answerable) == count
    for case in answerable:
        assert articles[case["evidence"][-1]].endswith(case["expected"])


def hard(slice_: str) -> list[dict]:
    return [case for case in rows("support_hard", "cases.jsonl") if case["slices"] == [slice_]]


def test_a_two_step_question_names_its_steps_and_an_article_for_each():
    articles = {row["id"]: row["text"] for row in rows("support_hard", "kb.jsonl")}

    assert len(hard("two-step")) == 60
    for case in hard("two-step"):
        first, last = case["steps"]
        product = first["expected"].split(" [")[0]
        for id_, step in zip(case["evidence"], case["steps"], strict=True):
            assert articles[id_].endswith(step["expected"])
        assert last["expected"] == case["expected"]
        assert product in last["input"]
        assert product not in case["input"]


def test_a_paraphrased_question_does_not_say_what_its_article_says():
    articles = {row["id"]: row["text"] for row in rows("support_hard", "kb.jsonl")}

    assert len(hard("paraphrased")) == 100
    for case in hard("paraphrased"):
        attribute = articles[case["evidence"][0]].removeprefix("The ").partition(" of the ")[0]
        assert attribute not in case["input"]


def test_the_reranker_learns_from_groups_in_which_one_article_alone_answers():
    batches = list(reranker.batches())
    groups = [group for batch in batches for group in batch]

    assert len(batches) == reranker.STEPS
    for _, (right, *wrong) in groups:
        assert len(wrong) == reranker.WRONG
        assert not [text for text in wrong if text.startswith(right.partition(" is ")[0] + " is ")]


def test_hard_unknown_questions_are_of_products_and_orders_that_are_not_there():
    said = [row["text"] for row in rows("support_hard", "kb.jsonl")]
    products = {text.partition(" of the ")[2].partition(" is ")[0] for text in said} - {""}
    named = {f"the {brand} {noun}" for brand, noun in map(str.split, products)}
    named |= {f"the {brand} {NOUNS[noun]}" for brand, noun in map(str.split, products)}
    named |= {text.partition(" is ")[0].removeprefix("The product in ") for text in said if " in order " in text}

    assert len(hard("unknown")) == 60
    assert len(products) == 24
    for case in hard("unknown"):
        assert not [name for name in named if name in case["input"]]


def test_no_article_of_support_answers_an_unknown_question():
    said = [row["text"] for row in rows("support", "kb.jsonl")]
    unknown = [case["input"] for case in rows("support", "cases.jsonl") if case["slices"] == ["unknown"]]

    assert len(unknown) == 60
    for question in unknown:
        subject = question.removeprefix("What is the ").removeprefix("Which product is in ").rstrip("?")
        assert not any(subject in text for text in said)


def test_the_first_eight_notes_show_each_code_once_and_each_lane_twice():
    parts = [note["expected"].removeprefix("# ").split(" / ") for note in rows("house_style", "notes.jsonl")[:8]]

    assert Counter(Counter(code for code, _, _ in parts).values()) == {1: 8}
    assert Counter(Counter(lane for _, _, lane in parts).values()) == {2: 4}


def test_each_label_is_of_a_case_and_of_a_rung():
    ids = {case["id"] for case in rows("house_style", "cases.jsonl")}
    toml = (EXAMPLES / "house_style/ladder.toml").read_text(encoding="utf-8")

    for label in rows("house_style", "labels-reviewed.jsonl"):
        assert label["case"] in ids
        assert f"[rungs.{label['rung']}]" in toml
