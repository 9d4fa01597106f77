"""What a run tells beside its figures: labels and waivers without effect, own asserts, budgets, narrowed runs."""

from __future__ import annotations

import json
import sys

from tests.plugin.bench import MODEL, Bench, case

LABEL = {"case": "c9", "rung": "prompt", "kind": "facts", "by": "ada", "at": "2026-01-02"}
OWN_ASSERT = """\
import pytest


@pytest.mark.ladder
def test_support(rung):
    rung.check()
    assert rung.id != "few_shot", "not this one"
"""


def waiver(**parts: str) -> str:
    table = {"ladder": "support", "kind": "fixed_format", "reason": "r", "approved_by": "ada"} | parts
    lines = [f'{key} = "{value}"' for key, value in table.items() if key != "expires"]
    return "\n".join(["[[waiver]]", *lines, f"expires = {parts.get('expires', '2999-01-01')}"]) + "\n"


def test_labels_that_name_nothing_are_told(bench: Bench):
    bench.make()
    bench.write(
        "labels.jsonl", "\n".join(json.dumps(LABEL | change) for change in ({"rung": "promt"}, {"case": "c77"}))
    )

    ran = bench.run()

    assert ran.status == 0
    assert "names rungs that are not here: 'promt' (did you mean 'prompt'?)" in ran.flat
    assert "names cases that are not here: 'c77'" in ran.flat


def with_evidence(bench: Bench, more: str = "") -> Bench:
    bench.make({}, cases=1)
    bench.cases([case(0, evidence=["kb-0"]), case(1, evidence=["kb-0", "kb_1"]), case(2, evidence=["kb_1", "else"])])
    bench.write("models.py", "def reply(messages):\n    return 'answer'\n")
    bench.write("answer.md", "{{ context }} {{ input }}")
    bench.write("kb.jsonl", "".join(json.dumps({"id": f"kb-{n}", "text": f"fact {n}"}) + "\n" for n in range(2)))
    text = bench.toml.read_text(encoding="utf-8").replace("[metrics", 'model = "models.py:reply"\n[metrics', 1)
    bench.write("ladder.toml", f'{text}\n[rungs.rag]\nprompt = "answer.md"\ncorpus = "kb.jsonl"\n{more}')
    return bench


def test_evidence_that_no_corpus_has_is_told(bench: Bench):
    told = with_evidence(bench).run().flat

    assert "the evidence of 2 cases is in no corpus: 'else', 'kb_1' (did you mean 'kb-1'?); what is not there" in told


def test_evidence_that_a_system_of_ones_own_may_find_is_not(bench: Bench):
    bench.write("systems.py", "def find(case):\n    return {'text': 'answer', 'retrieved': ['kb_1']}\n")

    told = with_evidence(bench, '[rungs.advanced_rag]\nsystem = "systems.py:find"\n').run().flat

    assert "in no corpus" not in told


def test_failures_are_counted_by_todays_labels(bench: Bench):
    bench.make()
    assert "failures: unknown 6" in bench.run().flat

    bench.write("labels.jsonl", json.dumps(LABEL) + "\n")

    assert "failures: unknown 5, facts 1" in bench.run().flat


def test_waivers_without_effect_are_told_on_every_run(bench: Bench):
    bench.make()
    bench.write("waivers.toml", waiver(kind="fixed_fromat") + waiver(expires="2020-01-01") + waiver(ladder="suport"))

    told = bench.run().flat

    assert "no such kind as 'fixed_fromat' (did you mean 'fixed_format'?); it waives nothing" in told
    assert "the waiver 'fixed_format' of ada expired on 2020-01-01" in told
    assert "a waiver is for the ladder 'suport'; this one is 'support'" in told


def test_a_rung_that_meets_its_thresholds_and_fails_its_own_assert_says_both(bench: Bench):
    bench.make(test=OWN_ASSERT)

    ran = bench.run()

    assert ran.status == 1
    assert "not this one" in ran.text
    assert "it meets its thresholds, but its test failed" in ran.flat


def test_after_the_budget_is_spent_only_what_is_recorded_runs(bench: Bench):
    bench.make({"prompt": 4, "few_shot": 10}, head='model = "models.py:reply"')
    bench.write("models.py", MODEL)
    asking = "def answer(case, llm):\n    return llm.chat([{'role': 'user', 'content': 'x' + case.input}]).text\n"
    bench.write("prompt.py", asking)

    ran = bench.run("--ladder-max-calls=3", "-v")

    assert ran.status == 1
    assert "[few_shot] NOT RUN" in ran.text
    assert bench.asked("few_shot") == []


def test_the_last_rung_of_a_narrowed_run_says_what_was_left_out(bench: Bench):
    bench.make()

    ran = bench.run("--ladder-rung=prompt")

    assert ran.status == 1
    assert "left out of it: few_shot" in ran.flat


def test_a_smoke_run_leaves_out_a_limit_that_needs_more_answers(bench: Bench):
    bench.make({"prompt": 70}, cases=70, tables="[limits]\nlatency_p95 = 60.0")

    assert bench.run("--ladder-limit=3").status == 0


def test_cases_in_error_within_the_allowed_share_pass_read_only_too(bench: Bench):
    bench.make({"prompt": 10}, tables="[decision]\nmax_error_rate = 0.1\n")
    bench.write(
        "prompt.py",
        "def answer(case):\n    assert case.id != 'c3'\n    return case.input.replace('question', 'answer')\n",
    )

    assert bench.run().status == 0
    ran = bench.run("--ladder-record=none", "-v")

    assert ran.status == 0, ran.text
    assert ran.outcomes() == {"prompt": "SELECTED"}


def test_a_skip_inside_a_system_is_an_error_of_its_case(bench: Bench):
    bench.make({"prompt": 10})
    bench.write("prompt.py", "import pytest\n\n\ndef answer(case):\n    pytest.skip('not today')\n")

    ran = bench.run("-v")

    assert ran.status == 1
    assert "10 of 10 cases in error" in ran.text
    assert "not today" in ran.text


def test_effort_counts_by_the_scores_where_recordings_are_not_here(bench: Bench):
    import shutil

    gate = '[recordings]\nstore = "local"\n[gate]\nrequired = ["prompt", "few_shot"]\nmin_form_share = 0\n'
    rungs = {"prompt": 2, "few_shot": 3, "fine_tune": 40}
    bench.make(rungs, cases=40, tables=gate + "[gate.effort]\nprompt = 1\n")
    assert bench.run("-v").outcomes()["fine_tune"] == "SELECTED"
    shutil.rmtree(bench.folder / "recordings")

    ran = bench.run("--ladder-record=none", "-v")

    assert ran.status == 0, ran.text
    assert ran.outcomes()["fine_tune"] == "SELECTED"


TUNED = '[gate]\nrequired = ["prompt", "few_shot"]\nmin_form_share = 0\n[gate.effort]\nprompt = 1\n'


def test_once_a_cheaper_rung_does_what_a_tuned_one_was_selected_for_the_run_says_so(bench: Bench):
    bench.make({"prompt": 2, "few_shot": 3, "fine_tune": 40}, cases=40, tables=TUNED)
    assert "de-escalation" not in bench.run().flat
    bench.system("few_shot", 40)

    ran = bench.run("-v")

    assert ran.status == 0
    assert "de-escalation: few_shot now meets the target that fine_tune was selected for" in ran.flat


def test_de_escalation_may_fail_the_build(bench: Bench):
    tables = TUNED + '[decision]\nde_escalate = "fail"\n'
    bench.make({"prompt": 2, "few_shot": 3, "fine_tune": 40}, cases=40, tables=tables)
    assert bench.run().status == 0
    bench.system("few_shot", 40)

    ran = bench.run()

    assert ran.status == 1
    assert "retire the tuned model" in ran.flat
    told = bench.pytester.run(sys.executable, "-m", "pytest_ladder", "status").stdout.str()
    assert "a run fails: evals/support/ladder.toml: de-escalation: few_shot now meets" in told


def test_a_stop_that_ends_no_rung_early_is_told_once(bench: Bench):
    bench.make(cases=60, tables='[decision]\nstop = "certain"\n[limits]\nlatency_p95 = 9\n')

    told = bench.run().flat

    assert told.count('stop = "certain" ends no rung early: each further answer may break a ceiling of [limits]') == 1
    assert len(bench.recorded("prompt")) == 60


def test_a_metric_that_can_score_nothing_is_told_with_the_reason(bench: Bench):
    bench.make({"prompt": 10}, tables='[metrics.found]\nscorer = "recall_at_k"\n')

    ran = bench.run()

    assert ran.status == 0
    assert "rung prompt: found could score none of 10 answers: the case names no evidence" in ran.flat


def test_the_reason_is_left_out_where_only_ids_may_be_shown(bench: Bench):
    bench.make({"prompt": 10}, tables='[metrics.found]\nscorer = "recall_at_k"\n[privacy]\nshow = "ids"\n')

    told = bench.run().flat

    assert "found could score none of 10 answers" in told
    assert "names no evidence" not in told
