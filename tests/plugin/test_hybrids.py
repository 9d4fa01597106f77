"""Rungs that use the systems of others, from ladder.toml to the recordings, with a model that counts its calls."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest

from tests.plugin.bench import Bench, case

MODEL = """\
from pathlib import Path


def reply(messages, seed=0):
    text = messages[-1]["content"]
    kind, _, rest = text.partition(" ")
    first = (rest.splitlines() or [""])[0]
    with Path(__file__).with_name("asked.txt").open("a", encoding="utf-8") as file:
        file.write(kind + " " + first + "\\n")
    number = int(first.split()[-1].strip("n"))
    if kind == "ROUTE":
        return "rag, I think" if number % 2 else "prompt"
    if kind == "VERIFY":
        return "yes" if "\\nanswer " in rest else "no"
    if kind == "RAG":
        return f"answer {number}" if number >= 4 else f"no idea of {number}"
    if seed != 17:
        return f"answer {number}"
    return f"answer {number}" if number < 4 else ["", "?"][number % 2]
"""
HEAD = """\
schema = 1
name = "support"
evalset = "cases.jsonl"
model = "models.py:reply"
seed = 17
[metrics.answer]
scorer = "exact_match"
[thresholds]
answer = { all = 1.0 }
[rungs.prompt]
prompt = "answer.md"
[rungs.rag]
prompt = "grounded.md"
corpus = "kb.jsonl"
top_k = 1
"""
RULES = """\
[rungs.routed]
kind = "decompose"
router = [
  { when = { channel = "orders" }, to = "rag" },
  { to = "prompt" },
]
"""
CASES = 6


@pytest.fixture
def ladder(bench: Bench) -> Bench:
    """A ladder whose plain prompt answers the first four cases and whose RAG the last two."""
    bench.make({})
    bench.cases(
        case(n, input=f"question n{n}", metadata={"channel": "orders" if n >= 4 else "web"}) for n in range(CASES)
    )
    bench.write("models.py", MODEL)
    bench.write("answer.md", "PROMPT {{ input }}")
    bench.write("grounded.md", "RAG {{ input }}\n{{ context }}")
    bench.write("route.md", "ROUTE {{ input }}")
    bench.write("verify.md", "VERIFY {{ input }}\n{{ answer }} /{{ context }}")
    bench.write("kb.jsonl", "".join(json.dumps({"id": f"kb-{n}", "text": f"fact n{n}"}) + "\n" for n in range(CASES)))
    return bench


def with_rung(bench: Bench, table: str, head: str = HEAD) -> Bench:
    bench.write("ladder.toml", head + table)
    return bench


def records(bench: Bench, rung: str = "routed") -> list[dict[str, Any]]:
    paths = [path for path in (bench.folder / "recordings" / rung).glob("*.jsonl") if path.name != "calls.jsonl"]
    lines = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return sorted(lines, key=lambda line: str(line["case"]))


def counted(bench: Bench) -> dict[str, int]:
    kinds = [line.partition(" ")[0] for line in bench.asked()]
    return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}


# --- routers -------------------------------------------------------------------------------------------------------


def test_a_router_is_better_than_either_rung_and_costs_no_call_where_they_are_on_record(ladder: Bench):
    ran = with_rung(ladder, RULES).run("-v")

    assert ran.outcomes() == {"prompt": "SHORT", "rag": "SHORT", "routed": "SELECTED"}, ran.text
    assert counted(ladder) == {"PROMPT": CASES, "RAG": CASES}
    assert [record["answer"]["steps"][0]["to"] for record in records(ladder)] == ["prompt"] * 4 + ["rag"] * 2
    assert records(ladder)[4]["answer"]["retrieved"] == ["kb-4"]
    assert all(len(record["calls"]) == 1 for record in records(ladder))


def test_so_it_does_on_the_workers_of_xdist(ladder: Bench):
    with_rung(ladder, RULES)
    ran = ladder.spawn("-n", "2")
    assert ran.returncode == 0, ran.stdout
    assert counted(ladder) == {"PROMPT": CASES, "RAG": CASES}


def test_it_asks_for_itself_where_they_are_not(ladder: Bench):
    assert with_rung(ladder, RULES).run("--ladder-rung=routed").status == 0
    assert counted(ladder) == {"PROMPT": 4, "RAG": 2}
    assert ladder.run("--ladder-rung=prompt").status == 1
    assert counted(ladder) == {"PROMPT": 2}  # and they do not ask again for what it asked


def test_nothing_is_asked_again_and_the_log_stands(ladder: Bench):
    with_rung(ladder, RULES).run()
    ladder.asked()
    before = ladder.log_path.read_bytes()

    assert ladder.run("--ladder-record=none").status == 0
    assert ladder.run().status == 0
    assert ladder.asked() == []
    assert ladder.log_path.read_bytes() == before
    assert ladder.pytester.run(sys.executable, "-m", "pytest_ladder", "verify").ret == 0


def test_from_calls_alone_it_answers_anew_without_asking(ladder: Bench):
    with_rung(ladder, RULES).run()
    ladder.asked()
    ladder.edit("ladder.toml", 'channel = "orders"', 'channel = ["orders", "returns"]')

    assert ladder.run().status == 0
    assert ladder.asked() == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("grounded.md", "{{ input }}", "{{ input }} "),
        ("kb.jsonl", "fact n5", "facts n5"),
        ("ladder.toml", "top_k = 1", "top_k = 2"),
        ("ladder.toml", 'to = "prompt"', 'to = "rag"'),
    ],
)
def test_what_changes_a_rung_it_refers_to_changes_its_version(ladder: Bench, name: str, old: str, new: str):
    with_rung(ladder, RULES).run()
    ladder.edit(name, old, new)
    ran = ladder.run("--ladder-record=none", "--ladder-rung=routed")

    assert ran.status == 1
    assert "not on record" in ran.flat


def test_what_changes_another_rung_does_not(ladder: Bench):
    with_rung(ladder, RULES + '[rungs.few_shot]\nprompt = "answer.md"\nsystem = "few.py:answer"\n')
    ladder.system("few", 3)
    ladder.run("--ladder-rung=routed")
    ladder.system("few", 2)
    assert ladder.run("--ladder-record=none", "--ladder-rung=routed").status == 0


def test_a_system_of_ones_own_can_be_a_route(ladder: Bench):
    ladder.system("few", 4)
    ladder.edit("few.py", "split()[-1]", 'split()[-1].strip("n")')
    with_rung(
        ladder, RULES.replace('to = "prompt"', 'to = "few_shot"') + '[rungs.few_shot]\nsystem = "few.py:answer"\n'
    )
    ran = ladder.run("-v")
    assert ran.outcomes()["routed"] == "SELECTED", ran.text


BY_MODEL = """\
[rungs.routed]
kind = "decompose"
router = "classifier"
router_prompt = "route.md"
classifier = "models.py:reply"
routes = { rag = "odd ones", prompt = "even ones" }
default_route = "rag"
"""


def test_a_classifier_is_a_call_of_each_answer_and_recorded_as_one(ladder: Bench):
    with_rung(ladder, BY_MODEL).run()
    assert counted(ladder) == {"PROMPT": CASES, "RAG": CASES, "ROUTE": CASES}
    first = records(ladder)[1]
    assert first["answer"]["steps"][0] == {"step": "route", "to": "rag", "by": "classifier", "said": "rag, I think"}
    assert len(first["calls"]) == 2
    ladder.run("--ladder-record=none")
    assert ladder.asked() == []


ROUTES = """\
import helper


def route(question):
    return helper.TO[question.metadata["channel"]]
"""
BY_FUNCTION = """\
[rungs.routed]
kind = "decompose"
router = "routes.py:route"
routes = ["rag"]
default_route = "prompt"
"""


def test_a_function_routes_and_its_file_belongs_to_the_version(ladder: Bench):
    ladder.write("routes.py", ROUTES)
    ladder.write("helper.py", 'TO = {"orders": "rag", "web": None}\n')
    ran = with_rung(ladder, BY_FUNCTION).run()
    assert ran.status == 0, ran.text
    assert "routes.py imports evals/support/helper.py: a change there is not noticed" in ran.flat
    ladder.write("routes.py", ROUTES + "# changed\n")
    assert ladder.run("--ladder-record=none", "--ladder-rung=routed").status == 1


def test_a_router_that_sends_everything_one_way_is_told(ladder: Bench):
    ran = with_rung(ladder, RULES.replace('"orders"', '"nobody"')).run()
    assert "rung routed: its router sent every case to prompt" in ran.flat
    assert "its router" not in with_rung(ladder, RULES).run().flat


def test_drift_asks_the_rungs_behind_a_router_again(ladder: Bench):
    with_rung(ladder, RULES).run()
    ladder.asked()
    ran = ladder.run("--ladder-rung=routed", "--ladder-drift=6")
    assert counted(ladder) == {"PROMPT": 4, "RAG": 2}, ran.text
    assert re.search(r"0 of 6|6 answers", ran.flat)


TUNED = """\
[rungs.fine_tune]
system = "tuned.py:answer"
[rungs.tuned_desk]
kind = "fine_tune"
router = [{ when = { channel = "orders" }, to = "fine_tune" }, { to = "prompt" }]
"""


def test_a_router_to_a_tuned_model_stands_behind_the_gate(ladder: Bench):
    ladder.system("tuned", range(4, 6))
    ladder.edit("tuned.py", "split()[-1]", 'split()[-1].strip("n")')
    ran = with_rung(ladder, TUNED).run("-v")
    assert ran.outcomes()["tuned_desk"] == "NOT RUN", ran.text
    assert records(ladder, "tuned_desk") == []

    ladder.edit("ladder.toml", "[rungs.prompt]", "[gate]\nrequired = []\nmin_form_share = 0\n[rungs.prompt]")
    ladder.edit("ladder.toml", "answer = { all = 1.0 }", "answer = { all = 0.95 }")
    lines = [case(n, input=f"question n{n}", metadata={"channel": "orders" if n >= 4 else "web"}) for n in range(40)]
    ladder.cases(lines)
    ladder.system("tuned", 40)
    ladder.edit("tuned.py", "split()[-1]", 'split()[-1].strip("n")')
    ladder.edit("models.py", "if number >= 4 else", "if 4 <= number < 10 else")
    ran = ladder.run("-v", "--ladder-rung=prompt", "--ladder-rung=rag", "--ladder-rung=tuned_desk")
    assert ran.outcomes()["tuned_desk"] in ("SELECTED", "PASSED", "MET"), ran.text
    assert len(records(ladder, "tuned_desk")) == 40


# --- before an answer ships ----------------------------------------------------------------------------------------

GUARDED = HEAD.replace("top_k = 1\n", 'top_k = 1\nfallback = "prompt"\n')


def test_a_rung_falls_back_on_a_cheaper_one_whose_calls_are_on_record(ladder: Bench):
    ladder.edit("models.py", 'else f"no idea of {number}"', 'else ""')
    ran = with_rung(ladder, "", GUARDED).run("-v")

    assert ran.outcomes() == {"prompt": "SHORT", "rag": "SELECTED"}, ran.text
    assert counted(ladder) == {"PROMPT": CASES, "RAG": CASES}
    first, last = records(ladder, "rag")[0], records(ladder, "rag")[-1]
    assert first["answer"]["text"] == "answer 0"
    assert first["answer"]["validation"] == {"accepted": True, "resort": "fallback", "reason": "empty"}
    assert len(first["calls"]) == 2
    assert last["answer"]["validation"] == {"accepted": True, "resort": None, "reason": None}
    entry = next(line for line in ladder.log if line.get("rung") == "rag")
    assert entry["usage"]["calls"] == CASES + 4


VERIFIED = HEAD.replace("top_k = 1\n", 'top_k = 1\nverify_prompt = "verify.md"\nverifier = "models.py:reply"\nKEYS\n')


def test_an_answer_is_verified_before_it_ships(ladder: Bench):
    ran = with_rung(ladder, "", VERIFIED.replace("KEYS", 'fallback = "prompt"')).run("-v")
    assert ran.outcomes() == {"prompt": "SHORT", "rag": "SELECTED"}, ran.text
    assert counted(ladder) == {"PROMPT": CASES, "RAG": CASES, "VERIFY": CASES + 4}
    assert ran.text.partition("model calls")[2].count("66.7 %") == 2  # rejected, and by fallback
    assert records(ladder, "rag")[5]["answer"]["steps"][-1] == {"step": "verify", "accepted": True, "said": "yes"}
    ladder.run("--ladder-record=none")
    assert ladder.asked() == []


def test_the_verifiers_prompt_belongs_to_the_version(ladder: Bench):
    with_rung(ladder, "", VERIFIED.replace("KEYS", 'fallback = "prompt"')).run()
    ladder.edit("verify.md", "/", " / ")
    assert ladder.run("--ladder-record=none").status == 1


def test_a_retry_is_a_request_of_its_own_and_found_again(ladder: Bench):
    with_rung(ladder, "", HEAD.replace('prompt = "answer.md"\n', 'prompt = "answer.md"\nretries = 1\n')).run()
    asked = counted(ladder)
    assert asked["PROMPT"] == CASES + 1  # case 4 said nothing, and "?" of case 5 is an answer
    again = records(ladder, "prompt")[4]
    assert (again["answer"]["text"], again["answer"]["validation"]["resort"]) == ("answer 4", "retry")
    assert len({call["request_digest"] for call in again["calls"]}) == 2
    ladder.edit("ladder.toml", "retries = 1", "retries = 2")
    ladder.run("--ladder-rung=prompt")
    assert ladder.asked() == []


def test_samples_are_drawn_and_counted(ladder: Bench):
    keys = 'prompt = "answer.md"\nsamples = 3\nmodel_options = { temperature = 0.7 }\n'
    ladder.edit("models.py", "seed=0", "seed=0, temperature=0")
    ran = with_rung(ladder, "", HEAD.replace('prompt = "answer.md"\n', keys)).run("-v")
    assert ran.outcomes() == {"prompt": "SELECTED", "rag": "NOT NEEDED"}
    assert counted(ladder) == {"PROMPT": 3 * CASES}
    assert [record["answer"]["validation"] for record in records(ladder, "prompt")][-1] == {"confidence": 0.666667}
    ladder.run("--ladder-record=none")
    assert ladder.asked() == []


def test_what_was_drawn_before_a_run_ended_is_not_drawn_again(ladder: Bench):
    keys = 'prompt = "answer.md"\nsamples = 3\nescalation = "Wait."\nverify_prompt = "verify.md"\n'
    with_rung(ladder, "", HEAD.replace('prompt = "answer.md"\n', keys))
    ladder.run("--ladder-rung=prompt", "--ladder-max-calls=6", "--ladder-concurrency=1")
    first = counted(ladder)
    assert sum(first.values()) == 6
    assert len(records(ladder, "prompt")) == 1  # and of the second case two samples

    ladder.run("--ladder-rung=prompt")
    second = counted(ladder)
    assert first["PROMPT"] + second["PROMPT"] == 3 * CASES
    assert first["VERIFY"] + second["VERIFY"] == CASES


def test_a_system_of_ones_own_is_looked_at_too(ladder: Bench):
    ladder.write("mine.py", "def answer(case, llm):\n    return llm.chat('PROMPT ' + case.input).text\n")
    ladder.write("ladder.toml", HEAD + '[rungs.advanced_rag]\nsystem = "mine.py:answer"\nretries = 1\n')
    ladder.run("--ladder-climb=all")
    validations = [record["answer"]["validation"]["resort"] for record in records(ladder, "advanced_rag")]
    assert validations == [None, None, None, None, "retry", None]


def test_one_that_the_test_gives_is_looked_at_as_the_table_says(ladder: Bench):
    with_rung(ladder, "", HEAD.replace('prompt = "answer.md"\n', 'prompt = "answer.md"\nescalation = "Wait."\n'))
    ladder.write("test_support.py", (
        "import pytest\n\n\n@pytest.mark.ladder\ndef test_support(rung):\n"
        "    rung.check(lambda case: '' if case.id == 'c1' else 'x')\n"
    ))  # fmt: skip
    ladder.run("--ladder-rung=prompt")
    assert [record["answer"]["text"] for record in records(ladder, "prompt")] == ["x", "Wait.", *["x"] * 4]


def test_an_error_does_not_fall_back(ladder: Bench):
    ladder.edit(
        "models.py", "    number = int", '    if kind == "RAG":\n        raise OSError("down")\n    number = int'
    )
    ran = with_rung(ladder, "", GUARDED).run("--ladder-rung=rag")
    assert ran.status == 1
    assert "OSError: down" in ran.flat
    assert records(ladder, "rag") == []


def test_a_budget_that_is_spent_does_not_fall_back(ladder: Bench):
    ran = with_rung(ladder, "", GUARDED).run("--ladder-rung=rag", "--ladder-max-calls=2", "--ladder-concurrency=1")
    assert ran.status == 1
    assert len(records(ladder, "rag")) == 2
    assert counted(ladder) == {"RAG": 2}


# --- escalation ----------------------------------------------------------------------------------------------------

ESCALATES = (
    HEAD.replace('scorer = "exact_match"', 'scorer = "abstention"').replace('prompt = "answer.md"\n', """\
prompt = "answer.md"
escalation = "A colleague will answer this."
""")
)  # fmt: skip


def test_an_escalated_answer_abstains_and_is_counted(ladder: Bench):
    lines = [case(n, input=f"question n{n}", metadata={"should_abstain": n in (3, 4)}) for n in range(CASES)]
    ladder.cases(lines)
    ran = with_rung(ladder, "", ESCALATES).run("-v", "--ladder-rung=prompt", "--ladder-report=r.json")

    answers = [record["answer"] for record in records(ladder, "prompt")]
    assert answers[4]["text"] == "A colleague will answer this."
    assert answers[4]["validation"]["escalated"] is True
    assert ladder.log[0]["scores"]["answer"]["all"]["mean"] == pytest.approx(5 / 6, abs=1e-6)  # case 3 was answered
    ran.has("*model calls*", "*rejected*escalated*", "*prompt*16.7 %*16.7 %*")
    (rung, *_) = json.loads((ladder.pytester.path / "r.json").read_text(encoding="utf-8"))["ladders"][0]["rungs"]
    told = {key: rung["requests"][key] for key in ("checked", "rejected", "by_fallback", "escalated", "abstained")}
    assert told == {"checked": 6, "rejected": 1, "by_fallback": 0, "escalated": 1, "abstained": 0}


# --- what is told at collection ------------------------------------------------------------------------------------


def rules(*lines: str) -> str:
    return '[rungs.routed]\nkind = "decompose"\nrouter = [\n' + "".join(f"  {line},\n" for line in lines) + "]\n"


FAULTS = {
    "no such rung": (rules('{ to = "ragg" }'), r"router: no such rung, got 'ragg'; expected prompt, rag.*Did you mean"),
    "itself": (rules('{ to = "routed" }'), r"router: the rung refers to itself"),
    "no default": (rules('{ matches = "x", to = "rag" }'), r"router: it says nothing of all other questions"),
    "out of reach": (rules('{ to = "rag" }', '{ to = "prompt" }'), r"router\[0\]: the rules after it are never"),
    "no pattern": (rules('{ matches = "(", to = "rag" }', '{ to = "rag" }'), r"router\[0\]\.matches: not a pattern"),
    "an unknown key": (rules('{ match = "x", to = "rag" }', '{ to = "rag" }'), r"unknown key, got 'match'.*matches"),
    "no target": (rules('{ matches = "x" }', '{ to = "rag" }'), r"router\[0\]\.to: the key is missing"),
    "no router": ('[rungs.routed]\nkind = "decompose"\nrouter = "x"\n', r"router: not a router, got 'x'"),
    "no routes": ('[rungs.routed]\nkind = "decompose"\nrouter = "classifier"\n', r"routes: the key is missing"),
    "not a list": (BY_MODEL.replace('{ rag = "odd ones", prompt = "even ones" }', "3"), r"routes: not the routes"),
    "an unknown default": (BY_MODEL.replace('"rag"\n', '"rga"\n'), r"router: no such rung, got 'rga'"),
    "no function": (BY_FUNCTION, r"router: there is no such file, got 'routes\.py'"),
    "nobody to escalate to": (rules('{ to = "escalate" }'), r"router: `escalate` needs the key `escalation`"),
    "a key of other kinds": (RULES + 'prompt = "answer.md"\n', r"prompt: a router does not use it"),
    "a system beside it": (RULES + 'system = "x.py:f"\n', r"system: a router does not use it"),
    "rules with routes": (RULES + 'default_route = "rag"\n', r"default_route: rules do not use it"),
    "a router of a cheap kind": (RULES.replace("decompose", "rag"), r"unknown key, got 'router'"),
    "a dear rung behind a cheap one": (
        "", r"\[rungs\.prompt\] fallback: a rung of kind `prompt` cannot use one of the dearer kind `rag`.*"
        r'Declare a rung with `kind = "decompose"`, `router = \[\{ to = "prompt" \}\]` and `fallback = "rag"`',
    ),
    "a rung by a name that is taken": (
        rules('{ to = "escalate" }') + 'escalation = "x"\n[rungs.escalate]\nkind = "prompt"\nprompt = "answer.md"\n',
        r"\[rungs\.escalate\]: a router takes this id for what it does without a rung",
    ),
    "a circle": (
        rules('{ to = "other" }') + '[rungs.other]\nkind = "decompose"\nrouter = [{ to = "routed" }]\n',
        r"refer to each other in a circle, got 'routed -> other -> routed'",
    ),
    "a tuned model behind a cheap kind": (
        rules('{ to = "fine_tune" }') + '[rungs.fine_tune]\nsystem = "x.py:f"\n',
        r"router: a rung of kind `decompose` cannot use one of the dearer kind `fine_tune`",
    ),
    "nothing done": ('[rungs.few_shot]\nverify_prompt = "verify.md"\n', r"verify_prompt: nothing is done about"),
    "nothing done about a source": ('[rungs.few_shot]\nrequire_citation = true\n', r"require_citation: nothing is"),
    "samples too few": ('[rungs.few_shot]\nmin_confidence = 0.5\nretries = 1\n', r"min_confidence: nothing here uses"),
    "an unknown resort": ('[rungs.few_shot]\non_reject = "escalat"\n', r"on_reject: unknown name.*Did you mean"),
    "a resort too many": ('[rungs.few_shot]\non_reject = ["abstain", "retry"]\n', r"on_reject: nothing comes after it"),
    "no text": ('[rungs.few_shot]\non_reject = "escalate"\n', r"on_reject: `escalate` needs the key `escalation`"),
    "unused": (
        '[rungs.few_shot]\non_reject = "abstain"\nfallback = "prompt"\n', r"fallback: `on_reject` does not name what",
    ),
    "the same answers": (
        '[rungs.few_shot]\nretries = 1\nmodel_options = { temperature = 0 }\n',
        r"retries: the model answers the same each time: its temperature is 0",
    ),
    "greedy": ('[rungs.few_shot]\nsamples = 2\nmodel = "local:x"\n', r"samples: the model answers the same each time"),
    "no file": ('[rungs.few_shot]\nverify_prompt = "verif.md"\nretries = 1\n', r"verify_prompt: there is no such file"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_what_cannot_be_used_is_told_at_collection(ladder: Bench, name: str):
    table, told = FAULTS[name]
    head = HEAD if table else HEAD.replace('prompt = "answer.md"\n', 'prompt = "answer.md"\nfallback = "rag"\n')
    if "few_shot" in table and "prompt = " not in table.replace("verify_prompt", ""):
        table += 'prompt = "answer.md"\nexamples = "examples.jsonl"\n'
        ladder.write("examples.jsonl", "".join(f'{{"input": "e{n}", "expected": "x"}}\n' for n in range(4)))
    ran = with_rung(ladder, table, head).run()

    assert ran.status == 4, ran.text
    assert re.search(told, ran.flat), ran.text
    assert ladder.asked() == []


def test_a_classifiers_prompt_that_is_no_good_is_told(ladder: Bench):
    ladder.write("route.md", "ROUTE 1")
    ran = with_rung(ladder, BY_MODEL).run("--ladder-rung=routed")
    assert "the prompt does not show `input`" in ran.flat
