"""A rung that ended early is evidence as far as its answers prove it, and no further."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from pytest_ladder.core.answers import answers_digest
from pytest_ladder.store.recordings import recorded_inputs
from tests.fault.test_kills import SLOW, SLOW_LADDER, asked, recorded, stopped
from tests.fault.test_tampering import labels
from tests.project import LADDER, Project, prompt, sealed

LIMITS = "[limits]\ncost_per_case = 0.01\n"
EARLY = (
    LADDER.replace(LIMITS, '[decision]\nrule = "confident"\nstop = "certain"\n')
    .replace("0.95", "0.85")
    .replace("0.90", "0.80")
)
ONE_OF_TWO = "effort: prompt: 1 of 2 different versions"


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose two cheaper rungs were measured once, and ended early."""
    project = Project.make(
        tmp_path_factory.mktemp("early"), skills=(6, 30, 60), ladder=EARLY, labels__jsonl=labels(0, 60)
    )
    ran = project.spawn("--ladder-concurrency=1")
    assert ran.status == 1, ran.text
    assert "asked " in ran.text
    return project.root


@pytest.fixture
def project(pytester: pytest.Pytester, once: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("CI", raising=False)
    shutil.copytree(once, pytester.path, dirs_exist_ok=True)
    return Project(pytester.path, inner=pytester)


def flat(text: str) -> str:
    return " ".join(text.split())


def made_up(project: Project, answers: int) -> None:
    """A version that nobody measured: some wrong answers, and an entry that fits them."""
    entry = project.entries("prompt")[-1]
    fingerprint = "sha256:" + "ab" * 32
    [known] = project.recordings("prompt")
    path = known.with_name(f"{'ab' * 6}.jsonl")
    shutil.copy(known, path)
    lines = [{**line, "fingerprint": fingerprint} for line in project.answers("prompt")[:answers]]
    for line in lines:
        line["answer"]["text"] = f"never {line['case']}"
    path.write_bytes(b"")
    project.log = [*project.log, entry | {"fingerprint": fingerprint}]
    project.record("prompt", lines)
    digest = answers_digest(recorded_inputs(path, project.root).values())
    scores = {m: {s: {**f, "n": min(f["n"], answers)} for s, f in row.items()} for m, row in entry["scores"].items()}
    made = {**entry, "fingerprint": fingerprint, "answers": digest, "scores": scores, "verdict": "short"}
    project.log = [*project.log[:-1], sealed(made)]


def test_a_version_that_ended_early_is_effort(project: Project) -> None:
    assert ONE_OF_TWO in flat(project.run("--ladder-fine-tune").text)
    project.write("prompt.md", prompt(10))

    ran = project.run(
        "--ladder-concurrency=1"
    )  # the tuned rung has a system of its own: it runs as soon as the gate is open

    assert ran.status == 0
    assert [entry["selected"] for entry in project.decisions()][-1] == "fine_tune"
    first, second = (entry["scores"]["answer"]["all"]["n"] for entry in project.entries("prompt"))
    assert max(first, second) < 0.8 * 60
    assert project.entries("fine_tune")


def test_two_answers_and_a_made_up_entry_are_no_effort(project: Project) -> None:
    made_up(project, 2)

    assert ONE_OF_TWO in flat(project.run("--ladder-fine-tune").text)
    assert project.entries("fine_tune") == []


def test_as_many_answers_as_prove_the_verdict_are(project: Project) -> None:
    """What recordings that nobody asked for can do, they can do in any ladder: it takes all that the verdict takes."""
    made_up(project, 60)

    assert "effort" not in project.run("--ladder-fine-tune").text


def test_answers_to_the_ladder_that_runs_to_its_end_are_no_effort_if_they_are_few(project: Project) -> None:
    made_up(project, 60)
    project.edit("ladder.toml", 'stop = "certain"', 'stop = "never"')

    ran = project.run("--ladder-fine-tune")

    assert ONE_OF_TWO in flat(ran.text)


def test_what_would_no_longer_be_certain_is_no_effort(project: Project) -> None:
    made_up(project, 60)
    project.edit("ladder.toml", "all = 0.85", "all = 0.20")
    project.edit("ladder.toml", '"odd" = 0.80', '"odd" = 0.20')

    assert "effort: prompt: 1 of 2" in flat(project.run("--ladder-fine-tune").text)


@pytest.mark.parametrize("bounds", [{"high": 0.99}, {"low": 0.0, "high": 0.1}])
def test_bounds_changed_by_hand_are_found(project: Project, bounds: dict[str, float]) -> None:
    def change(entry: dict) -> dict:  # type: ignore[type-arg]
        if entry.get("rung") == "few_shot":
            entry["scores"]["answer"]["all"] |= bounds
        return entry

    project.relog(change)

    assert project.none().status == 1


def test_a_verdict_is_proven_by_its_answers_alone(project: Project) -> None:
    """One answer less than it takes: the entry is out of date, and the answer is missing."""
    lines = project.answers("few_shot")
    project.record("few_shot", lines[:-1])

    ran = project.none()

    assert ran.status == 1
    assert "not on record" in ran.text
    assert project.command("verify").status == 1


# --- runs that end before the verdict is certain ----------------------------------------------------------------------


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_was_stopped_goes_on_to_the_same_end(pytester: pytest.Pytester, how: int) -> None:
    ladder = SLOW_LADDER.replace(LIMITS, '[decision]\nstop = "certain"\n').replace(
        'all = 0.95, "odd" = 0.90', "all = 0.5"
    )
    slow = Project.make(
        pytester.path,
        cases=40,
        ladder=ladder,
        inner=pytester,
        slow__py=SLOW.replace("MOODY", "False").replace("0.01", "0.1"),
    )
    assert stopped(slow, 10, how) != 0
    kept = set(recorded(slow))
    assert len(kept) >= 5

    assert slow.run("--ladder-concurrency=1").status == 0

    verdicts = [(entry["rung"], entry["verdict"]) for entry in slow.log if entry["kind"] == "rung"]
    assert verdicts == [("prompt", "short"), ("few_shot", "met")]
    assert kept <= set(recorded(slow))
    assert len(set(asked(slow))) < 60
    assert len(recorded(slow)) == len(set(recorded(slow)))
    assert slow.none().status == 0
