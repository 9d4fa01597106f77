"""Ways round a comparison with the base branch: each fails the build, or is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.project import OURS, Project, case, jsonl, prompt, sealed
from tests.repository import Repository

BASE = "--ladder-base=main"
GUARD = '[gate]\npolicy_change = "fail"\n'

Act = Callable[[Project], None]


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A measured and committed project, whose policy may not become laxer, and a branch."""
    project = Project.make(tmp_path_factory.mktemp("base"))
    project.edit("ladder.toml", "[gate]\n", GUARD)
    assert project.spawn().status == 1  # no lever: nothing meets the target
    Repository.make(project.root).branch()
    return project.root


@pytest.fixture
def project(pytester: pytest.Pytester, committed: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("CI", raising=False)
    shutil.copytree(committed, pytester.path, dirs_exist_ok=True, symlinks=True)
    return Project(pytester.path, inner=pytester)


@pytest.fixture
def repository(project: Project) -> Repository:
    return Repository(project.root)


def failed(text: str) -> set[str]:
    """The failures that are no rung's."""
    lines = [line for line in text.splitlines() if line.startswith("FAILED ") and "ladder.toml::" in line]
    return {line.split("::")[1].split()[0] for line in lines}


def test_an_untouched_branch_fails_for_no_comparison(project: Project):
    ran = project.run(BASE)

    assert failed(ran.text) == set()
    assert "unchanged  prompt (60 cases shared), few_shot (60 cases shared)" in ran.text


# --- history ----------------------------------------------------------------------------------------------------------


def forget(project: Project) -> None:
    """Take the first entry, and all that rests on it, out of the log."""
    gone = project.log[0]["id"]
    project.log = [
        e for e in project.log if e["id"] != gone and gone not in (*e.get("after", ()), *e.get("rests_on", ()))
    ]


def reseal(project: Project) -> None:
    """Put a better figure into the first entry, under an id that fits."""
    project.log = [sealed({**project.log[0], "verdict": "met", "after": []}), *project.log[1:]]


def redate(project: Project) -> None:
    project.log = [sealed({**entry, "at": "2031-01-01T00:00:00Z"}) for entry in project.log[:1]] + project.log[1:]


def remove_all(project: Project) -> None:
    (project.folder / "escalation.jsonl").unlink()


HISTORY: dict[str, Act] = {
    "an entry is taken out": forget, "an entry is replaced": reseal, "an entry is dated anew": redate,
    "the log is removed": remove_all,
}  # fmt: skip


@pytest.mark.parametrize("act", HISTORY.values(), ids=HISTORY)
def test_rewritten_history_fails_and_refuses_fine_tuning(project: Project, act: Act):
    first = project.log[0]["id"].removeprefix("sha256:")[:12]
    act(project)

    ran = project.none(BASE)  # a run that writes might measure the very entry again

    assert ran.status == 1
    assert "log" in failed(ran.text)
    flat = " ".join(ran.text.split())
    assert "altered: " in flat
    assert " that stood at main (" in flat
    assert first in flat
    asked = project.run(BASE, "--ladder-fine-tune")
    assert "fine-tuning refused: altered" in asked.text
    assert not OURS.search(ran.text + asked.text)


def test_the_gate_is_shut_on_every_worker(project: Project):
    forget(project)

    ran = project.none(BASE, "--ladder-rung=fine_tune", "-n", "2")

    assert ran.status == 1
    assert "fine-tuning refused: altered" in ran.text
    assert not OURS.search(ran.text)


def test_what_the_message_says_puts_the_history_back(project: Project, repository: Repository):
    remove_all(project)
    command = project.run(BASE).text.partition("Put the lines back: `git ")[2].partition("`")[0]
    project.write("escalation.jsonl", repository.git(*command.split()) + "\n")

    assert "altered" not in project.run(BASE).text


def test_a_merge_that_keeps_nothing_of_the_base_is_rewritten_history(project: Project, repository: Repository):
    repository.switch("main")
    project.write("prompt.md", prompt(26))
    project.run()
    repository.commit("measured on the base branch")
    repository.switch("work")
    repository.git("commit", "--quiet", "--allow-empty", "-m", "work")
    repository.git("merge", "--quiet", "--strategy=ours", "--no-edit", "main")

    ran = project.run(BASE)

    assert "log" in failed(ran.text)


def test_history_is_guarded_where_the_ladder_moved(project: Project, repository: Repository):
    forget(project)
    (project.root / "elsewhere").mkdir()
    repository.git("mv", "evals/support", "elsewhere/support")
    moved = Project(project.root, "elsewhere/support", inner=project.inner)

    assert "log" in failed(moved.run(BASE).text)


# --- losses -----------------------------------------------------------------------------------------------------------


def worse(project: Project) -> None:
    project.write("prompt.md", prompt(8))


def recordings_removed(project: Project) -> None:
    worse(project)
    shutil.rmtree(project.folder / "recordings" / "prompt")


def threshold_removed(project: Project) -> None:
    worse(project)
    project.edit("ladder.toml", 'answer = { all = 0.95, "odd" = 0.90 }', "fluent = { all = 0.1 }")
    project.edit("ladder.toml", "[thresholds]", '[metrics.fluent]\nscorer = "exact_match"\n\n[thresholds]')


def replaced_commit(project: Project) -> None:
    """Have git show another commit wherever the base is asked for."""
    worse(project)
    repository = Repository(project.root)
    project.run()
    repository.commit("worse")
    repository.git("replace", "main", "work")


def renamed_rung(project: Project) -> None:
    project.edit("ladder.toml", "[rungs.prompt]\n", '[rungs.prompt_2]\nkind = "prompt"\n')


LOSSES: dict[str, Act] = {
    "a worse prompt": worse, "the recordings of the base removed": recordings_removed,
    "the threshold removed": threshold_removed, "git replace": replaced_commit,
}  # fmt: skip


@pytest.mark.parametrize("act", LOSSES.values(), ids=LOSSES)
def test_a_loss_is_seen_all_the_same(project: Project, act: Act):
    act(project)

    ran = project.run(BASE)

    assert ran.status == 1
    assert "regression" in failed(ran.text)
    assert "prompt answer[all]: 0.400 to 0.133, -0.267" in ran.text


# --- rules ------------------------------------------------------------------------------------------------------------


def lowered(project: Project) -> None:
    project.edit("ladder.toml", "all = 0.95", "all = 0.5")


def lowered_without_guard(project: Project) -> None:
    lowered(project)
    project.edit("ladder.toml", GUARD, "[gate]\n")


def moved_and_lowered(project: Project) -> None:
    lowered_without_guard(project)
    (project.root / "elsewhere").mkdir()
    project.folder.rename(project.root / "elsewhere" / "support")


def renamed_and_lowered(project: Project) -> None:
    lowered_without_guard(project)
    project.edit("ladder.toml", 'name = "support"', 'name = "help"')


def renamed_moved_and_lowered(project: Project) -> None:
    renamed_and_lowered(project)
    (project.root / "elsewhere").mkdir()
    project.folder.rename(project.root / "elsewhere" / "support")


def copied_and_lowered(project: Project) -> None:
    """Leave the old ladder in place, without its test, and lower the copy."""
    (project.root / "elsewhere").mkdir()
    shutil.copytree(project.folder, project.root / "elsewhere" / "support")
    (project.folder / "test_support.py").unlink()
    lowered_without_guard(Project(project.root, "elsewhere/support"))


def easy_cases(project: Project) -> None:
    project.write("cases.jsonl", jsonl([case(n) for n in range(30)]))


def waived(project: Project) -> None:
    project.write("waivers.toml", '[[waiver]]\nladder = "support"\nkind = "new_modality"\nreason = "so"\n'
                  'approved_by = "mallory"\nexpires = 2099-01-01\n')  # fmt: skip


def exempted(project: Project) -> None:
    project.edit("ladder.toml", "[rungs.prompt]", '[gate.exempt]\nfew_shot = "so"\n\n[rungs.prompt]')


def regraded(project: Project) -> None:
    project.edit("ladder.toml", 'scorer = "exact_match"', 'scorer = "contains"')


RULES: dict[str, Act] = {
    "a lower threshold": lowered, "and the guard removed": lowered_without_guard, "and moved": moved_and_lowered,
    "and renamed": renamed_and_lowered, "and both": renamed_moved_and_lowered, "and copied": copied_and_lowered,
    "fewer cases": easy_cases, "a waiver": waived, "an exemption": exempted, "another scorer": regraded,
    "a rung renamed": renamed_rung,
}  # fmt: skip


@pytest.mark.parametrize("act", RULES.values(), ids=RULES)
def test_a_laxer_policy_is_refused(project: Project, act: Act):
    act(project)

    ran = project.run(BASE)

    assert ran.status == 1
    assert "policy" in failed(ran.text)
    assert not OURS.search(ran.text)


@pytest.mark.parametrize("act", RULES.values(), ids=RULES)
def test_it_is_refused_once_it_is_committed_too(project: Project, repository: Repository, act: Act):
    act(project)
    project.run()
    repository.commit("laxer")

    assert "policy" in failed(project.none(BASE).text)


def test_a_branch_that_shares_no_history_ends_the_run(project: Project, repository: Repository):
    repository.git("checkout", "--quiet", "--orphan", "alone")
    repository.commit("as if it had always been so")

    assert project.run(BASE).status == 4
