"""What docs/how-to/merge-requests.md promises, done in throw-away repositories: who measures, who checks, who pays.

Merges of two branches and answers kept out of git are in test_merge.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ladder.cli.init import template
from tests.e2e.test_merge import CASES, LOCAL, SHORT, SMALL, begin, commit, flat, git, log_of
from tests.project import SYSTEM, TEST, Project, Ran, case, jsonl, prompt

COUNTED = """\
from pathlib import Path

ASKED = Path(__file__).with_name("asked")


def counted(text):
    with ASKED.open("a") as file:
        file.write(text.split(":")[-1].strip() + "\\n")
"""
IGNORED = "asked\n__pycache__/\n.pytest_cache/\n"


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """A ladder whose model keeps a list of what it was asked."""
    project = Project.make(
        pytester.path, cases=CASES, skills=(5, 90, 90), ladder=SMALL, inner=pytester,
        __gitattributes=template("gitattributes"), __gitignore=template("gitignore") + IGNORED,
    )  # fmt: skip
    head, reply = project.read("models.py").split("def reply(messages):\n")
    called = 'def reply(messages):\n    counted(messages[-1]["content"])\n'
    project.write("models.py", f"{COUNTED}\n{head}{called}{reply}")
    return project


def asked(project: Project) -> list[str]:
    """The questions that the model was asked since the last call of this."""
    path = project.folder / "asked"
    found = sorted(path.read_text(encoding="utf-8").splitlines()) if path.exists() else []
    path.unlink(missing_ok=True)
    return found


def grow(project: Project, cases: int) -> None:
    project.write("cases.jsonl", jsonl([case(number) for number in range(cases)]))


def questions(*numbers: int) -> list[str]:
    return sorted(f"question {number}" for number in numbers)


# --- CI without a key ------------------------------------------------------------------------------------------------


def cloned(project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A fresh checkout, as a job gets it; runs happen there from now on."""
    git(project, "clone", "-q", str(project.root), str(folder))
    monkeypatch.chdir(folder)
    return Project(folder, inner=project.inner)


def run(clone: Project, *arguments: str) -> Ran:
    return clone.run(f"--rootdir={clone.root}", *arguments)


def measured_and_committed(project: Project, *paths: str) -> None:
    """A change of the prompt, measured by its author, of which only some files are committed."""
    begin(project)
    project.write("prompt.md", prompt(8))
    assert project.run().status == 0
    asked(project)
    git(project, "add", *(f"evals/support/{path}" for path in paths))
    git(project, "commit", "-q", "-m", "a better prompt")


ALL = ("prompt.md", "recordings", "escalation.jsonl")


def test_a_change_that_came_with_its_evidence_passes_without_a_key(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    measured_and_committed(project, *ALL)
    monkeypatch.setenv("CI", "true")
    clone = cloned(project, tmp_path_factory.mktemp("job") / "it", monkeypatch)
    before = log_of(clone)

    ran = run(clone)

    assert ran.status == 0, ran.text
    assert "record=none" in ran.text
    assert asked(clone) == []
    assert log_of(clone) == before
    assert git(clone, "status", "--porcelain") == ""


def test_the_evidence_of_an_example_stands_in_a_job_without_a_key_and_without_its_model(tmp_path: Path):
    """What is committed is enough: neither the checkpoint nor anything to run it is there."""
    kept = shutil.ignore_patterns("__pycache__", "*.lock", "*.key")
    there = tmp_path / "evals" / "support"
    shutil.copytree(Path(__file__).parents[2] / "examples" / "support", there, ignore=kept)
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for blocked in ("torch", "transformers"):
        (tmp_path / f"{blocked}.py").write_text("raise ImportError\n", encoding="utf-8")
    repository = Project(tmp_path)
    git(repository, "init", "-q", "-b", "main")
    git(repository, "add", "evals", "pytest.ini")
    git(repository, "commit", "-q", "-m", "as it is committed here")

    ran = repository.spawn("-m", "ladder", env={"CI": "true", "PYTHONDONTWRITEBYTECODE": "1"})

    assert ran.status == 0, ran.text
    assert "record=none" in ran.text
    assert "2 short, 1 selected, 1 not needed" in ran.text
    assert git(repository, "status", "--porcelain", "evals") == ""


FORGOTTEN = {
    "everything but the prompt": (
        ALL[:1], "rung prompt: 20 answers are not on record (c00, c01, c02, c03, c04, ...). "
        "Run `pytest --ladder --ladder-record=new` and commit the recordings and the log.",
    ),
    "the recordings": (
        ("prompt.md", "escalation.jsonl"), "rung prompt: 20 answers are not on record (c00, c01, c02, c03, c04, ...).",
    ),
    "the log": (
        ("prompt.md", "recordings"),
        "evals/support/ladder.toml (support): log out of date: run `pytest --ladder` and commit. "
        "Not in the log: prompt.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("paths", "told"), FORGOTTEN.values(), ids=FORGOTTEN)
def test_what_was_forgotten_is_named_with_the_command_that_mends_it(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch,
    paths: tuple[str, ...], told: str,
):  # fmt: skip
    measured_and_committed(project, *paths)
    monkeypatch.setenv("CI", "true")
    clone = cloned(project, tmp_path_factory.mktemp("job") / "it", monkeypatch)

    ran = run(clone)

    assert ran.status == 1
    assert told in flat(ran.text)
    assert asked(clone) == []
    assert git(clone, "status", "--porcelain") == ""


# --- a job with a key ------------------------------------------------------------------------------------------------


def test_a_job_with_a_key_asks_for_the_missing_cases_alone_and_commits_them_back(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    begin(project)
    grow(project, CASES + 3)
    commit(project, "three more cases, not measured")
    asked(project)
    monkeypatch.setenv("CI", "true")
    job = cloned(project, tmp_path_factory.mktemp("job") / "it", monkeypatch)

    assert run(job).status == 1
    ran = run(job, "--ladder-record=new", "--ladder-max-cost=5")

    assert ran.status == 0, ran.text
    assert asked(job) == questions(20, 21, 22)
    names = git(job, "status", "--porcelain").split()[1::2]
    assert {Path(name).relative_to("evals/support").parts[0] for name in names} == {"escalation.jsonl", "recordings"}
    git(job, "add", "evals")
    git(job, "commit", "-q", "-m", "Measure the ladders")
    git(job, "push", "-q", "origin", "HEAD:measured")
    git(project, "merge", "-q", "measured")
    monkeypatch.chdir(project.root)
    assert run(project).status == 0
    assert asked(project) == []


def test_the_evidence_as_a_patch_does_as_well(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    begin(project)
    project.write("prompt.md", prompt(8))
    commit(project, "another prompt, not measured")
    job = cloned(project, tmp_path_factory.mktemp("job") / "it", monkeypatch)
    assert run(job, "--ladder-record=new").status == 0
    git(job, "add", "evals")

    project.write("../../ladder.patch", git(job, "diff", "--cached", "--binary"))
    git(project, "apply", "ladder.patch")

    monkeypatch.chdir(project.root)
    assert project.none().status == 0


def test_past_its_budget_the_job_keeps_what_it_paid_for_and_the_next_one_goes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    begin(project)
    grow(project, CASES + 10)
    asked(project)
    monkeypatch.setenv("CI", "true")

    first = project.run("--ladder-record=new", "--ladder-max-cost=0.004", "--ladder-concurrency=1")
    paid = asked(project)
    second = project.run("--ladder-record=new", "--ladder-max-cost=5")
    rest = asked(project)

    assert first.status == 1
    assert 0 < len(paid) < 10
    assert second.status == 0, second.text
    assert sorted(paid + rest) == questions(*range(20, 30))
    assert project.run().status == 0


# --- one rung, two branches ------------------------------------------------------------------------------------------


def test_two_changes_of_one_rung_merge_into_a_version_that_nobody_measured(project: Project):
    """Each file merges by itself, and what comes of both is neither branch's."""
    begin(project)
    for name, change in (
        ("one", lambda: project.write("prompt.md", prompt(8))),
        ("other", lambda: project.edit("ladder.toml", "[rungs.prompt]", "[rungs.prompt]\nmodel_options = {top = 1}")),
    ):
        git(project, "checkout", "-q", "-b", name, "main")
        change()
        assert project.run().status == 0
        commit(project, name)
    git(project, "merge", "-q", "-m", "merged", "one")
    asked(project)

    ran = project.none()

    assert ran.status == 1
    assert "rung prompt: 20 answers are not on record" in flat(ran.text)
    assert project.run().status == 0
    assert len(asked(project)) == CASES
    assert len(project.recordings("prompt")) == 4
    assert project.none().status == 0


def test_of_two_texts_of_one_prompt_the_one_that_is_kept_is_not_asked_again(project: Project):
    begin(project)
    for name, skill in (("one", 8), ("other", 9)):
        git(project, "checkout", "-q", "-b", name, "main")
        project.write("prompt.md", prompt(skill))
        assert project.run().status == 0
        commit(project, name)
    with pytest.raises(AssertionError, match=r"CONFLICT .* evals/support/prompt\.md"):
        git(project, "merge", "-q", "-m", "merged", "one")
    asked(project)
    project.write("prompt.md", prompt(8))
    commit(project, "merged")

    assert project.run().status == 0
    assert asked(project) == []
    assert project.none().status == 0


# --- answers that are not in git -------------------------------------------------------------------------------------


def test_who_has_no_answers_can_check_and_has_to_ask_for_all_to_measure(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    project.write("ladder.toml", LOCAL)
    begin(project)
    asked(project)
    clone = cloned(project, tmp_path_factory.mktemp("colleague") / "it", monkeypatch)

    checked = run(clone, "--ladder-record=none")
    assert checked.status == 0, checked.text
    assert "answers not verifiable here" in flat(checked.text)
    assert asked(clone) == []

    assert run(clone).status == 0
    assert len(asked(clone)) == CASES


# --- a set that grows every week -------------------------------------------------------------------------------------

WEEKS = (22, 24, 26)
"""Of 26 inputs, the first week's 20 are 77 %: less than the 80 % for which an earlier version counts."""


def effort(project: Project) -> bool:
    """Whether the gate counts two versions of the prompt."""
    text = flat(project.none("--ladder-rung=fine_tune").text)
    assert "fine-tuning" in text
    return "effort: prompt: 1 of 2 different versions" not in text


def test_each_week_only_the_new_cases_are_asked_and_earlier_versions_count_while_they_answered_most(project: Project):
    project.write("ladder.toml", SHORT)
    project.write("few.py", SYSTEM.replace("SKILL", "6"))
    project.run()
    project.write("prompt.md", prompt(7))
    project.run()
    asked(project)
    assert effort(project)

    counts = []
    for last, cases in zip((CASES, *WEEKS), WEEKS, strict=False):
        grow(project, cases)
        stale = flat(project.none("--ladder-rung=fine_tune").text)
        assert "stale: prompt: the eval set changed since it was measured" in stale
        project.run()
        assert asked(project) == questions(*range(last, cases))
        assert "stale" not in flat(project.none("--ladder-rung=fine_tune").text)
        counts.append(effort(project))

    assert counts == [True, True, False]


def test_an_earlier_version_counts_again_once_it_answered_the_new_cases(project: Project):
    """Back to the old prompt for one run: only what it never saw is asked."""
    project.write("ladder.toml", SHORT)
    project.write("few.py", SYSTEM.replace("SKILL", "6"))
    project.run()
    project.write("prompt.md", prompt(7))
    grow(project, WEEKS[-1])
    project.run()
    assert not effort(project)
    asked(project)

    project.write("prompt.md", prompt(5))
    project.run()
    assert asked(project) == questions(*range(CASES, WEEKS[-1]))
    project.write("prompt.md", prompt(7))

    assert effort(project)
    assert asked(project) == []


# --- twenty ladders --------------------------------------------------------------------------------------------------

LADDERS = 20


def twenty(project: Project, test: Callable[[int], str]) -> None:
    for number in range(LADDERS):
        folder = project.folder.with_name(f"l{number:02}")
        shutil.copytree(project.folder, folder)
        (folder / "test_support.py").unlink()
        (folder / test(number)).write_text(TEST, encoding="utf-8")
        toml = (folder / "ladder.toml").read_text(encoding="utf-8")
        (folder / "ladder.toml").write_text(toml.replace('"support"', f'"l{number:02}"'), encoding="utf-8")
    shutil.rmtree(project.folder)


@pytest.fixture
def many(project: Project) -> Project:
    twenty(project, lambda number: f"test_l{number:02}.py")
    return project


def test_twenty_ladders_are_measured_in_one_run_and_checked_in_one_or_many(many: Project):
    (many.root / "test_other.py").write_text("def test_other(): pass\n", encoding="utf-8")
    measured = many.run("-n", "2", "-m", "ladder")
    assert measured.status == 0, measured.text
    assert len(list(many.root.glob("evals/*/escalation.jsonl"))) == LADDERS

    whole, alone, some = many.none("-m", "ladder"), many.none("evals/l07"), many.none("evals/l07", "evals/l08")

    assert whole.status == alone.status == some.status == 0
    assert whole.text.count("── ladder ") == LADDERS
    assert f"{LADDERS} short, {LADDERS} selected" in flat(whole.text)
    assert "1 deselected" in flat(whole.text)
    assert alone.text.count("── ladder ") == 1
    assert some.text.count("── ladder ") == 2


def test_a_ladder_that_fails_is_named_among_twenty(many: Project):
    assert many.run("-n", "2").status == 0
    shutil.rmtree(many.root / "evals" / "l13" / "recordings" / "prompt")

    for arguments in ((), ("-n", "2")):
        ran = many.none(*arguments)
        assert ran.status == 1
        assert "FAILED evals/l13/test_l13.py::test_support[prompt]" in ran.text
        assert "1 failed" in ran.text


def test_test_files_of_one_name_are_pytests_own_error_and_importlib_mode_mends_it(project: Project):
    twenty(project, lambda _: "test_ladder.py")

    plain = project.run("evals/l00", "evals/l01")
    assert plain.status != 0
    assert "import file mismatch" in plain.text

    assert project.run("--import-mode=importlib", "evals/l00", "evals/l01").status == 0
