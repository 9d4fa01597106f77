"""The life of a ladder in git: branches merge, prompts change, eval sets grow, and some answers stay away."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ladder.cli.init import template
from tests.project import LADDER, OURS, SYSTEM, Project, case, jsonl, prompt

CASES = 20
SMALL = LADDER.replace("[limits]\ncost_per_case = 0.01\n\n", "")


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project.make(
        pytester.path, cases=CASES, skills=(5, 20, 20), ladder=SMALL, inner=pytester,
        __gitattributes=template("gitattributes"), __gitignore=template("gitignore"),
    )  # fmt: skip


def git(project: Project, *arguments: str, root: Path | None = None) -> str:
    who = ("-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *who, *arguments], cwd=root or project.root, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commit(project: Project, told: str) -> None:
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", told)


def begin(project: Project) -> None:
    """A repository whose first commit holds the ladder, measured."""
    project.write(".gitignore", project.read(".gitignore") + "__pycache__/\n.pytest_cache/\n")
    git(project, "init", "-q", "-b", "main")
    assert project.run().status == 0
    commit(project, "measured")


def branches(project: Project, one: Callable[[Project], object], other: Callable[[Project], object]) -> None:
    """Change, measure and commit on two branches, then merge them."""
    for name, change in (("one", one), ("other", other)):
        git(project, "checkout", "-q", "-b", name, "main")
        change(project)
        assert project.run().status == 0
        commit(project, name)
    git(project, "merge", "-q", "-m", "merged", "one")


def flat(text: str) -> str:
    return " ".join(text.split())


def log_of(project: Project) -> bytes:
    return (project.folder / "escalation.jsonl").read_bytes()


# --- merges ----------------------------------------------------------------------------------------------------------


def better_prompt(project: Project) -> None:
    project.write("prompt.md", prompt(8))


def other_prompt(project: Project) -> None:
    project.write("prompt.md", prompt(9))


def other_system(project: Project) -> None:
    project.write("few.py", "# another\n" + SYSTEM.replace("SKILL", "20"))


def asked_again(project: Project) -> None:
    assert project.run("--ladder-record=all").status == 0


def test_two_rungs_changed_on_two_branches_merge_into_a_tree_that_verifies(project: Project):
    begin(project)

    branches(project, better_prompt, other_system)

    verified = project.command("verify")
    assert verified.status == 0, verified.text
    assert project.none().status == 0
    assert len(project.entries("prompt")) == len(project.entries("few_shot")) == 2
    assert project.run().status == 0
    assert project.none().status == 0


def test_the_same_answers_recorded_on_two_branches_merge(project: Project):
    begin(project)

    branches(project, asked_again, asked_again)

    assert project.command("verify").status == 0
    assert project.none().status == 0


MOODY = """\
from pathlib import Path


def answer(case):
    number = int(case.input.split()[-1])
    return f"A{number}" if number < 5 else Path(__file__).with_name("mood").read_text()
"""


def test_of_other_answers_recorded_on_two_branches_those_of_one_branch_stand(project: Project):
    project.edit("ladder.toml", 'prompt = "prompt.md"', 'system = "moody.py:answer"')
    project.write("moody.py", MOODY)
    project.write(".gitignore", project.read(".gitignore") + "mood\n")
    project.write("mood", "base")
    begin(project)

    def in_a_mood(mood: str) -> Callable[[Project], None]:
        return lambda project: (project.write("mood", mood), asked_again(project))[1]

    branches(project, in_a_mood("one"), in_a_mood("other"))

    assert len(project.answers("prompt")) == 3 * CASES
    verified = project.command("verify")
    assert verified.status == 0, verified.text
    assert project.none().status == 0


def test_two_prompts_of_two_branches_both_count_as_effort(project: Project):
    begin(project)
    git(project, "checkout", "-q", "-b", "one")
    better_prompt(project)
    assert project.run().status == 0
    commit(project, "one")
    git(project, "checkout", "-q", "-b", "other", "main")
    project.write("prompt-b.md", prompt(9))
    project.edit("ladder.toml", 'prompt = "prompt.md"', 'prompt = "prompt-b.md"')
    assert project.run().status == 0
    commit(project, "other")
    git(project, "merge", "-q", "-m", "merged", "one")

    assert len(project.recordings("prompt")) == 3
    assert project.none().status == 0
    assert "effort" not in project.command("status").text


def test_cases_added_on_two_branches_need_a_run_that_asks_for_nothing(project: Project):
    begin(project)
    lines = project.read("cases.jsonl")

    def more(*numbers: int) -> Callable[[Project], object]:
        return lambda project: project.write("cases.jsonl", lines + jsonl([case(number) for number in numbers]))

    for name, number in (("one", 20), ("other", 21)):
        git(project, "checkout", "-q", "-b", name, "main")
        project.write("few.py", SYSTEM.replace("SKILL", "30"))
        more(number)(project)
        assert project.run().status == 0
        commit(project, name)
    with pytest.raises(AssertionError, match=r"CONFLICT .* evals/support/cases\.jsonl"):
        git(project, "merge", "-q", "-m", "merged", "one")
    assert project.run().status == 4
    more(20, 21)(project)  # a person keeps both
    commit(project, "merged")

    verified = project.command("verify")
    assert verified.status == 1
    assert "log out of date: run `pytest --ladder` and commit" in flat(verified.text)
    calls = [len(project.answers(rung)) for rung in ("prompt", "few_shot")]
    assert project.run().status == 0
    assert [len(project.answers(rung)) for rung in ("prompt", "few_shot")] == calls
    assert project.none().status == 0


def test_a_merge_without_the_attributes_leaves_markers_that_are_told(project: Project):
    begin(project)
    project.write(".gitattributes", "")
    commit(project, "no attributes")

    with pytest.raises(AssertionError, match=r"CONFLICT .* evals/support/escalation\.jsonl"):
        branches(project, better_prompt, other_system)

    ran = project.run()
    assert ran.status == 4
    assert "a conflict marker of git. Keep both sides: the file is a union of lines" in flat(ran.text)
    kept = [
        line for line in project.read("escalation.jsonl").splitlines() if line[:7] not in ("<" * 7, "=" * 7, ">" * 7)
    ]
    project.write("escalation.jsonl", "\n".join(kept) + "\n")
    assert project.none().status == 0


# --- versions of a prompt --------------------------------------------------------------------------------------------


def test_a_changed_text_needs_a_new_version(project: Project):
    project.write("prompt.md", prompt(5, "1"))
    assert project.run().status == 0
    before = log_of(project)
    project.write("prompt.md", prompt(8, "1"))

    ran, verified = project.run(), project.command("verify")

    told = "prompt.md: the text changed, and its version is still '1', as measured"
    for found in (ran, verified):
        assert found.status == 4
        assert told in flat(found.text)
        assert "Raise `version` in the front matter" in flat(found.text)
        assert not OURS.search(found.text)
    assert log_of(project) == before
    project.write("prompt.md", prompt(8, "2"))
    assert project.run().status == 0
    assert [entry["environment"]["prompt_versions"] for entry in project.entries("prompt")] == [
        {"prompt.md": "1"}, {"prompt.md": "2"},
    ]  # fmt: skip


def test_going_back_to_an_earlier_version_needs_no_entry_and_no_answer(project: Project):
    project.write("prompt.md", prompt(5, "1"))
    assert project.run().status == 0
    project.write("prompt.md", prompt(8, "2"))
    assert project.run().status == 0
    project.write("prompt.md", prompt(5, "1"))
    before = log_of(project)

    assert project.run().status == 0
    assert project.run().status == 0

    assert log_of(project) == before
    assert project.none().status == 0
    assert project.command("verify").status == 0


# --- effort ----------------------------------------------------------------------------------------------------------

SHORT = SMALL.replace('required = ["prompt", "few_shot"]', 'required = ["prompt"]\nmin_form_share = 0')


def gate(project: Project) -> str:
    """What the gate says of the record."""
    asked = project.none("--ladder-rung=fine_tune")
    return flat(asked.text)


@pytest.fixture
def short(project: Project) -> Project:
    """A ladder in which nothing below fine-tuning meets the target, and one prompt is measured."""
    project.write("ladder.toml", SHORT)
    project.write("few.py", SYSTEM.replace("SKILL", "6"))
    assert project.run().status == 1
    return project


ONE_OF_TWO = "effort: prompt: 1 of 2 different versions"


def test_two_prompts_that_answer_differently_are_effort_enough(short: Project):
    assert ONE_OF_TWO in gate(short)
    short.write("prompt.md", prompt(7))
    short.run("--ladder-fine-tune")

    assert "fine-tuning allowed" in gate(short)
    assert "(min_form_share = 0)" in short.decisions()[-1]["reason"]


def test_a_prompt_that_answers_alike_is_no_further_effort(short: Project):
    short.write("prompt.md", prompt(5) + "{# said otherwise #}\n")
    short.run()

    assert len(short.entries("prompt")) == 2
    assert ONE_OF_TWO in gate(short)


def test_a_version_without_its_recordings_is_no_effort(short: Project):
    short.write("prompt.md", prompt(7))
    short.run()
    short.recordings("prompt")[0].unlink()

    assert ONE_OF_TWO in gate(short)


@pytest.mark.parametrize(("more", "counts"), [(5, True), (6, False)])
def test_an_earlier_version_counts_while_it_answered_most_of_todays_cases(short: Project, more: int, counts: bool):
    """20 of 25 inputs are 80 %, 20 of 26 are less."""
    short.write("prompt.md", prompt(7))
    grown = [case(number) for number in range(CASES + more)]
    short.write("cases.jsonl", jsonl(grown))
    short.run()

    assert (ONE_OF_TWO in gate(short)) != counts


@pytest.mark.parametrize(("kept", "counts"), [(15, True), (16, True)])
def test_an_earlier_version_counts_on_a_smaller_set(short: Project, kept: int, counts: bool):
    short.write("prompt.md", prompt(7))
    short.write("cases.jsonl", jsonl([case(number) for number in range(kept)]))
    short.run()

    assert (ONE_OF_TWO in gate(short)) != counts


# --- an eval set that grows ------------------------------------------------------------------------------------------


def test_of_a_grown_eval_set_only_the_new_cases_are_asked(project: Project):
    assert project.run().status == 0
    before = log_of(project)
    recorded = project.answers("prompt")
    project.write("cases.jsonl", jsonl([case(number) for number in range(CASES + 2)]))
    assert "2 answers are not on record (c20, c21)" in flat(project.none().text)

    assert project.run().status == 1  # few_shot answers the new ones wrong

    answers = project.answers("prompt")
    assert answers[:CASES] == recorded
    assert [line["case"] for line in answers[CASES:]] in (["c20", "c21"], ["c21", "c20"])
    assert log_of(project).startswith(before)
    assert [entry["cases"] for entry in project.entries("prompt")] == [CASES, CASES + 2]


@pytest.mark.parametrize(
    "change",
    [
        lambda project: project.edit("cases.jsonl", '"expected": "A3"', '"expected": "A4"'),
        lambda project: project.edit("cases.jsonl", '"id": "c03"', '"id": "renamed"'),
        lambda project: project.edit("ladder.toml", "all = 0.95", "all = 0.5"),
        lambda project: project.edit("ladder.toml", "[thresholds]", '[metrics.f]\nscorer = "token_f1"\n\n[thresholds]'),
    ],
    ids=["expected", "a case's id", "a threshold", "a metric"],
)  # fmt: skip
def test_what_changes_the_grading_alone_asks_for_nothing(project: Project, change: Callable[[Project], None]):
    assert project.run().status == 0
    recorded = [project.answers(rung) for rung in ("prompt", "few_shot")]
    change(project)
    assert "log out of date" in flat(project.none().text)

    project.run()

    assert [project.answers(rung) for rung in ("prompt", "few_shot")] == recorded
    assert len(project.entries("prompt")) == 2
    assert project.command("verify").status == 0


def test_a_refactored_system_runs_again_and_asks_its_model_nothing_new(project: Project):
    counting = "from pathlib import Path\n" + project.read("models.py").replace(
        "def reply(messages):\n",
        "def reply(messages):\n    with Path(__file__).with_name('n').open('a') as f: f.write('x')\n",
    )
    project.write("models.py", counting)
    assert project.run().status == 0
    assert project.read("n") == "x" * CASES
    project.write("prompt.md", project.read("prompt.md") + "\n{# only a comment #}")

    assert project.run().status == 0

    assert len(project.recordings("prompt")) == 2
    assert project.read("n") == "x" * CASES


def test_a_model_with_other_code_is_asked_again(project: Project):
    assert project.run().status == 0
    assert project.answers("prompt")[0]["answer"]["text"] in ("A0", "wrong 5 of 5")
    project.edit("models.py", 'f"wrong {number} of {skill}"', '"no idea"')

    assert project.run().status == 0

    texts = {line["answer"]["text"] for line in project.answers("prompt")}
    assert "no idea" in texts
    assert not any("wrong" in text for text in texts)


# --- answers that stay away ------------------------------------------------------------------------------------------

LOCAL = SMALL + '\n[recordings]\nstore = "local"\n'


@pytest.fixture
def clone(project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A clone of a repository whose answers are not committed."""
    project.write("ladder.toml", LOCAL)
    begin(project)
    there = tmp_path_factory.mktemp("clone")
    git(project, "clone", "-q", str(project.root), str(there / "it"))
    monkeypatch.chdir(there / "it")
    return Project(there / "it", inner=project.inner)


def none(clone: Project, *arguments: str) -> tuple[int, str]:
    ran = clone.none(f"--rootdir={clone.root}", *arguments)
    assert not OURS.search(ran.text)
    return ran.status, flat(ran.text)


def test_answers_that_stay_away_are_not_in_git_and_their_scores_are(clone: Project):
    files = git(clone, "ls-files").split()

    assert not [name for name in files if "/recordings/" in name]
    assert len([name for name in files if "/scores/" in name]) == 2
    assert not any("wrong" in (clone.root / name).read_text(encoding="utf-8") for name in files if "/scores/" in name)


def test_without_the_answers_the_thresholds_are_verified_from_the_scores(clone: Project):
    status, text = none(clone)

    assert status == 0, text
    assert "answers not verifiable here" in text
    assert clone.command("verify").status == 0
    assert not (clone.folder / "recordings").exists()


def scores(clone: Project, rung: str) -> Path:
    (path,) = (clone.folder / "scores" / rung).glob("*.jsonl")
    return path


def rescored(clone: Project) -> None:
    path = scores(clone, "prompt")
    path.write_text(path.read_text(encoding="utf-8").replace('"score":0', '"score":1'), encoding="utf-8")


def unscored(clone: Project) -> None:
    path = scores(clone, "prompt")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[2:]), encoding="utf-8")


def none_at_all(clone: Project) -> None:
    shutil.rmtree(clone.folder / "scores")


def no_scores(clone: Project) -> None:
    scores(clone, "prompt").write_text("nonsense\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (rescored, "log out of date"),
        (unscored, "not on record"),
        (none_at_all, "not on record"),
        (no_scores, ".jsonl:1: not JSON"),
    ],
)
def test_scores_changed_by_hand_are_found(clone: Project, tamper: Callable[[Project], None], told: str):
    tamper(clone)

    status, text = none(clone)
    verified = clone.command("verify")

    assert status == 1
    assert told in text.replace("not all on record", "not on record")
    assert verified.status == 1
    assert told in flat(verified.text).replace("not all on record", "not on record")


def test_with_the_answers_at_hand_they_are_verified_too(project: Project):
    project.write("ladder.toml", LOCAL)
    assert project.run().status == 0
    assert "not verifiable" not in project.none().text
    answers = project.answers("few_shot")
    answers[0]["answer"]["text"] = "another"
    project.record("few_shot", answers)

    assert "few_shot: altered" in project.none().text


# --- what is never written -------------------------------------------------------------------------------------------


def everything(project: Project) -> str:
    """All that a run wrote."""
    written = [*project.folder.glob("recordings/*/*"), project.folder / "escalation.jsonl"]
    return "\n".join(path.read_text(encoding="utf-8") for path in written)


LEAK = """
import os


def answer(case, llm):
    said = llm.chat([{"role": "user", "content": f"1: {case.input}"}]).text
    return {
        "text": f"{said} {os.environ['SHOP_API_KEY']}", "parsed": {"mail": "eve@example.org"},
        "steps": [{"token": "sk-" + "a1b2c3d4" * 4}],
    }
"""


def test_secrets_are_never_written(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHOP_API_KEY", "open sesame 123")
    project.write("few.py", LEAK)

    ran = project.run("-v")

    for text in (everything(project), ran.text):
        assert "open sesame" not in text
        assert "a1b2c3d4" not in text
    assert "[secret]" in everything(project)
    assert "eve@example.org" in everything(project)


def test_secrets_in_an_error_are_not_shown(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHOP_API_KEY", "open sesame 123")
    project.write("few.py", "import os\ndef answer(case):\n    raise ValueError(os.environ['SHOP_API_KEY'])\n")

    ran = project.run()

    assert ran.status == 1
    assert "the system raised ValueError: [secret]" in flat(ran.text)
    assert "open sesame" not in ran.text


def test_redacted_answers_are_scored_and_recorded_as_redacted(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHOP_API_KEY", "open sesame 123")
    project.write("few.py", LEAK)
    project.write("redact.py", "import re\n\ndef mails(text):\n    return re.sub(r'\\S+@\\S+', '[mail]', text)\n")
    project.write("ladder.toml", SMALL + '\n[privacy]\nredact = ["redact.py:mails"]\n')

    project.run()

    assert "eve@example.org" not in everything(project)
    assert "[mail]" in everything(project)


def test_a_redactor_that_fails_lets_nothing_through(project: Project):
    project.write("redact.py", "def broken(text):\n    raise ValueError('no')\n")
    project.write("ladder.toml", SMALL + '\n[privacy]\nredact = ["redact.py:broken"]\n')

    ran = project.run()

    assert ran.status == 1
    assert "[privacy] redact: broken: it raised ValueError" in flat(ran.text)
    assert not list(project.folder.glob("recordings/*/*.jsonl"))
    assert not OURS.search(ran.text)


def test_with_ids_only_no_text_is_shown(project: Project):
    project.write("ladder.toml", SMALL + '\n[privacy]\nshow = "ids"\n')
    project.write("few.py", SYSTEM.replace("SKILL", "6"))

    ran = project.run("-v", "--ladder-report=r.md", "--ladder-report=r.json", "--junitxml=r.xml")

    assert ran.status == 1
    shown = ran.text + "".join((project.root / f"r.{end}").read_text(encoding="utf-8") for end in ("md", "json", "xml"))
    assert "c07" in shown
    for text in ("question 7", "A7", "wrong 7"):
        assert text not in shown + project.read("escalation.jsonl")


# --- the commands ----------------------------------------------------------------------------------------------------


def test_prune_removes_what_nothing_rests_on_and_nothing_else(project: Project):
    assert project.run().status == 0
    project.write("prompt.md", prompt(8))
    assert project.run().status == 0
    counted = project.recordings("prompt")
    project.write("prompt.md", prompt(9))
    project.run("--ladder-limit=2")
    project.write("prompt.md", prompt(8))
    assert len(project.recordings("prompt")) == 3

    looked = project.command("prune", "--dry-run")
    assert "would remove support/recordings/prompt/" in looked.text
    assert len(project.recordings("prompt")) == 3
    assert project.command("prune").status == 0

    assert project.recordings("prompt") == counted
    assert project.none().status == 0
    assert "nothing to remove" in project.command("prune").text


def test_prune_touches_nothing_where_the_log_is_altered(project: Project):
    assert project.run().status == 0
    project.relog(lambda entry: {**entry, "at": "2026-01-01T00:00:00Z"}, seal=False)
    before = sorted(project.folder.rglob("*"))

    pruned = project.command("prune")

    assert pruned.status == 1
    assert "Nothing was removed" in flat(pruned.text)
    assert sorted(project.folder.rglob("*")) == before


def test_status_tells_how_a_ladder_stands_and_what_stands_before_fine_tuning(project: Project):
    empty = project.command("status")
    assert empty.status == 0
    assert "not_recorded: prompt has no record" in flat(empty.text)
    assert project.run().status == 0
    before = {path: path.stat().st_mtime_ns for path in project.folder.rglob("*")}

    stands = project.command("status")

    assert stands.status == 0
    assert "few_shot is the lowest rung that meets every threshold" in flat(stands.text)
    assert "met: few_shot already meets the target" in flat(stands.text)
    assert {path: path.stat().st_mtime_ns for path in project.folder.rglob("*")} == before


def test_verify_of_a_ladder_that_was_never_run_says_what_to_run(project: Project):
    verified = project.command("verify")

    assert verified.status == 1
    assert "Run `pytest --ladder --ladder-rung=prompt` and commit" in flat(verified.text)


def test_entries_are_json_that_any_reader_reads(project: Project):
    assert project.run().status == 0

    for line in project.read("escalation.jsonl").splitlines():
        assert json.loads(line)["ladder"] == "support"
