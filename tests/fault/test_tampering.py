"""What is changed by hand is found: by a read-only run, by `ladder verify`, and at the gate."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_ladder.core.canonical import canonical
from tests.project import LADDER, OURS, Lines, Project, jsonl, prompt, sealed

SCORER = """\
def right(case, answer):
    return 1.0 if answer.text == case.expected else 0.0
"""

OWN_SCORER = LADDER.replace('scorer = "exact_match"', 'scorer = "scorers.py:right"').replace(
    "cost_per_case = 0.01", "cost_per_case = 0.01\nlatency_p95 = 5.0"
)


def labels(first: int, last: int, kind: str = "form", rung: str = "few_shot") -> str:
    numbers = range(first, last)
    return jsonl([{"case": f"c{n:02}", "rung": rung, "kind": kind, "by": "ada", "at": "2026-01-01"} for n in numbers])


@pytest.fixture(scope="module")
def justified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which fine-tuning is justified, done and recorded; made once."""
    project = Project.make(
        tmp_path_factory.mktemp("justified"), skills=(6, 30, 60), ladder=OWN_SCORER, scorers__py=SCORER,
        labels__jsonl=labels(30, 60),
    )  # fmt: skip
    first = project.spawn()
    assert first.status == 1, first.text  # one prompt is not enough effort
    project.write("prompt.md", prompt(24))
    second = project.spawn("--ladder-fine-tune")
    assert second.status == 0, second.text
    return project.root


@pytest.fixture
def project(pytester: pytest.Pytester, justified: Path) -> Project:
    shutil.copytree(justified, pytester.path, dirs_exist_ok=True)
    return Project(pytester.path, inner=pytester)


def test_what_nobody_touched_stands(project: Project):
    assert project.none().status == 0
    assert project.command("verify").status == 0
    asked = project.none("--ladder-rung=fine_tune")
    assert asked.status == 0
    assert "fine-tuning allowed" in asked.text


# --- the recordings --------------------------------------------------------------------------------------------------


def answered(change: Callable[[Lines], Any], rung: str = "few_shot", version: int = -1) -> Callable[[Project], None]:
    """A change of the recorded answers of a rung; the lines are changed in place, or returned anew."""

    def act(project: Project) -> None:
        lines = project.answers(rung, version)
        before = json.dumps(lines)
        after = change(lines)
        after = lines if after is None else after
        assert json.dumps(after) != before
        project.record(rung, after, version)

    return act


def of(lines: Lines, case: str) -> dict[str, Any]:
    return next(line for line in lines if line["case"] == case)


def better(lines: Lines) -> None:
    of(lines, "c45")["answer"]["text"] = "A45"


def finished(lines: Lines) -> None:
    of(lines, "c45")["answer"]["finish_reason"] = "length"


def parsed(lines: Lines) -> None:
    of(lines, "c45")["answer"]["parsed"] = {"answer": "A45"}


def retrieved(lines: Lines) -> None:
    of(lines, "c45")["answer"]["retrieved"] = ["kb-1"]


def swapped(lines: Lines) -> None:
    one, other = of(lines, "c05"), of(lines, "c45")
    one["answer"], other["answer"] = other["answer"], one["answer"]


def swapped_inputs(lines: Lines) -> None:
    one, other = of(lines, "c05"), of(lines, "c45")
    one["input_digest"], other["input_digest"] = other["input_digest"], one["input_digest"]


def overruled(lines: Lines) -> Lines:
    again = json.loads(json.dumps(of(lines, "c45")))
    again["answer"]["text"] = "A45"
    return [*lines, again]


def slower(lines: Lines) -> None:
    for line in lines:
        line["latency_s"] += 1.0


def cheaper(lines: Lines) -> None:
    for line in lines:
        line["calls"][0]["cost_usd"] = 0.0001


def renamed_model(lines: Lines) -> None:
    for line in lines:
        line["calls"][0]["model_returned"] = "arith-2"


def dropped(lines: Lines) -> Lines:
    return [line for line in lines if line["case"] != "c45"]


def cut(project: Project) -> None:
    path = project.recordings("few_shot")[-1]
    path.write_bytes(path.read_bytes()[:-30])


def emptied(project: Project) -> None:
    project.recordings("few_shot")[-1].write_bytes(b"")


def removed(project: Project) -> None:
    project.recordings("few_shot")[-1].unlink()


def another_rungs(project: Project) -> None:
    shutil.copy(project.recordings("fine_tune")[-1], project.recordings("few_shot")[-1])


def another_rungs_as_its_own(project: Project) -> None:
    fingerprint = project.answers("few_shot")[0]["fingerprint"]
    project.record("few_shot", [{**line, "fingerprint": fingerprint} for line in project.answers("fine_tune")])


def other_fingerprint(lines: Lines) -> None:
    of(lines, "c45")["fingerprint"] = "sha256:" + "0" * 64


def no_record(project: Project) -> None:
    path = project.recordings("few_shot")[-1]
    path.write_bytes(path.read_bytes() + b'{"schema": 1, "case": "c45"}\n')


def conflict(project: Project) -> None:
    path = project.recordings("few_shot")[-1]
    path.write_bytes(b"<<<<<<< HEAD\n" + path.read_bytes())


ALTERED = r"rung few_shot: altered: the recorded answers are not those that the log digests.*--ladder-record=all"
MISSING = r"few_shot.*not (all )?on record"

RECORDINGS = {
    "a wrong answer made right": (answered(better), ALTERED),
    "a finish reason": (answered(finished), ALTERED),
    "a parsed value": (answered(parsed), ALTERED),
    "documents retrieved": (answered(retrieved), ALTERED),
    "two answers swapped": (answered(swapped), ALTERED),
    "two inputs swapped": (answered(swapped_inputs), ALTERED),
    "another answer after it": (answered(overruled), ALTERED),
    "another rung's answers under its fingerprint": (another_rungs_as_its_own, ALTERED),
    "slower answers": (answered(slower), "few_shot: altered: the times of the recorded answers"),
    "cheaper answers": (answered(cheaper, "prompt"), "prompt: altered: the costs of the recorded answers"),
    "another model": (answered(renamed_model, "prompt"), "prompt: altered: the models of the recorded answers"),
    "an answer gone": (answered(dropped), MISSING),
    "a last line cut short": (cut, MISSING),
    "an empty file": (emptied, MISSING),
    "no file": (removed, MISSING),
    "another rung's file": (another_rungs, r"recordings/few_shot/\w+\.jsonl:1: an answer of another version"),
    "a fingerprint": (answered(other_fingerprint), r"recordings/few_shot/\w+\.jsonl:\d+: an answer of another version"),
    "a line that is no answer": (no_record, r"recordings/few_shot/\w+\.jsonl:61: the key 'input_digest' is missing"),
    "a conflict marker": (conflict, r"recordings/few_shot/\w+\.jsonl:1: a conflict marker of git"),
}  # fmt: skip

# --- the log ---------------------------------------------------------------------------------------------------------


def entry_of(
    rung: str, change: Callable[[dict[str, Any]], object], *, seal: bool = True, fingerprint: str = ""
) -> Callable[[Project], None]:
    """A change of the last entry of a rung."""

    def act(project: Project) -> None:
        last = project.entries(rung)[-1]["id"]

        def changed(entry: dict[str, Any]) -> dict[str, Any]:
            if entry["id"] == last:
                change(entry)
            return entry

        project.relog(changed, seal=seal)

    return act


def scored(entry: dict[str, Any]) -> None:
    entry["scores"]["answer"]["all"]["mean"] = 0.4


def promoted(entry: dict[str, Any]) -> None:
    entry["verdict"] = "met"


def younger(entry: dict[str, Any]) -> None:
    entry["at"] = "2099-01-01T00:00:00Z"


def other_version(entry: dict[str, Any]) -> None:
    entry["fingerprint"] = "sha256:" + "1" * 64


def other_answers(entry: dict[str, Any]) -> None:
    entry["answers"] = "sha256:" + "2" * 64


def no_cost(entry: dict[str, Any]) -> None:
    entry["usage"]["cost_usd"] = 0


def forgiven(entry: dict[str, Any]) -> None:
    entry["waiver"] = {"kind": "distillation"}


def without(*rungs: str) -> Callable[[Project], None]:
    return lambda project: project.relog(lambda entry: None if entry.get("rung") in rungs else entry)


def without_decisions(project: Project) -> None:
    project.relog(lambda entry: None if entry["kind"] == "decision" else entry)


def decided_otherwise(project: Project) -> None:
    project.relog(lambda entry: {**entry, "selected": "few_shot"} if entry["kind"] == "decision" else entry)


def no_log(project: Project) -> None:
    (project.folder / "escalation.jsonl").unlink()


def last_line_cut(project: Project) -> None:
    path = project.folder / "escalation.jsonl"
    path.write_bytes(path.read_bytes()[:-20])


def of_another_ladder(project: Project) -> None:
    project.relog(lambda entry: {**entry, "ladder": "billing"})


def id_of_nothing(project: Project) -> None:
    project.relog(lambda entry: {**entry, "id": "sha256:" + "3" * 64}, seal=False)


EDITED = r"escalation\.jsonl:\d: the entry was altered: its id is not the digest of its content.*git"
TORN_CHAIN = r"escalation\.jsonl: the .*builds on \w+.*, which the log lacks\. A line was changed or removed: restore"
OUT_OF_DATE = "log out of date: run `pytest --ladder` and commit"

LOG = {
    "a score": (entry_of("few_shot", scored, seal=False), EDITED),
    "a score under a new id": (entry_of("few_shot", scored), OUT_OF_DATE),
    "a verdict": (entry_of("few_shot", promoted, seal=False), EDITED),
    "a verdict under a new id": (entry_of("few_shot", promoted), OUT_OF_DATE),
    "a time": (entry_of("few_shot", younger, seal=False), EDITED),
    "a time under a new id": (entry_of("few_shot", younger), TORN_CHAIN),
    "a fingerprint": (entry_of("few_shot", other_version, seal=False), EDITED),
    "a fingerprint under a new id": (entry_of("few_shot", other_version), OUT_OF_DATE),
    "a digest of answers under a new id": (entry_of("few_shot", other_answers), "few_shot: altered: the recorded"),
    "a cost under a new id": (entry_of("prompt", no_cost), TORN_CHAIN),
    "a waiver under a new id": (entry_of("few_shot", forgiven), TORN_CHAIN),
    "all ids": (id_of_nothing, EDITED),
    "no entries of a rung": (without("few_shot"), OUT_OF_DATE),
    "no entries of any rung": (without("prompt", "few_shot", "fine_tune"), OUT_OF_DATE),
    "no decisions": (without_decisions, OUT_OF_DATE),
    "another decision": (decided_otherwise, "is not what its entries say"),
    "no log": (no_log, OUT_OF_DATE),
    "a last line cut short": (last_line_cut, OUT_OF_DATE),
    "entries of another ladder": (of_another_ladder, OUT_OF_DATE),
}  # fmt: skip

# --- the contract and the eval set -----------------------------------------------------------------------------------


def wrong_expected(project: Project) -> None:
    project.edit("cases.jsonl", '"expected": "A45"', '"expected": "wrong 45 of 30"')


def other_metadata(project: Project) -> None:
    project.edit("cases.jsonl", '"expected": "A45"', '"expected": "A45", "tools": [{"name": "search"}]')


def other_slices(project: Project) -> None:
    project.edit("cases.jsonl", '"expected": "A44"', '"expected": "A44", "slices": ["odd"]')


def lower_threshold(project: Project) -> None:
    project.edit("ladder.toml", "all = 0.95", "all = 0.45")


def higher_limit(project: Project) -> None:
    project.edit("ladder.toml", "cost_per_case = 0.01", "cost_per_case = 0.02")


def other_rule(project: Project) -> None:
    project.edit("ladder.toml", "[gate]", "[decision]\nconfidence = 0.9\n\n[gate]")


def kind_scorer(project: Project) -> None:
    project.edit("scorers.py", "else 0.0", "else 0.99")


CONTRACT = {
    "an expected answer": wrong_expected, "expected tools": other_metadata, "other slices": other_slices,
    "a threshold": lower_threshold, "a limit": higher_limit, "a rule": other_rule, "a scorer's file": kind_scorer,
}  # fmt: skip

# --- what fails ------------------------------------------------------------------------------------------------------

EVIDENCE_STANDS = (without_decisions, last_line_cut)
"""What takes nothing from the evidence below fine-tuning; the log is out of date all the same."""

CASES = [
    *(pytest.param(*case, id=f"recordings: {name}") for name, case in RECORDINGS.items()),
    *(pytest.param(*case, id=f"log: {name}") for name, case in LOG.items()),
    *(pytest.param(change, OUT_OF_DATE, id=f"contract: {name}") for name, change in CONTRACT.items()),
]


@pytest.mark.parametrize(("tamper", "told"), CASES)
def test_a_change_by_hand_fails_everywhere(project: Project, tamper: Callable[[Project], None], told: str):
    tamper(project)
    before = snapshot(project)

    ran, verified = project.none(), project.command("verify")
    asked = project.none("--ladder-rung=fine_tune")

    assert ran.status == 1
    assert found(told, ran.text), ran.text
    assert verified.status == 1
    assert found(told, verified.text), verified.text
    assert asked.status == 1
    assert ("fine-tuning refused: " in asked.text) == (tamper not in EVIDENCE_STANDS)
    assert not OURS.search(ran.text + verified.text + asked.text)
    assert snapshot(project) == before


def found(told: str, text: str) -> bool:
    import re

    return re.search(told, " ".join(text.split())) is not None


def snapshot(project: Project) -> dict[str, bytes]:
    kept = [p for p in project.folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    return {path.name: path.read_bytes() for path in kept}


def test_answers_above_the_lever_are_looked_over_too(project: Project):
    project.edit("ladder.toml", "all = 0.95", "all = 0.1")
    project.edit("ladder.toml", '"odd" = 0.90', '"odd" = 0.1')
    assert project.run().status == 0  # the prompt will do now
    conflict(project)

    verified = project.command("verify")

    assert verified.status == 1
    assert found(RECORDINGS["a conflict marker"][1], verified.text)


# --- what is no change -----------------------------------------------------------------------------------------------


def turned(project: Project) -> None:
    project.log = project.log[::-1]


def doubled(project: Project) -> None:
    project.log = [*project.log, *project.log]


def shuffled_answers(project: Project) -> None:
    for rung in ("prompt", "few_shot", "fine_tune"):
        project.record(rung, project.answers(rung)[::-1])


def doubled_answers(project: Project) -> None:
    project.record("few_shot", [*project.answers("few_shot"), *project.answers("few_shot")])


def windows(project: Project) -> None:
    for path in (project.folder / "escalation.jsonl", *project.folder.glob("recordings/*/*.jsonl")):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def spaced(project: Project) -> None:
    project.write("escalation.jsonl", "\n".join(json.dumps(entry) for entry in project.log) + "\n\n")


def with_a_strangers_entry(project: Project) -> None:
    project.log = [*project.log, sealed({**project.entries("few_shot")[-1], "ladder": "billing", "verdict": "met"})]


def turned_cases(project: Project) -> None:
    project.write("cases.jsonl", "".join(project.read("cases.jsonl").splitlines(keepends=True)[::-1]))


@pytest.mark.parametrize(
    "change",
    [turned, doubled, shuffled_answers, doubled_answers, windows, spaced, with_a_strangers_entry, turned_cases],
)
def test_order_line_ends_and_what_a_union_merge_does_are_no_change(project: Project, change: Callable[[Project], None]):
    change(project)
    before = snapshot(project)

    assert project.none().status == 0
    assert project.command("verify").status == 0
    assert project.none("--ladder-rung=fine_tune").status == 0
    assert project.run().status == 0
    assert snapshot(project) == before


# --- what does not count ---------------------------------------------------------------------------------------------


def test_a_made_up_version_without_recordings_is_no_effort(project: Project):
    first, *_ = project.entries("prompt")
    project.recordings("prompt")[0].unlink()
    made_up = sealed({**first, "fingerprint": "sha256:" + "4" * 64, "answers": "sha256:" + "5" * 64})
    project.log = [*project.log, made_up]

    asked = project.none("--ladder-rung=fine_tune")

    assert asked.status == 1
    assert "effort: prompt: 1 of 2 different versions" in asked.text


def test_a_made_up_entry_of_a_rung_that_was_never_measured_stands_for_nothing(project: Project):
    path = project.recordings("few_shot")[-1]
    path.unlink()

    asked = project.none("--ladder-rung=fine_tune")

    assert asked.status == 1
    assert "stale: few_shot: its answers are not in the recordings" in " ".join(asked.text.split())


def test_an_earlier_version_with_edited_answers_is_no_effort(project: Project):
    answered(lambda lines: of(lines, "c45")["answer"].update(text="other"), "prompt", 0)(project)

    asked = project.none("--ladder-rung=fine_tune")

    assert asked.status == 1
    assert "effort: prompt: 1 of 2 different versions" in asked.text


def test_an_earlier_version_that_cannot_be_read_is_named_at_the_gate(project: Project):
    project.recordings("prompt")[0].write_bytes(b"no json\n")

    asked = project.none("--ladder-rung=fine_tune")

    assert asked.status == 1
    assert found(r"altered: evals/support/recordings/prompt/\w+\.jsonl:1: not JSON", asked.text)
    assert not OURS.search(asked.text)


# --- what mends it ---------------------------------------------------------------------------------------------------


def test_asking_again_mends_altered_answers(project: Project):
    answered(better)(project)
    assert project.run().status == 1

    again = project.run("--ladder-record=all", "--ladder-rung=few_shot")

    assert "altered:" not in again.text
    assert project.none("--ladder-fine-tune").status == 0
    assert project.command("verify").status == 0


def test_an_altered_log_is_told_before_anything_is_asked(project: Project):
    entry_of("few_shot", scored, seal=False)(project)
    shutil.rmtree(project.folder / "recordings")

    ran = project.run()

    assert ran.status == 1
    assert found(EDITED, ran.text)
    assert not list(project.folder.glob("recordings/*/*.jsonl"))


def test_a_log_out_of_date_is_mended_by_a_run(project: Project):
    lower_threshold(project)
    assert project.run().status == 0

    assert project.none().status == 0
    assert project.decisions()[-1]["selected"] == "fine_tune"


def test_grading_anew_makes_evidence_no_newer(project: Project):
    def aged(entry: dict[str, Any]) -> dict[str, Any]:
        return {**entry, "at": "2020-01-01T00:00:00Z"}

    project.relog(aged)
    lower_threshold(project)
    assert project.run().status == 1  # the lines were changed, and no tuning is justified by what is so old

    assert {entry["at"] for entry in project.entries("few_shot")} == {"2020-01-01T00:00:00Z"}
    asked = project.run("--ladder-fine-tune")
    assert asked.status == 1
    assert "stale: few_shot: its evidence is" in asked.text


def test_canonical_lines_are_what_is_written(project: Project):
    lines = (project.folder / "escalation.jsonl").read_bytes().splitlines()

    assert lines == [canonical(json.loads(line)) for line in lines]
