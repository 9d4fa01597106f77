"""`--ladder-base=REF`: what got worse since a branch left its base, and which rules it changed."""

from __future__ import annotations

import json
import os
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pytest_ladder.report.json_report import report_json_schema
from tests.plugin.bench import Bench, Ran, case
from tests.repository import Repository

BASE = "--ladder-base=main"
READ = "--ladder-record=none"
GUARD = '[gate]\npolicy_change = "fail"'


@pytest.fixture
def begun(bench: Bench) -> Repository:
    """A measured ladder of 60 cases on `main`, and a branch: the prompt answers 20, few-shot all of them."""
    return begin(bench)


def begin(bench: Bench, **parts: object) -> Repository:
    bench.make({"prompt": 20, "few_shot": 60}, cases=60, **parts)
    assert bench.run().status == 0
    repository = Repository.make(bench.pytester.path)
    repository.branch()
    return repository


def measured(bench: Bench, repository: Repository) -> None:
    """Measure what a branch changed, and commit it."""
    bench.run()
    repository.commit()


def compared(ran: Ran) -> list[str]:
    """The lines of the comparison, each on one line."""
    text = ran.text.partition("  compared with ")[2]
    found: list[str] = []
    for line in text.splitlines()[1:]:
        if not line.startswith("    "):
            break
        if line[4] == " ":
            found[-1] += " " + " ".join(line.split())
        else:
            found.append(" ".join(line.split()))
    return found


def report(bench: Bench) -> dict:
    found = json.loads((bench.pytester.path / "out.json").read_text(encoding="utf-8"))
    Draft202012Validator(report_json_schema()).validate(found)
    return found["ladders"][0]["base"]


# --- answers ----------------------------------------------------------------------------------------------------------


def test_nothing_changed(bench: Bench, begun: Repository):
    ran = bench.run(BASE)

    assert ran.status == 0
    assert f"base=main ({begun.git('rev-parse', 'main')[:10]})" in ran.text
    assert compared(ran) == ["unchanged prompt (60 cases shared), few_shot (60 cases shared)"]


def test_a_significant_loss_fails_with_a_report_of_its_own(bench: Bench, begun: Repository):
    bench.system("prompt", 5)

    ran = bench.run(BASE, "--junitxml=out.xml", "--ladder-report=out.json", "--ladder-report=out.md")

    assert ran.status == 1
    ran.has("FAILED evals/support/ladder.toml::regression - *")
    assert (
        "prompt answer[all]: 0.333 to 0.083, -0.250 [-0.36, -0.14]; 0 won, 45 tied, 15 lost of 60; p <0.001" in ran.text
    )
    assert "lost: c10, c11, c12, c13, c14, c15, c16, c17, c18, c19 and 5 more" in ran.text
    assert "selected" in ran.text  # the lever stands all the same
    suite = ET.parse(bench.pytester.path / "out.xml").getroot()
    failed = [one for one in suite.iter("testcase") if one.find("failure") is not None]
    assert [one.get("name") for one in failed] == ["regression"]
    comment = (bench.pytester.path / "out.md").read_text(encoding="utf-8")
    assert "| prompt | answer | odd | 0.333 | 0.067 | -0.267 \\[-0.43, -0.10\\] | 8 lost, 0 won of 30 |" in comment
    whole, odd = report(bench)["comparisons"][:2]
    assert (whole["slice"], whole["wins"], whole["losses"], whole["regression"]) == ("all", 0, 15, True)
    assert (odd["slice"], odd["n"], odd["lost"]) == ("odd", 30, ["c11", "c13", "c15", "c17", "c19", "c5", "c7", "c9"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_it_needs_no_asking_and_no_writing(bench: Bench, begun: Repository, workers: tuple[str, ...]):
    bench.system("prompt", 5)
    measured(bench, begun)
    before = begun.git("for-each-ref"), begun.git("rev-parse", "HEAD")
    bench.asked()

    ran = bench.run(BASE, READ, *workers)

    assert ran.status == 1
    assert "prompt answer[all]: 0.333 to 0.083, -0.250" in ran.text
    assert bench.asked() == []
    assert (begun.git("for-each-ref"), begun.git("rev-parse", "HEAD")) == before
    assert begun.git("status", "--porcelain") == ""


def test_too_few_pairs_are_no_conclusion(bench: Bench, begun: Repository):
    bench.system("prompt", 17)

    ran = bench.run(BASE)

    assert ran.status == 0
    assert compared(ran) == [
        "unchanged few_shot (60 cases shared)",
        "no conclusion prompt: answer[all] -0.050 [-0.12, +0.01], answer[odd] -0.067 [-0.20, +0.04]",
    ]


def test_a_gain_is_told(bench: Bench, begun: Repository):
    bench.system("prompt", 40)

    ran = bench.run(BASE)

    assert ran.status == 0
    assert (
        "better prompt answer[all]: 0.333 to 0.667, +0.333 [+0.22, +0.45]; 20 won, 40 tied, 0 lost of 60"
        in compared(ran)[0]
    )


def test_gains_elsewhere_do_not_make_up_for_a_slice(bench: Bench, begun: Repository):
    bench.system("prompt", {*range(0, 40, 2)})  # ten odd ones lost, ten even ones won

    ran = bench.run(BASE)

    assert ran.status == 1
    failed = ran.text.partition("regression against")[2].partition("= ladders =")[0]
    assert "prompt answer[odd]: 0.333 to 0.000, -0.333" in failed
    assert "answer[all]" not in failed


@pytest.mark.parametrize(("there", "status"), [("0.3", 0), ("0.1", 1)])
def test_a_loss_within_min_effect_is_accepted(bench: Bench, there: str, status: int):
    begin(bench, tables=f"[decision]\nmin_effect = {there}")
    bench.system("prompt", 5)

    ran = bench.run(BASE)

    assert ran.status == status
    assert ("; within min_effect" in ran.flat) is (status == 0)


def test_a_change_cannot_raise_its_own_min_effect(bench: Bench):
    begin(bench, tables="[decision]\nmin_effect = 0.1")
    bench.edit("ladder.toml", "min_effect = 0.1", "min_effect = 1.0\nconfidence = 0.9999999")
    bench.system("prompt", 5)

    ran = bench.run(BASE)

    assert ran.status == 1
    assert "laxer [decision] min_effect raised from 0.1 to 1" in compared(ran)
    assert "prompt answer[all]: 0.333 to 0.083, -0.250" in ran.text


def test_a_changed_rubric_is_no_regression(bench: Bench, begun: Repository):
    bench.cases([case(n, expected=f"answer {n}" if n < 5 or n > 19 else "something else") for n in range(60)])

    ran = bench.run(BASE)

    assert ran.status == 1  # few-shot no longer meets the target
    assert "::regression" not in ran.text
    assert compared(ran)[:2] == [
        "unchanged prompt (60 cases shared), few_shot (60 cases shared)",
        "laxer eval set: 15 cases with another expected answer: c5, c6, c7, c8, c9, c10, c11, c12, c13, c14 and 5 more",
    ]


def test_only_cases_that_both_sides_asked_alike_are_compared(bench: Bench, begun: Repository):
    bench.cases([case(n, input=f"another question {n}") if n < 20 else case(n) for n in range(60)])
    bench.system("prompt", 5)

    ran = bench.run(BASE)

    assert "::regression" not in ran.text
    assert "unchanged prompt (40 cases shared), few_shot (40 cases shared)" in compared(ran)


def test_without_a_shared_case_nothing_is_concluded(bench: Bench, begun: Repository):
    bench.cases([case(n, id=f"new{n}") for n in range(60)])

    assert "note prompt is not compared: no case is the same as there" in compared(bench.run(BASE))


def test_the_lever_is_compared_with_another_lever(bench: Bench, begun: Repository):
    bench.edit("ladder.toml", "all = 0.9", "all = 0.5")
    bench.system("prompt", 40)

    ran = bench.run(BASE)

    assert ran.status == 1
    told = ran.text.partition("regression against")[2].partition("= ladders =")[0]
    assert (
        "few_shot -> prompt answer[all]: 1.000 to 0.667, -0.333 [-0.45, -0.22]; 0 won, 40 tied, 20 lost of 60" in told
    )
    assert "note the lever changed from few_shot to prompt" in compared(ran)
    assert "mend what fails; then ship prompt" in ran.flat


def test_a_lever_that_was_lost_is_to_be_mended_before_the_climb_goes_on(bench: Bench, begun: Repository):
    bench.system("few_shot", 10)

    ran = bench.run(BASE)

    assert ran.status == 1
    assert "mend few_shot: it met the target at main" in ran.flat


def test_a_dropped_slice_hides_no_loss(bench: Bench, begun: Repository):
    bench.cases([{k: v for k, v in case(n).items() if k != "slices"} for n in range(60)])
    bench.system("prompt", {*range(0, 40, 2)})

    ran = bench.run(BASE)

    assert ran.status == 1
    assert "prompt answer[odd]: 0.333 to 0.000, -0.333" in ran.text


def test_more_answers_a_case_than_there_were(bench: Bench, begun: Repository):
    bench.edit("ladder.toml", "schema = 1", "schema = 1\nrepeats = 3")
    bench.system("prompt", 5)

    ran = bench.run(BASE)

    assert ran.status == 1
    assert "prompt answer[all]: 0.333 to 0.083, -0.250" in ran.text
    assert "stricter repeats raised from 1 to 3" in compared(ran)


def test_a_slice_without_a_shared_case_is_no_conclusion(bench: Bench):
    begin(bench, thresholds="answer = { all = 0.9, odd = 0.9 }")
    bench.cases([case(n, input=f"another question {n}") if n % 2 else case(n) for n in range(60)])
    bench.system("prompt", 5)

    ran = bench.run(BASE)

    assert "no conclusion prompt: answer[odd] without a pair of scores" in compared(ran)
    assert "prompt answer[all]: 0.333 to 0.100, -0.233" in ran.text


def test_cases_that_go_together_count_for_less(bench: Bench):
    begin(bench, tables="[decision]\nmin_effect = 0.0")
    assert bench.run(BASE).status == 0
    bench.edit("ladder.toml", "min_effect = 0.0", 'cluster = "talk"')
    talks = [case(n, metadata={"talk": n // 15}) for n in range(60)]
    bench.cases(talks)
    bench.run()
    Repository(bench.pytester.path).commit("talks")
    Repository(bench.pytester.path).git("branch", "--force", "main", "HEAD")
    bench.system("prompt", 5)

    ran = bench.run(BASE)

    assert "no conclusion prompt: answer[all] -0.250 [" in compared(ran)[1]
    assert "::regression" not in ran.text


def test_a_rung_that_is_not_measured_here_is_told(bench: Bench, begun: Repository):
    bench.edit("ladder.toml", "all = 0.9", "all = 0.1")
    bench.write("few_shot.py", (bench.folder / "few_shot.py").read_text(encoding="utf-8") + "# another version\n")

    assert "note few_shot is not compared: it has no current evidence here" in compared(bench.run(BASE))


def test_a_smoke_run_compares_the_rules_alone(bench: Bench, begun: Repository):
    bench.system("prompt", 0)
    bench.edit("ladder.toml", "all = 0.9", "all = 0.5")

    assert compared(bench.run(BASE, "--ladder-limit=5")) == [
        "laxer threshold answer[all] lowered from 0.9 to 0.5",
        "note a smoke run: answers are not compared",
    ]


def test_a_base_whose_evidence_is_not_of_its_files_is_not_compared(bench: Bench, begun: Repository):
    begun.switch("main")
    bench.system("prompt", 30)
    begun.commit("a prompt that nobody measured")
    begun.git("switch", "--quiet", "--force-create", "work")

    ran = bench.run(BASE)

    assert ran.status == 0
    assert "note prompt is not compared: no entry of the log there is of its files there" in compared(ran)


def test_the_version_that_the_base_has_is_compared_not_the_newest(bench: Bench, begun: Repository):
    begun.switch("main")
    bench.system("prompt", 40)
    bench.run()
    bench.system("prompt", 20)
    begun.commit("tried and taken back")
    begun.git("switch", "--quiet", "--force-create", "work")

    assert "unchanged prompt (60 cases shared)" in compared(bench.run(BASE))[0]


# --- history of git ---------------------------------------------------------------------------------------------------


def test_what_the_base_gained_meanwhile_is_not_held_against_the_branch(bench: Bench, begun: Repository):
    begun.switch("main")
    bench.system("prompt", 50)
    measured(bench, begun)
    begun.switch("work")

    ran = bench.run(BASE)

    assert ran.status == 0
    assert "unchanged prompt (60 cases shared)" in compared(ran)[0]


def test_after_a_merge_of_the_base_it_is(bench: Bench, begun: Repository):
    (bench.folder / ".gitattributes").write_text("escalation.jsonl merge=union\n", encoding="utf-8")
    begun.commit("union")
    begun.switch("main")
    bench.system("prompt", 50)
    measured(bench, begun)
    begun.switch("work")
    begun.git("merge", "--quiet", "--no-edit", "main")
    assert bench.run(BASE, READ).status == 0
    bench.system("prompt", 20)

    ran = bench.run(BASE)

    assert ran.status == 1
    assert "prompt answer[all]: 0.833 to 0.333, -0.500" in ran.text


def test_logs_merged_by_union_are_no_rewritten_history(bench: Bench, begun: Repository):
    begun.switch("main")
    (bench.folder / ".gitattributes").write_text("*.jsonl merge=union\n", encoding="utf-8")
    begun.commit("union")
    begun.git("switch", "--quiet", "--force-create", "work")
    bench.system("prompt", 25)
    measured(bench, begun)
    begun.switch("main")
    bench.system("few_shot", {*range(60)} - {7})
    measured(bench, begun)
    begun.switch("work")
    begun.git("merge", "--quiet", "--no-edit", "main")
    bench.run()
    begun.commit("measured the merge")

    ran = bench.run(BASE, READ)

    assert ran.status == 0
    assert "altered" not in ran.text


def test_a_tag_and_a_commit_are_refs_too(bench: Bench, begun: Repository):
    begun.git("tag", "--annotate", "-m", "first", "v1")

    assert bench.run("--ladder-base=v1").status == 0
    assert bench.run(f"--ladder-base={begun.git('rev-parse', 'main')}").status == 0


# --- where the ladder is ----------------------------------------------------------------------------------------------


def test_a_new_ladder_has_nothing_to_compare(bench: Bench):
    bench.make({"prompt": 10})
    repository = Repository(bench.pytester.path)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.git("commit", "--quiet", "--allow-empty", "-m", "empty")

    ran = bench.run(BASE)

    assert ran.status == 0
    assert compared(ran) == [f"note not at main ({repository.git('rev-parse', 'HEAD')[:10]}): nothing to compare"]


def test_a_ladder_that_moved_is_found_by_its_name(bench: Bench, begun: Repository):
    begun.git("mv", "evals/support", "moved")
    (bench.pytester.path / "evals").rename(bench.pytester.path / "left")
    (bench.pytester.path / "moved" / "prompt.py").write_text(
        (bench.pytester.path / "moved" / "prompt.py").read_text().replace("range(0, 20)", "range(0, 5)")
    )

    ran = bench.run(BASE)

    assert ran.status == 1
    assert "prompt answer[all]: 0.333 to 0.083, -0.250" in ran.text
    assert "note it stood at evals/support/ladder.toml" in compared(ran)
    assert "gone" not in ran.text


def test_a_ladder_that_is_gone_is_told(bench: Bench, begun: Repository):
    other = Bench(bench.pytester, "other")
    other.make({"prompt": 10})
    shutil.rmtree(bench.folder)

    ran = bench.run(BASE, "--ladder-report=out.json")

    assert ran.status == 0
    assert "gone evals/support/ladder.toml: the ladder support stood at main" in ran.flat
    found = json.loads((bench.pytester.path / "out.json").read_text(encoding="utf-8"))
    assert "the ladder support stood at main" in found["gone"][0]


@pytest.mark.parametrize("others", [False, True])
def test_a_ladder_whose_policy_forbids_it_cannot_be_removed(bench: Bench, others: bool):
    begin(bench, tables=GUARD)
    if others:
        Bench(bench.pytester, "other").make({"prompt": 10})
    else:
        (bench.pytester.path / "test_plain.py").write_text("def test_plain(): pass\n", encoding="utf-8")
    shutil.rmtree(bench.folder)

    ran = bench.run(BASE)

    assert ran.status == 1
    ran.has("FAILED evals/support/ladder.toml::policy - *")


def test_a_ladder_may_be_renamed_and_is_told(bench: Bench, begun: Repository):
    bench.edit("ladder.toml", 'name = "support"', 'name = "help"')

    assert "laxer the ladder is named help, no longer support: its log begins anew" in compared(bench.run(BASE))


def test_a_rootdir_below_the_top_and_odd_names(bench: Bench):
    top = bench.pytester.path
    bench.pytester.mkdir("dïr with ünicode")
    bench.make({"prompt": 20, "few_shot": 60}, cases=60)
    inner = top / "dïr with ünicode"
    (top / "evals").rename(inner / "evals")
    (top / "pytest.ini").rename(inner / "pytest.ini")
    run = ["--rootdir", str(inner), "-c", str(inner / "pytest.ini"), str(inner)]
    assert bench.run(*run).status == 0
    repository = Repository.make(top)
    repository.branch()
    system = inner / "evals" / "support" / "prompt.py"
    system.write_text(system.read_text(encoding="utf-8").replace("range(0, 20)", "range(0, 5)"), encoding="utf-8")

    ran = bench.run(BASE, *run)

    assert ran.status == 1
    assert "prompt answer[all]: 0.333 to 0.083, -0.250" in ran.text


def test_a_worktree(bench: Bench, begun: Repository, tmp_path_factory: pytest.TempPathFactory):
    other = tmp_path_factory.mktemp("trees") / "other"
    begun.git("worktree", "add", "--quiet", str(other), "-b", "third")
    (other / "evals/support/prompt.py").write_text(
        (other / "evals/support/prompt.py").read_text().replace("range(0, 20)", "range(0, 5)")
    )

    ran = bench.run(BASE, "--rootdir", str(other), "-c", str(other / "pytest.ini"), str(other))

    assert ran.status == 1
    assert "prompt answer[all]: 0.333 to 0.083, -0.250" in ran.text


def test_an_eval_set_beside_the_ladder_and_above_it(bench: Bench):
    bench.make({"prompt": 20, "few_shot": 60}, cases=60)
    bench.edit("ladder.toml", 'evalset = "cases.jsonl"', 'evalset = "../../data/cases.jsonl"')
    (bench.pytester.path / "data").mkdir()
    (bench.folder / "cases.jsonl").rename(bench.pytester.path / "data" / "cases.jsonl")
    assert bench.run().status == 0
    Repository.make(bench.pytester.path).branch()
    bench.system("prompt", 5)

    assert "prompt answer[all]: 0.333 to 0.083, -0.250" in bench.run(BASE).text


# --- the rules --------------------------------------------------------------------------------------------------------


def test_changes_of_the_rules_are_told(bench: Bench, begun: Repository):
    bench.edit("ladder.toml", "all = 0.9", "all = 0.8")
    bench.write("waivers.toml", '[[waiver]]\nladder = "support"\nkind = "fixed_format"\nreason = "r"\n'
                'approved_by = "J. Doe"\nexpires = 2030-01-01\n')  # fmt: skip

    ran = bench.run(BASE, "--ladder-report=out.json")

    assert ran.status == 0
    assert [line for line in compared(ran) if line.startswith("laxer")] == [
        "laxer threshold answer[all] lowered from 0.9 to 0.8",
        "laxer waiver fixed_format added: approved by J. Doe until 2030-01-01",
    ]
    assert report(bench)["policy"][0] == {
        "change": "threshold answer[all] lowered from 0.9 to 0.8", "direction": "laxer"
    }  # fmt: skip


def test_a_laxer_rule_is_refused_where_the_base_says_so(bench: Bench):
    begin(bench, tables=GUARD)
    bench.edit("ladder.toml", "all = 0.9", "all = 0.8")
    bench.edit("ladder.toml", GUARD, "")

    ran = bench.run(BASE)

    assert ran.status == 1
    ran.has("FAILED evals/support/ladder.toml::policy - *")
    assert "  [gate] policy_change changed from fail to print" in ran.lines
    assert "  threshold answer[all] lowered from 0.9 to 0.8" in ran.lines


def test_a_laxer_rule_is_refused_where_today_says_so(bench: Bench, begun: Repository):
    bench.edit("ladder.toml", "all = 0.9", "all = 0.8")
    bench.write("ladder.toml", bench.toml.read_text(encoding="utf-8") + GUARD + "\n")

    assert bench.run(BASE).status == 1


def test_a_stricter_rule_never_is(bench: Bench):
    begin(bench, tables=GUARD)
    bench.edit("ladder.toml", "all = 0.9", "all = 0.95")

    ran = bench.run(BASE)

    assert ran.status == 0
    assert "stricter threshold answer[all] raised from 0.9 to 0.95" in compared(ran)


def test_a_scorer_of_ones_own_is_compared_by_its_content(bench: Bench):
    bench.make({"prompt": 60}, cases=60)
    bench.edit("ladder.toml", 'scorer = "exact_match"', 'scorer = "scorers.py:grade"')
    bench.write("scorers.py", "def grade(case, answer):\n    return answer.text == case.expected\n")
    assert bench.run().status == 0
    Repository.make(bench.pytester.path).branch()
    bench.write("scorers.py", "def grade(case, answer):\n    return True\n")

    assert "laxer metric answer is graded by other content of scorers.py" in compared(bench.run(BASE))


# --- bases that cannot be read ----------------------------------------------------------------------------------------


def test_a_base_that_this_version_cannot_read_is_told(bench: Bench, begun: Repository):
    begun.switch("main")
    bench.edit("ladder.toml", "schema = 1", "schema = 1\nfuture_key = 2")
    begun.commit("another schema")
    begun.git("switch", "--quiet", "--force-create", "work")
    bench.edit("ladder.toml", "future_key = 2", "")

    ran = bench.run(BASE)

    assert ran.status == 0
    told = "cannot be read by this version: nothing is compared. evals/support/ladder.toml:2: future_key: unknown key"
    assert told in compared(ran)[0]


def test_recordings_in_large_file_storage_are_told(bench: Bench, begun: Repository):
    begun.switch("main")
    files = sorted((bench.folder / "recordings" / "prompt").glob("*.jsonl"))
    kept = files[0].read_bytes()
    files[0].write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", encoding="utf-8")
    begun.commit("as git holds it with Git LFS")
    begun.git("switch", "--quiet", "--force-create", "work")
    files[0].write_bytes(kept)

    ran = bench.run(BASE)

    assert ran.status == 0
    name = files[0].relative_to(bench.pytester.path).as_posix()
    assert f"{name} is a pointer of Git LFS at main" in ran.flat
    assert "prompt is not compared: its answers are not in git there" in ran.flat
    assert "unchanged few_shot (60 cases shared)" in compared(ran)


def test_where_recordings_are_kept_out_of_git_the_scores_are_compared(bench: Bench):
    bench.make({"prompt": 20, "few_shot": 60}, cases=60, tables='[recordings]\nstore = "local"')
    assert bench.run().status == 0
    repository = Repository.make(bench.pytester.path, ignore="__pycache__/\nrecordings/\nasked.txt\n")
    repository.branch()
    bench.system("prompt", 5)
    measured(bench, repository)
    assert "recordings" not in repository.git("ls-files")

    ran = bench.run(BASE)

    assert ran.status == 1
    assert "prompt answer[all]: 0.333 to 0.083, -0.250" in ran.text

    bench.edit("ladder.toml", 'scorer = "exact_match"', 'scorer = "contains"')
    told = (
        "note prompt is not compared: recordings are kept out of git, and the scores there are not by today's grading"
    )
    assert told in compared(bench.run(BASE))


# --- refs that cannot be used -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ref", "told"),
    [
        ("mian", "--ladder-base: no such ref, got 'mian'; expected a branch, a tag or a commit. Did you mean 'main'?"),
        ("-x", "--ladder-base: not a ref of git, got '-x'; expected a branch, a tag or a commit."),
        ("", "--ladder-base: not a ref of git, got ''"),
        ("main:evals", "--ladder-base: no such ref, got 'main:evals'"),
        ("--output=x", "--ladder-base: not a ref of git, got '--output=x'"),
    ],
)
def test_a_ref_that_is_none(bench: Bench, begun: Repository, ref: str, told: str):
    ran = bench.run(f"--ladder-base={ref}")

    assert ran.status == 4
    assert told in ran.text
    assert not (begun.top / "x").exists()


def test_no_repository(bench: Bench):
    bench.make({"prompt": 10})

    ran = bench.run(BASE)

    assert ran.status == 4
    assert "--ladder-base: the rootdir is not in a git repository" in ran.text


def test_no_commit_yet(bench: Bench):
    bench.make({"prompt": 10})
    Repository(bench.pytester.path).git("init", "--quiet", "--initial-branch=main")

    ran = bench.run("--ladder-base=HEAD")

    assert ran.status == 4
    assert "--ladder-base: no such ref, got 'HEAD'" in ran.text


def test_no_git(bench: Bench, begun: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))

    ran = bench.run(BASE)

    assert ran.status == 4
    assert "--ladder-base: git is not installed. Install git, or leave it out." in ran.text


def test_no_common_history(bench: Bench, begun: Repository):
    begun.git("switch", "--quiet", "--orphan", "alone")
    begun.git("commit", "--quiet", "--allow-empty", "-m", "alone")

    ran = bench.run(BASE)

    assert ran.status == 4
    assert "--ladder-base: the ref and HEAD have no common history, got 'main'." in ran.text


@pytest.mark.parametrize("fetched", [False, True], ids=["unknown", "cut off"])
def test_a_shallow_clone_says_how_to_fetch_the_rest(
    bench: Bench, begun: Repository, tmp_path_factory: pytest.TempPathFactory, fetched: bool
):
    bench.system("prompt", 5)
    measured(bench, begun)
    to = tmp_path_factory.mktemp("clones") / "shallow"
    clone = Repository.clone(bench.pytester.path, to, "--depth=1", "--branch=work")
    if fetched:
        clone.git("fetch", "--quiet", "--depth=1", "origin", "+refs/heads/main:refs/remotes/origin/main")
    run = ["--ladder-base=origin/main", "--rootdir", str(to), "-c", str(to / "pytest.ini"), str(to), READ]

    ran = bench.run(*run)

    assert ran.status == 4
    assert "shallow" in ran.text
    assert "`fetch-depth: 0` for actions/checkout" in ran.text
    command = ran.text.partition("Fetch it: `git ")[2].partition("`")[0]
    clone.git(*command.split())
    again = bench.run(*run)
    assert again.status == 1
    assert "prompt answer[all]: 0.333 to 0.083, -0.250" in again.text


def test_a_branch_that_only_the_remote_has_is_named(
    bench: Bench, begun: Repository, tmp_path_factory: pytest.TempPathFactory
):
    to = tmp_path_factory.mktemp("clones") / "whole"
    Repository.clone(bench.pytester.path, to, "--branch=work")

    ran = bench.run(BASE, "--rootdir", str(to), "-c", str(to / "pytest.ini"), str(to))

    assert ran.status == 4
    assert "Did you mean 'origin/main'?" in ran.text


def test_a_branch_that_was_not_fetched_says_how(
    bench: Bench, begun: Repository, tmp_path_factory: pytest.TempPathFactory
):
    to = tmp_path_factory.mktemp("clones") / "single"
    clone = Repository.clone(bench.pytester.path, to, "--branch=work", "--single-branch")
    run = ["--ladder-base=origin/main", "--rootdir", str(to), "-c", str(to / "pytest.ini"), str(to), READ]

    ran = bench.run(*run)

    assert ran.status == 4
    clone.git(*ran.text.partition("etch it: `git ")[2].partition("`")[0].split())
    assert bench.run(*run).status == 0


def test_a_folder_of_another_user_says_what_git_wants(bench: Bench, begun: Repository, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)

    ran = bench.run(BASE)

    assert ran.status == 4
    assert "git does not trust this folder" in ran.text
    assert "`git config --global --add safe.directory " in ran.text


def test_without_ladder_it_is_a_usage_error(bench: Bench):
    """A job that compares nothing must not look as if it did."""
    bench.make({"prompt": 10})

    ran = bench.run("--ladder-base=nothing", ladder=False)

    assert ran.status == 4
    assert "--ladder-base: nothing is run without --ladder" in ran.text


def test_the_collection_alone_compares_nothing(bench: Bench, begun: Repository):
    ran = bench.run(BASE, "--collect-only", "-q")

    assert ran.status == 0
    assert "compared with" not in ran.text


def test_a_hold_out_set_that_is_kept_elsewhere_is_no_fault_of_the_base(bench: Bench):
    bench.make({"prompt": 20, "few_shot": 60}, cases=60, head='holdout = "kept.jsonl"')
    bench.write("kept.jsonl", json.dumps(case(99)) + "\n")
    assert bench.run().status == 0
    Repository.make(bench.pytester.path, ignore="__pycache__/\nkept.jsonl\nasked.txt\n").branch()

    assert compared(bench.run(BASE)) == ["unchanged prompt (60 cases shared), few_shot (60 cases shared)"]


def test_a_base_without_its_eval_set_is_told(bench: Bench):
    bench.make({"prompt": 20, "few_shot": 60}, cases=60)
    assert bench.run().status == 0
    Repository.make(bench.pytester.path, ignore="__pycache__/\ncases.jsonl\nasked.txt\n").branch()

    assert "note prompt is not compared: its eval set is not to be had there" in compared(bench.run(BASE))
