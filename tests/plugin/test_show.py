"""`ladder show`: one case, and how each rung came to its answer, from what a run has recorded."""

from __future__ import annotations

import json
import re

import pytest

from tests.pages import Page
from tests.plugin.bench import Bench
from tests.plugin.test_tool_agent import CASE, call, make
from tests.project import Project, Ran, case, jsonl

LOOKUP = [call("order", number="7"), call("refund", number="7", amount=250.0), call("delete", number="7")]
RULE = "[rungs.decompose.tool_rules.refund]\narguments = { properties = { amount = { maximum = 100 } } }\n"
KB = [{"id": "kb-1", "title": "Orders", "text": "Order 7 was sent."}, {"id": "kb-2", "text": "Order 8 was lost. " * 9}]
ORDER = {
    "id": "c8", "input": "What about order 8?", "expected": "lost", "evidence": ["kb-2", "kb-9"],
    "steps": [{"input": "Which order?", "expected": 8}], "tools": [{"name": "look", "arguments": {"n": 8}}],
}  # fmt: skip
RAG = """\
[metrics.answer]
scorer = "exact_match"
[metrics.found]
scorer = "recall_at_k"
[thresholds]
answer = { all = 0.9 }
[rungs.rag]
prompt = "grounded.md"
corpus = "kb.jsonl"
retriever = "bm25"
top_k = 1
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """`few_shot` answers the first 30 of 60 questions, `prompt` the first 24."""
    made = Project.make(pytester.path, inner=pytester)
    made.run()
    return made


def shown(project: Project, *arguments: str) -> list[str]:
    ran = project.command("show", *arguments)
    assert ran.status == 0, ran.text
    return [" ".join(line.split()) for line in ran.text.splitlines()]


def at(bench: Bench) -> Project:
    """The project of a bench, to run commands in."""
    return Project(bench.pytester.path, inner=bench.pytester)


def test_a_case_is_shown_with_what_each_rung_made_of_it(project: Project):
    assert shown(project, "c25")[1:] == [
        "slices odd", "input question 25", "expected A25", "",
        "prompt: fails, answer 0.000, kind unknown", "answer wrong 25 of 24", "",
        "few_shot: right, answer 1.000", "answer A25", "",
        *shown(project, "c25")[-2:],
    ]  # fmt: skip
    assert " ".join(shown(project, "c25")).endswith("`pytest --ladder --ladder-rung=fine_tune` asks for them")


def test_one_rung_alone(project: Project):
    assert shown(project, "c25", "evals/support", "--rung=few_shot")[5:] == [
        "few_shot: right, answer 1.000", "answer A25",
    ]  # fmt: skip


def test_nothing_is_asked_or_written(project: Project):
    before = {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}

    shown(project, "c25")

    assert {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()} == before


def refused(ran: Ran, status: int, *told: str) -> None:
    assert ran.status == status, ran.text
    for pattern in told:
        assert re.search(pattern, " ".join(ran.text.split())), ran.text


def test_an_unknown_case_is_answered_with_the_nearest(project: Project):
    refused(
        project.command("show", "c2 5"), 4, r"unknown case, got 'c2 5'; expected an id of the 60 in cases\.jsonl\. ",
        r"Did you mean 'c25'( or 'c\d\d')*\?",
    )  # fmt: skip
    refused(project.command("show", "nothing like it"), 4, r"expected an id of the 60 in cases\.jsonl\.$")


def test_an_unknown_rung_is_answered_with_the_known_ones(project: Project):
    ran = project.command("show", "c25", "--rung=few_shots")

    refused(ran, 4, "got 'few_shots'; expected one of prompt, few_shot, fine_tune", "Did you mean 'few_shot'")


def test_a_rung_without_answers_on_record_says_how_to_get_them(project: Project):
    refused(
        project.command("show", "c25", "--rung=fine_tune"), 1,
        r"nothing is on record of the case 'c25': fine_tune: .* not all on record for fingerprint \w{12}",
        "`pytest --ladder --ladder-rung=fine_tune` asks for them",
    )  # fmt: skip


def test_of_several_ladders_one_must_be_named(project: Project):
    other = Project.make(project.root, inner=project.inner, cases=4)
    other.name = "evals/other"
    other.write("ladder.toml", project.read("ladder.toml").replace('"support"', '"other"'))

    refused(project.command("show", "c25"), 4, r"there are 2 ladders here; expected one\. Name its folder or file")


def test_a_case_of_the_hold_out_set_is_not_shown(project: Project):
    project.edit("ladder.toml", 'evalset = "cases.jsonl"', 'evalset = "cases.jsonl"\nholdout = "holdout.jsonl"')
    project.write("holdout.jsonl", jsonl([case(900)]))

    refused(project.command("show", "c900"), 4, "a case of the hold-out set is not shown, got 'c900'")


def test_under_ids_no_text_is_shown(project: Project):
    project.write("ladder.toml", project.read("ladder.toml") + '\n[privacy]\nshow = "ids"\n')
    project.run()

    text = " ".join(shown(project, "c25"))

    assert "question 25" not in text
    assert "wrong" not in text
    assert "prompt: fails, answer 0.000" in text
    assert 'texts and steps are left out: [privacy] show = "ids"' in text


def test_the_failure_of_a_run_names_the_command_that_shows_its_worst_case(project: Project):
    (words,) = re.findall(r"how an answer came about: `ladder (show .+?)`", project.run().text)

    assert shown(project, *words.split()[1:])[4].startswith("few_shot: fails")


@pytest.fixture
def agent(bench: Bench) -> Bench:
    """An agent that looks an order up, and asks for a refund that a rule forbids and a tool that is not there."""
    make(bench, *([one] for one in LOOKUP), "sent", fields=True, rules=RULE, cases=[{**CASE, "expected": "lost"}])
    bench.run("--ladder-report=report.html")
    return bench


def test_calls_of_an_agent_are_shown_with_what_was_refused(agent: Bench):
    lines = shown(at(agent), "c7")

    made = lines.index('call order(number="7")')
    assert lines[made + 1] == '-> {"state": "sent", "days": 3}'
    refused = lines.index('refused call refund(amount=250, number="7")')
    assert lines[refused + 1] == "-> refund may not be called with these arguments: $.amount does not fit"
    assert "rule: arguments" in lines
    assert "rule: name" in lines
    assert lines[-1] == "stop reason: answered, calls: 1, mode: provider, replies: 4"


def test_the_steps_are_in_the_html_report_of_the_run(agent: Bench):
    data = Page((agent.pytester.path / "report.html").read_text(encoding="utf-8")).data()

    ((_, _, lines),) = data["cases"][0][4][0][4]
    told = [(data["steps"][name], data["texts"][asked] if asked >= 0 else "") for name, _, asked, *_ in lines]
    assert told == [
        ("call", 'order(number="7")'), ("refused call", 'refund(amount=250, number="7")'),
        ("refused call", 'delete(number="7")'), ("stop", ""),
    ]  # fmt: skip


def test_the_steps_of_worst_cases_are_in_the_json_report_of_the_run_and_of_the_command(agent: Bench):
    agent.run("--ladder-report=run.json", "--ladder-record=none")
    assert at(agent).command("report", "--output=command.json").status == 0

    for name in ("run.json", "command.json"):
        report = json.loads((agent.pytester.path / name).read_text(encoding="utf-8"))
        ((way,),) = [miss["steps"] for rung in report["ladders"][0]["rungs"] for miss in rung["worst_cases"]]
        assert [(step["name"], step["asked"], step["tone"]) for step in way["steps"]] == [
            ("call", 'order(number="7")', ""), ("refused call", 'refund(amount=250, number="7")', "refused"),
            ("refused call", 'delete(number="7")', "refused"), ("stop", "", ""),
        ]  # fmt: skip


@pytest.fixture
def rag(bench: Bench) -> Bench:
    """A rung that puts one of two documents before the model."""
    bench.make({})
    bench.cases([ORDER])
    bench.write("kb.jsonl", jsonl(KB))
    bench.write("grounded.md", "{{ context }}\n{{ input }}")
    bench.write("models.py", "def reply(messages):\n    return 'sent'\n")
    bench.write(
        "ladder.toml", 'schema = 1\nname = "support"\nevalset = "cases.jsonl"\nmodel = "models.py:reply"\n' + RAG
    )
    bench.run("--ladder-report=report.html")
    return bench


def test_documents_are_shown_by_title_or_first_words_and_evidence_is_marked(rag: Bench):
    assert shown(at(rag), "c8")[1:] == [
        "input What about order 8?", "expected lost", "steps Which order? -> 8", "tools look(n=8)",
        "evidence ok kb-2 Order 8 was lost. Order 8 was lost. Order 8 was lost. Order 8 was lost...",
        "ok kb-9", "", "rag: fails, answer 0.000, found 0.500, kind tool_use", "answer sent",
        "retrieved ok kb-2 Order 8 was lost. Order 8 was lost. Order 8 was lost. Order 8 was lost...",
        "missing evidence of the case that was not retrieved", "kb-9",
    ]  # fmt: skip


def test_documents_and_evidence_are_in_the_html_report(rag: Bench):
    data = Page((rag.pytester.path / "report.html").read_text(encoding="utf-8")).data()

    names = dict(data["documents"])
    assert names["kb-2"].startswith("Order 8 was lost. Order 8")
    assert len(names["kb-2"]) == 100
    assert [data["documents"][place][0] for place in data["cases"][0][5]] == ["kb-2", "kb-9"]
