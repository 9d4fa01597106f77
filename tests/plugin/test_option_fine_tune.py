"""`--ladder-fine-tune`, and the other ways to ask: each goes through the gate."""

from __future__ import annotations

import pytest

from tests.plugin.bench import Bench, case

GATE = '[gate]\nrequired = ["prompt"]\n[gate.effort]\nprompt = 1\n'
LABELS = "".join(
    f'{{"case":"c{n}","rung":"prompt","kind":"form","by":"ada","at":"2026-01-01"}}\n' for n in range(20, 60)
)


@pytest.fixture
def tuned(bench: Bench) -> Bench:
    """A prompt that falls far short, and a tuned system of the user's own that does not."""
    bench.make({"prompt": 20, "fine_tune": 60}, cases=60, tables=GATE)
    bench.cases(case(n) for n in range(60))
    return bench


def justified(bench: Bench) -> Bench:
    bench.run("--ladder-rung=prompt")
    bench.write("labels.jsonl", LABELS)
    bench.asked()
    return bench


def test_without_a_request_and_without_evidence_it_is_not_run(tuned: Bench):
    ran = tuned.run("-v")

    assert ran.status == 1
    assert ran.outcomes()["fine_tune"] == "NOT RUN"
    assert "fine-tuning is not justified yet: diagnosis" in ran.text
    assert tuned.asked("fine_tune") == []


def test_a_request_without_evidence_is_refused_with_every_reason_and_its_mend(tuned: Bench):
    ran = tuned.run("-v", "--ladder-fine-tune", "--ladder-record=new")

    assert ran.status == 1
    assert ran.outcomes() == {"prompt": "FAILED", "fine_tune": "REFUSED"}
    assert "diagnosis: " in ran.text
    assert "label" in ran.text
    assert tuned.asked("fine_tune") == []


def test_where_it_is_justified_the_users_own_system_is_evaluated(tuned: Bench):
    ran = justified(tuned).run("-v")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SHORT", "fine_tune": "SELECTED"}
    assert tuned.verdicts[-1] == "selected fine_tune"


@pytest.mark.parametrize("how", ["--ladder-rung=fine_tune", "-k=fine_tune", "node id"])
def test_a_selection_of_the_rung_alone_asks_the_gate(tuned: Bench, how: str):
    ran = tuned.run("-v", f"{tuned.test}[fine_tune]" if how == "node id" else how)

    assert ran.status == 1
    assert ran.outcomes()["fine_tune"] == "REFUSED"
    assert "not_recorded: " in ran.text
    assert tuned.asked() == []


def test_a_selection_of_the_rung_alone_passes_an_open_gate(tuned: Bench):
    ran = justified(tuned).run("-v", "--ladder-rung=fine_tune")

    assert ran.status == 0
    assert ran.outcomes() == {"fine_tune": "SELECTED"}


def test_a_request_wins_over_not_needed(tuned: Bench):
    tuned.system("prompt", 60)

    ran = tuned.run("-v", "--ladder-fine-tune")

    assert ran.status == 1
    assert ran.outcomes() == {"prompt": "SELECTED", "fine_tune": "REFUSED"}
    assert "met: " in ran.text
    assert tuned.asked("fine_tune") == []


def test_without_a_request_it_is_not_needed_where_a_cheaper_rung_meets(tuned: Bench):
    tuned.system("prompt", 60)

    assert tuned.run("-v").outcomes() == {"prompt": "SELECTED", "fine_tune": "NOT NEEDED"}


def test_under_none_nothing_is_asked_even_by_an_open_gate(tuned: Bench):
    justified(tuned)

    tuned.run("-v", "--ladder-fine-tune", "--ladder-record=none")

    assert tuned.asked() == []


def test_with_workers_the_answer_is_the_same(tuned: Bench):
    ran = tuned.run("-v", "-n", "2", "--ladder-rung=fine_tune")

    assert ran.status == 1
    assert ran.outcomes()["fine_tune"] == "REFUSED"
    assert "not_recorded: " in ran.text
