"""The templates for GitHub and GitLab, parsed and run step by step in throw-away repositories."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pytest_ladder.cli.init import template
from tests.e2e.test_merge import SMALL, git
from tests.project import Project, prompt

yaml = pytest.importorskip("yaml", reason="PyYAML comes with the extra `local`")

TEMPLATES = Path(__file__).parents[2] / "docs" / "how-to" / "templates"
OUTSIDE = ("pip", "gh", "curl")
"""Programs that reach out of the job; here they only note what they were asked to do."""
ACTIONS = ("actions/checkout@v4", "actions/setup-python@v5", "actions/upload-artifact@v4")
"""Steps of GitHub's own, which are not run here."""
RESOLVED = {
    "github.token": "job-token", "github.event.number": "7", "secrets.OPENAI_API_KEY": "key",
    "github.base_ref": "main",
}  # fmt: skip
"""What the expressions in `env` come to."""

NOTES = """\
#!/bin/sh
echo "%s $*" >> "$CALLS"
case "$*" in
    *per_page*) cat "$NOTES_THERE" ;;
    *--body-file*) cp comment.md "$CALLS.body" ;;
    *note.md*) cp note.md "$CALLS.body" ;;
esac
"""


@dataclass
class Job:
    """A checkout as a CI job has it, of a repository with one measured ladder on the branch `main`."""

    project: Project
    origin: Path
    bin: Path
    results: dict[str, int] = field(default_factory=dict)
    text: str = ""

    @property
    def root(self) -> Path:
        return self.project.root

    @property
    def calls(self) -> list[str]:
        """What the programs that reach outside were asked to do."""
        path = self.bin / "calls"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    @property
    def comment(self) -> str:
        """The body of the comment or note, as it was sent."""
        return (self.bin / "calls.body").read_text(encoding="utf-8")

    def shell(self, name: str, script: str, more: Mapping[str, str]) -> int:
        """Run a script as the CI system does, and keep its status."""
        env = {
            **os.environ, "CI": "true", "CALLS": str(self.bin / "calls"), "NOTES_THERE": str(self.bin / "notes"),
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}", "GIT_CONFIG_GLOBAL": os.devnull,
            "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": "-p no:randomly -p no:cacheprovider", **more,
        }  # fmt: skip
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script], cwd=self.root, env=env, text=True, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.results[name] = done.returncode
        self.text += done.stdout
        return done.returncode


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository that jobs clone."""
    root = tmp_path_factory.mktemp("author")
    made = Project.make(
        root, cases=20, skills=(5, 20, 20), ladder=SMALL,
        __gitattributes=template("gitattributes"), __gitignore=template("gitignore"),
    )  # fmt: skip
    assert made.spawn().status == 0
    git(made, "init", "-q", "-b", "main")
    git(made, "add", "-A")
    git(made, "commit", "-q", "-m", "measured")
    return root


@pytest.fixture
def job(tmp_path: Path, measured: Path) -> Job:
    """The job of a branch on which nothing changed yet."""
    git(Project(measured), "clone", "-q", "--bare", ".", str(tmp_path / "origin"))
    git(Project(measured), "clone", "-q", str(tmp_path / "origin"), str(tmp_path / "job"))
    checkout = Project(tmp_path / "job")
    git(checkout, "checkout", "-q", "-b", "better")
    return Job(checkout, tmp_path / "origin", programs(tmp_path / "bin"))


def programs(folder: Path) -> Path:
    """The commands that the steps call."""
    folder.mkdir()
    texts = {name: NOTES % name for name in OUTSIDE}
    for name, module in (("pytest", "pytest"), ("ladder", "pytest_ladder"), ("python", "")):
        texts[name] = f'#!/bin/sh\nexec "{sys.executable}" {f"-m {module} " if module else ""}"$@"\n'
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    (folder / "notes").write_text("[]", encoding="utf-8")
    return folder


def committed(job: Job, name: str = "prompt.md", text: str = prompt(8)) -> None:
    """A change that its author committed without measuring."""
    job.project.write(name, text)
    git(job.project, "commit", "-q", "-a", "-m", "a change")
    git(job.project, "push", "-q", "origin", "HEAD:better")


# --- GitHub ----------------------------------------------------------------------------------------------------------


def github() -> Any:
    return yaml.safe_load((TEMPLATES / "github-ladder.yml").read_text(encoding="utf-8"))


def resolved(env: Mapping[str, str]) -> dict[str, str]:
    return {name: RESOLVED[value.removeprefix("${{ ").removesuffix(" }}")] for name, value in env.items()}


def due(job: Job, step: Mapping[str, Any]) -> bool:
    """Whether a step runs after what came before; of conditions it knows those that the template uses."""
    condition = step.get("if", "")
    if "hashFiles('ladder.md')" in condition and not (job.root / "ladder.md").exists():
        return False
    return "!cancelled()" in condition or not any(job.results.values())


def on_github(job: Job, name: str) -> dict[str, int]:
    """Run a job of the template; the status of each step that ran."""
    summary = job.bin / "summary"
    summary.touch()
    for step in github()["jobs"][name]["steps"]:
        if "run" in step and due(job, step):
            more = {
                "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_REF_NAME": "better", "GITHUB_RUN_ID": "12",
                "GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "me/it",
            }  # fmt: skip
            job.shell(step["name"], step["run"], more | resolved(step.get("env", {})))
    return job.results


def test_the_steps_that_are_not_run_here_are_known():
    steps = [step for job in github()["jobs"].values() for step in job["steps"]]

    assert {step["uses"] for step in steps if "uses" in step} == set(ACTIONS)
    assert all(("run" in step) != ("uses" in step) for step in steps)
    assert all("${{" not in step.get("run", "") for step in steps), "an expression in a script may be injected into"


def test_no_job_of_a_pull_request_sees_a_secret():
    found = github()
    check, measure = found["jobs"]["check"], found["jobs"]["measure"]

    assert set(found[True]) == {"pull_request", "workflow_dispatch"}  # `on` is a boolean of YAML 1.1
    assert check["if"] == "github.event_name == 'pull_request'"
    assert measure["if"] == "github.event_name == 'workflow_dispatch'"
    assert "secrets." not in json.dumps(check)
    assert check["permissions"]["contents"] == "read"


def test_on_github_a_measured_branch_passes_and_the_report_is_the_summary_and_the_comment(job: Job):
    results = on_github(job, "check")

    assert set(results.values()) == {0}, job.text
    assert "record=none" in job.text
    assert "## Ladder support" in (job.bin / "summary").read_text(encoding="utf-8")
    assert job.calls == [
        "pip install pytest-ladder", "gh pr comment 7 --body-file comment.md --edit-last --create-if-none",
    ]  # fmt: skip
    assert job.comment == (job.root / "ladder.md").read_text(encoding="utf-8")
    assert (job.root / "ladder.xml").exists()


def test_on_github_an_unmeasured_change_fails_and_is_told_in_the_comment(job: Job):
    committed(job)

    results = on_github(job, "check")

    assert results["Check the ladders"] == 1
    assert results["Verify the evidence without tests and conftest.py"] == 1
    assert results["Comment"] == 0
    assert "20 answers are not on record" in job.comment


def test_on_github_a_lower_threshold_is_told_against_the_base(job: Job):
    job.project.edit("ladder.toml", "all = 0.95", "all = 0.5")
    assert job.project.spawn().status == 0
    git(job.project, "commit", "-q", "-a", "-m", "ship it")

    results = on_github(job, "check")

    assert results["Check the ladders"] == 0, job.text
    assert "0.95" in job.comment
    assert "origin/main" in job.comment


def test_on_github_a_log_that_was_forgotten_is_told_in_the_comment(job: Job):
    job.project.edit("cases.jsonl", '"expected": "A19"', '"expected": "A18"')
    git(job.project, "commit", "-q", "-a", "-m", "another answer is right")

    assert on_github(job, "check")["Check the ladders"] == 1

    assert "**Fails**" in job.comment
    assert "log out of date: run `pytest --ladder` and commit" in job.comment


def test_on_github_a_file_that_cannot_be_used_leaves_no_comment(job: Job):
    committed(job, "ladder.toml", "schema = \n")

    results = on_github(job, "check")

    assert results["Check the ladders"] == 4
    assert "Comment" not in results
    assert "Summary" not in results


def test_on_github_a_report_too_long_for_a_comment_is_pointed_at(job: Job):
    step = next(step for step in github()["jobs"]["check"]["steps"] if step.get("name") == "Comment")
    (job.root / "ladder.md").write_text("ü" * 65001, encoding="utf-8")
    more = {"GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "me/it", "GITHUB_RUN_ID": "12"}

    assert job.shell("Comment", step["run"], more | resolved(step["env"])) == 0

    assert "too long for a comment" in job.comment
    assert "https://github.example/me/it/actions/runs/12" in job.comment
    assert (job.root / "ladder.md").read_text(encoding="utf-8") == "ü" * 65001


def test_on_github_the_evidence_is_measured_and_committed_to_the_branch(job: Job, tmp_path: Path):
    committed(job)

    results = on_github(job, "measure")

    assert set(results.values()) == {0}, job.text
    assert "record=new" in job.text
    assert git(job.project, "status", "--porcelain", "evals") == ""
    after = Project(tmp_path / "after")
    git(job.project, "clone", "-q", "-b", "better", str(job.origin), str(after.root))
    assert after.spawn(env={"CI": "true"}).status == 0
    changed = git(after, "diff", "--name-only", "HEAD~1").split()
    assert {name.split("/")[2] for name in changed} == {"escalation.jsonl", "recordings"}


def test_on_github_evidence_of_a_failure_is_kept_as_well(job: Job):
    committed(job, "few.py", "def answer(case):\n    return 'no idea'\n")

    results = on_github(job, "measure")

    assert results["Measure what is missing"] == 1
    assert results["Commit the evidence to this branch"] == 0
    assert "Measure the ladders" in git(job.project, "log", "-1", "--format=%s", "origin/better")
    assert (job.root / "ladder.patch").stat().st_size > 0


def test_on_github_with_nothing_to_measure_nothing_is_committed(job: Job):
    git(job.project, "push", "-q", "origin", "HEAD:better")

    assert set(on_github(job, "measure").values()) == {0}, job.text

    assert git(job.project, "log", "-1", "--format=%s", "origin/better").strip() == "measured"


# --- GitLab ----------------------------------------------------------------------------------------------------------

GITLAB = {
    "CI_API_V4_URL": "https://gitlab.example/api/v4", "CI_PROJECT_ID": "3", "CI_MERGE_REQUEST_IID": "7",
    "BASE": "main",
}  # fmt: skip


def gitlab() -> Any:
    found = yaml.safe_load((TEMPLATES / "gitlab-ladder.yml").read_text(encoding="utf-8"))
    return {name: found[table.get("extends")] | table if "extends" in table else table for name, table in found.items()}


def on_gitlab(job: Job, name: str, **variables: str) -> dict[str, int]:
    table = gitlab()[name]
    more = table.get("variables", {}) | GITLAB | variables
    job.shell("script", "\n".join([*table["before_script"], *table["script"]]), more)
    job.shell("after_script", "\n".join(table["after_script"]), more)
    return job.results


def test_on_gitlab_a_measured_branch_passes_and_the_report_becomes_a_note(job: Job):
    assert on_gitlab(job, "ladder", LADDER_TOKEN="token") == {"script": 0, "after_script": 0}, job.text

    notes = "https://gitlab.example/api/v4/projects/3/merge_requests/7/notes"
    assert job.calls[-2].endswith(f"{notes}?per_page=100")
    assert "--request POST" in job.calls[-1]
    assert job.calls[-1].endswith(f"--data-urlencode body@note.md {notes}")
    assert job.comment.startswith("<!-- ladder -->\n## Ladder support\n")
    assert gitlab()["ladder"]["artifacts"]["reports"]["junit"] == "ladder.xml"
    assert (job.root / "ladder.xml").exists()


def test_on_gitlab_the_next_run_changes_the_note_that_is_there(job: Job):
    there = [{"id": 90, "body": "Looks good"}, {"id": 91, "body": "<!-- ladder -->\n## Ladder support"}]
    (job.bin / "notes").write_text(json.dumps(there), encoding="utf-8")

    assert on_gitlab(job, "ladder", LADDER_TOKEN="token")["after_script"] == 0, job.text

    assert "--request PUT" in job.calls[-1]
    assert job.calls[-1].endswith("/notes/91")


def test_on_gitlab_without_a_token_there_is_no_note_and_no_failure(job: Job):
    assert on_gitlab(job, "ladder") == {"script": 0, "after_script": 0}, job.text
    assert job.calls == ["pip install pytest-ladder"]


def test_on_gitlab_an_unmeasured_change_fails_and_is_told_in_the_note(job: Job):
    committed(job)

    assert on_gitlab(job, "ladder", LADDER_TOKEN="token") == {"script": 1, "after_script": 0}
    assert "20 answers are not on record" in job.comment


def test_on_gitlab_the_evidence_is_measured_on_demand_and_kept_as_a_patch(job: Job, tmp_path: Path):
    committed(job)

    assert on_gitlab(job, "ladder-measure", OPENAI_API_KEY="key") == {"script": 0, "after_script": 0}, job.text

    table = gitlab()["ladder-measure"]
    assert gitlab()["ladder"]["variables"]["BASE"] == "$CI_MERGE_REQUEST_TARGET_BRANCH_NAME"
    assert table["rules"][0]["when"] == "manual"
    assert "ladder.patch" in table["artifacts"]["paths"]
    author = Project(tmp_path / "after")
    git(job.project, "clone", "-q", "-b", "better", str(job.origin), str(author.root))
    git(author, "apply", str(job.root / "ladder.patch"))
    assert author.spawn(env={"CI": "true"}).status == 0
