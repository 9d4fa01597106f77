"""A rung's keys and prompts are read before any rung is asked, the dearest one's too."""

from __future__ import annotations

import re

import pytest

from tests.plugin.bench import Bench, case

HEAD = """\
schema = 1
name = "support"
evalset = "cases.jsonl"
model = "models.py:reply"
[metrics.answer]
scorer = "exact_match"
[thresholds]
answer = { all = 0.5 }
[rungs.prompt]
prompt = "answer.md"
"""
MODEL = """\
from pathlib import Path


def reply(messages):
    with Path(__file__).with_name("asked.txt").open("a", encoding="utf-8") as file:
        file.write("asked\\n")
    return "no"
"""
DECOMPOSE = "[rungs.decompose]\n"
CHAIN = DECOMPOSE + 'strategy = "prompt_chain"\nchain = ["answer.md", "next.md"]\n'
PLAN = DECOMPOSE + 'strategy = "plan_and_execute"\n'
RETRIEVED = '[rungs.advanced_rag]\nprompt = "grounded.md"\ncorpus = "kb.jsonl"\n'


@pytest.fixture
def ladder(bench: Bench) -> Bench:
    bench.make({})
    bench.cases(case(number, metadata={"channel": "web"}) for number in range(3))
    bench.write("models.py", MODEL)
    bench.write("answer.md", "{{ input }}")
    bench.write("next.md", "{{ previous }} {{ input }}")
    bench.write("grounded.md", "{{ input }} {{ context }}")
    bench.write("peeks.md", "{{ input }} {{ answer }} {{ evidence }}")
    bench.write("kb.jsonl", '{"id": "k", "text": "a fact", "metadata": {"language": "en"}}\n')
    return bench


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (PLAN + 'plan_prompt = "peeks.md"', r"peeks\.md:1: the template uses an undefined name"),
        (PLAN + 'plan_prompt = "next.md"', r"next\.md:1: the template uses an undefined name, got 'previous'"),
        (CHAIN.replace("next", "answer"), r"no later prompt of the chain shows the reply to .*answer\.md"),
        (CHAIN + 'verify_prompt = "peeks.md"\nfallback = "prompt"', r"peeks\.md:1: .* undefined name, got 'evidence'"),
        (CHAIN + 'verify_prompt = "answer.md"\nfallback = "prompt"', r"answer\.md: the prompt does not show `answer`"),
        (
            DECOMPOSE + 'router = "classifier"\nroutes = ["prompt"]\ndefault_route = "prompt"\n'
            'router_prompt = "peeks.md"',
            r"peeks\.md:1: the template uses an undefined name",
        ),
        (RETRIEVED + "keep_sentences = 2", r"ladder\.toml:14: .*keep_sentences: nothing here uses it"),
        (RETRIEVED + 'filters = { lang = "en" }', r"no document of the corpus has this key in its `metadata`, got 'l"),
        (
            RETRIEVED + 'filters = { language = { case = "chanel" } }',
            r"ladder\.toml:14: .*filters language: no case has this key in its `metadata`, got 'chanel'; expected ch",
        ),
        (
            '[rungs.rag]\nprompt = "grounded.md"\ncorpus = "kb.jsonl"\nquery_rewrite = true',
            r"ladder\.toml:14: \[rungs\.rag\] query_rewrite: unknown key.* This is a key of kind advanced_rag, "
            r"decompose or fine_tune: give it to such a rung",
        ),
        (
            DECOMPOSE + 'router = "classifier"\nroutes = ["prompt"]',
            r"default_route: the key is missing; expected the route of a question for which the router names none",
        ),
        (
            DECOMPOSE + 'router = [{ when = { chanel = "web" }, to = "prompt" }, { to = "prompt" }]',
            r"ladder\.toml:12: \[rungs\.decompose\] router rule 1: no case has this key in its `metadata`, got "
            r"'chanel'; expected channel\. Did you mean 'channel'\?",
        ),
        (
            CHAIN + 'require_citation = true\nfallback = "prompt"',
            r"ladder\.toml:14: .*require_citation: nothing is retrieved that an answer could cite; expected a `corpus`",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_dear_rung_is_told_before_the_cheap_one_is_asked(ladder: Bench, table: str, told: str):
    ladder.write("ladder.toml", HEAD + table + "\n")
    ran = ladder.run()
    assert ran.status == 4, ran.text
    assert re.search(told, ran.flat), ran.text
    assert ladder.asked() == []


@pytest.mark.parametrize(
    ("keys", "told"),
    [('retriever = "dense"', "no `embedder` is named"), ('reranker = "local:nowhere"', "there is no such folder")],
)
def test_what_a_rung_needs_besides_its_files_is_told_where_it_is_run(ladder: Bench, keys: str, told: str):
    ladder.write("ladder.toml", f"{HEAD}{RETRIEVED}{keys}\n")
    assert ladder.run("--ladder-rung=prompt").status == 1
    assert ladder.asked() == ["asked"] * 3
    ran = ladder.run()
    assert ran.status == 4
    assert told in ran.flat
    assert ladder.asked() == []


def test_a_rung_whose_system_the_test_gives_needs_no_strategy(ladder: Bench):
    ladder.write("ladder.toml", f"{HEAD}{DECOMPOSE}")
    ladder.write(
        "test_support.py",
        "import pytest\n\n\n@pytest.mark.ladder\ndef test_support(rung):\n"
        "    rung.check(system=lambda case: case.input.replace('question', 'answer'))\n",
    )
    assert ladder.run("--ladder-rung=decompose").status == 0


def test_a_router_whose_other_questions_failed_is_not_said_to_have_one_way(ladder: Bench):
    ladder.write("routes.py", "def route(case):\n    return 'prompt' if case.id == 'c0' else 'nowhere'\n")
    table = 'router = "routes.py:route"\nroutes = ["prompt", "abstain"]\ndefault_route = "prompt"\n'
    ladder.write("ladder.toml", f"{HEAD}{DECOMPOSE}{table}")
    ran = ladder.run()
    assert "the router named no route, got 'nowhere'" in ran.flat
    assert "sent every case to" not in ran.flat
