"""`[decision] confirm = "holdout"`: the selected lever must also hold on the hold-out set, once."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterable
from typing import Any

import pytest

from pytest_ladder.cli.main import main
from tests.plugin.bench import Bench, Ran, Right, case

CONFIRM = '[decision]\nconfirm = "holdout"'
CONFIDENT = '[decision]\nconfirm = "holdout"\nrule = "confident"'


def held(bench: Bench, rungs: dict[str, Right], numbers: Iterable[int] = range(100, 160), **parts: Any) -> Bench:
    """A ladder whose lever must hold on the cases of the given numbers."""
    parts.setdefault("tables", CONFIRM)
    bench.make(rungs, head='holdout = "holdout.jsonl"', **parts)
    holdout(bench, [case(n) for n in numbers])
    return bench


def holdout(bench: Bench, cases: Iterable[dict[str, Any]]) -> None:
    bench.write("holdout.jsonl", "".join(json.dumps(line) + "\n" for line in cases))


def looks(bench: Bench) -> list[dict[str, Any]]:
    return [entry for entry in bench.log if entry["kind"] == "rung" and entry["reason"].startswith("hold-out")]


def decisions(bench: Bench) -> list[dict[str, Any]]:
    return [entry for entry in bench.log if entry["kind"] == "decision"]


def right(*, of_ten: int = 10, of_sixty: int) -> set[int]:
    """The numbers of so many cases of the eval set and of the hold-out set."""
    return {*range(of_ten), *range(100, 100 + of_sixty)}


def unchanged(bench: Bench, *args: str) -> Ran:
    """A second run, which must ask and write nothing."""
    bench.asked()
    before = bench.log_path.read_bytes()
    ran = bench.run(*args)
    assert bench.asked() == []
    assert bench.log_path.read_bytes() == before
    return ran


# --- it holds --------------------------------------------------------------------------------------------------------


def test_the_lever_is_held_against_the_hold_out_set_without_being_asked_to(bench: Bench):
    held(bench, {"prompt": 4, "few_shot": right(of_sixty=58)})

    ran = bench.run()

    assert ran.status == 0
    assert [asked for asked in bench.asked() if asked.startswith("prompt c1")] == ["prompt c1"]
    assert bench.verdicts == ["prompt short", "few_shot met", "few_shot met", "selected few_shot"]
    assert "hold-out few_shot met: answer[all] 0.97 >= 0.90 (n = 60, within noise), 1st look at this set" in ran.flat
    assert "and holds on the hold-out set (1st look at this set)" in decisions(bench)[0]["reason"]
    assert len(bench.recorded("few_shot")) == 70


def test_the_decision_rests_on_the_entry_and_on_the_look(bench: Bench):
    held(bench, {"prompt": 4, "few_shot": right(of_sixty=58)}).run()

    prompt, few_shot, look, decision = bench.log

    assert decision["rests_on"] == [prompt["id"], few_shot["id"], look["id"]]
    assert (few_shot["cases"], look["cases"], look["reason"]) == (10, 60, "hold-out, look 1")
    assert few_shot["evalset"] != look["evalset"]


@pytest.mark.parametrize("args", [(), ("--ladder-record=none",), ("--ladder-climb=all",), ("--ladder-holdout",)])
def test_a_second_run_asks_and_writes_nothing(bench: Bench, args: tuple[str, ...]):
    held(bench, {"prompt": 4, "few_shot": right(of_sixty=58)}).run()

    assert unchanged(bench, *args).status == 0


def test_a_rung_above_the_lever_costs_the_hold_out_set_no_look(bench: Bench):
    held(bench, {"prompt": right(of_sixty=60), "few_shot": right(of_sixty=60)})

    assert bench.run("--ladder-climb=all").status == 0
    assert [look["rung"] for look in looks(bench)] == ["prompt"]


def test_no_rung_below_the_target_is_looked_at(bench: Bench):
    held(bench, {"prompt": 4, "few_shot": 5})

    assert bench.run().status == 1
    assert looks(bench) == []


def test_a_smoke_run_never_looks(bench: Bench):
    held(bench, {"prompt": 4, "few_shot": right(of_sixty=58)}).run("--ladder-limit=2")

    assert not [asked for asked in bench.asked() if "c10" in asked]
    assert bench.log == []


# --- it does not hold ------------------------------------------------------------------------------------------------


def test_one_that_does_not_hold_is_not_the_lever_and_the_climb_goes_on(bench: Bench):
    held(bench, {"prompt": right(of_sixty=50), "few_shot": right(of_sixty=60)})

    ran = bench.run("-v")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}
    assert bench.verdicts == ["prompt met", "few_shot met", "prompt short", "few_shot met", "selected few_shot"]
    assert "prompt met on the eval set, not on the hold-out set: answer[all] 0.83 < 0.90 (n = 60)" in ran.flat
    assert "few_shot met: answer[all] 1.00 >= 0.90 (n = 60), 2nd look at this set" in ran.flat
    assert [look["reason"] for look in looks(bench)] == ["hold-out, look 1", "hold-out, look 2"]
    assert len(decisions(bench)[0]["rests_on"]) == 4
    unchanged(bench)
    assert unchanged(bench, "--ladder-record=none").status == 0


def test_the_last_rung_fails_and_says_why(bench: Bench):
    held(bench, {"prompt": 4, "few_shot": right(of_sixty=50)})

    ran = bench.run()

    assert ran.status == 1
    assert "rung few_shot meets its target on the eval set and is not confirmed: 1 of 1 threshold not met" in ran.flat
    assert "60 cases of the hold-out set" in ran.flat
    assert "answer[all] 0.833 < 0.90" in ran.flat
    assert "c150" not in ran.text  # whoever sees its cases will mend for them
    assert bench.verdicts[-1] == "selected None"
    assert unchanged(bench).status == 1


def test_own_asserts_do_not_make_it_a_lever(bench: Bench):
    test = "import pytest\n\n\n@pytest.mark.ladder\ndef test_support(rung):\n    assert rung.evaluate().met\n"
    held(bench, {"prompt": right(of_sixty=50), "few_shot": right(of_sixty=60)}, test=test)

    assert bench.run("-v").outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}


def test_junit_has_the_verdict_of_the_look(bench: Bench):
    held(bench, {"prompt": right(of_sixty=50), "few_shot": right(of_sixty=60)}).run("--junitxml=out.xml")

    text = (bench.pytester.path / "out.xml").read_text(encoding="utf-8")
    assert '<property name="ladder.verdict" value="met" /><property name="ladder.holdout" value="short" />' in text
    assert "not on the hold-out set: answer[all] 0.83 &lt; 0.90 (n = 60)" in text


def test_under_confident_too_few_cases_leave_it_undecided_and_say_how_many_would_tell(bench: Bench):
    held(bench, {"prompt": right(of_ten=60, of_sixty=57), "few_shot": {*range(200)}}, cases=60, tables=CONFIDENT)

    ran = bench.run("-v")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "UNDECIDED", "few_shot": "SELECTED"}
    assert "met on the eval set, undecided on the hold-out set: answer[all] 0.95 not clearly above 0.90" in ran.flat
    assert "more cases for answer[all] (cases of the hold-out set) would tell" in ran.flat
    assert "prompt is undecided: a cheaper rung than few_shot may do" in ran.flat
    unchanged(bench)


def test_the_look_is_taken_at_the_plain_confidence(bench: Bench):
    """29 of 29 confirm 0.90 at 95 %; shared by two rungs it would take 36."""
    held(bench, {"prompt": 4, "few_shot": range(200)}, range(100, 129), cases=60, tables=CONFIDENT)

    assert bench.run().status == 0
    assert [look["verdict"] for look in looks(bench)] == ["met"]


# --- versions and sets -----------------------------------------------------------------------------------------------


def test_looks_are_counted_by_version_over_all_rungs(bench: Bench):
    held(bench, {"prompt": 4, "few_shot": right(of_sixty=50)}).run()
    bench.system("few_shot", right(of_sixty=60))

    ran = bench.run()

    assert ran.status == 0
    assert "2nd look at this set" in ran.flat
    assert "(2nd look at this set)" in decisions(bench)[-1]["reason"]


def test_another_hold_out_set_is_looked_at_anew_and_the_looks_at_the_first_stay_told(bench: Bench):
    held(bench, {"prompt": 4, "few_shot": range(200)}).run()
    bench.asked()
    holdout(bench, [case(n) for n in range(100, 170)])

    none = bench.run("--ladder-record=none")
    assert none.status == 1
    assert "10 answers to the hold-out set are not on record (c160, " in none.flat
    assert bench.run().status == 0
    assert len(bench.asked("few_shot")) == 10
    assert "1st look at this set, 1 at other sets" in bench.run().flat


def test_changed_answers_expected_of_the_hold_out_set_are_graded_without_asking(bench: Bench):
    held(bench, {"prompt": 4, "few_shot": range(200)}).run()
    bench.asked()
    holdout(bench, [case(n, expected="another") for n in range(100, 160)])

    assert bench.run("--ladder-record=none").status == 1
    assert bench.run().status == 1
    assert bench.asked() == []
    assert bench.verdicts[-1] == "selected None"


# --- read-only -------------------------------------------------------------------------------------------------------


def test_under_none_missing_answers_of_the_hold_out_set_are_named(bench: Bench):
    held(bench, {"prompt": 4, "few_shot": range(200)}).run()
    (path,) = (bench.folder / "recordings" / "few_shot").glob("*.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if '"c15' not in line), encoding="utf-8")

    ran = bench.run("--ladder-record=none")

    assert ran.status == 1
    assert "10 answers to the hold-out set are not on record (c150, c151, c152, c153, c154, ...)" in ran.flat


def test_an_unconfirmed_decision_is_out_of_date(bench: Bench):
    held(bench, {"prompt": 4, "few_shot": range(200)}, tables="").run()
    bench.write("ladder.toml", (bench.folder / "ladder.toml").read_text(encoding="utf-8") + CONFIRM + "\n")

    assert bench.run("--ladder-record=none").status == 1
    assert bench.run().status == 0
    assert bench.run("--ladder-record=none").status == 0


def test_a_hold_out_set_in_error_is_an_error_of_the_rung(bench: Bench):
    held(bench, {"prompt": 4, "few_shot": range(200)})
    text = (bench.folder / "few_shot.py").read_text(encoding="utf-8")
    bench.write("few_shot.py", text.replace("    number =", "    assert case.id != 'c155'\n    number ="))

    ran = bench.run()

    assert ran.status == 1
    assert "c155" in ran.text
    assert decisions(bench) == []


# --- what is found at collection -------------------------------------------------------------------------------------


def test_a_slice_without_a_case_in_the_hold_out_set_is_an_error(bench: Bench):
    held(bench, {"prompt": 4}, range(100, 160, 2), thresholds="answer = { all = 0.9, odd = 0.8 }")

    ran = bench.run()

    assert ran.status == 4
    assert "no case of the hold-out set is in this slice, got 'odd'" in ran.flat
    assert "ladder.toml:8: [thresholds] answer.odd" in ran.flat
    assert "Add cases of it to holdout.jsonl" in ran.flat


def test_an_overlap_with_the_eval_set_is_an_error(bench: Bench):
    held(bench, {"prompt": 4}, range(8, 68))

    ran = bench.run()

    assert ran.status == 4
    assert "ladder.toml:4: holdout: 2 of its 60 cases are in the eval set too (c8, c9)" in ran.flat
    assert "Take them out of holdout.jsonl or out of cases.jsonl" in ran.flat


def test_under_confident_a_hold_out_set_that_can_confirm_nothing_is_an_error(bench: Bench):
    held(bench, {"prompt": 4}, range(100, 128), cases=60, tables=CONFIDENT)

    ran = bench.run()

    assert ran.status == 4
    assert (
        "n = 28 of the hold-out set cannot confirm 0.9 at 0.95 even with a perfect score; expected n >= 29" in ran.flat
    )


def test_a_hold_out_set_without_confirm_may_be_anything(bench: Bench):
    held(bench, {"prompt": 10}, range(8, 12, 2), tables="", thresholds="answer = { all = 0.9, odd = 0.8 }")

    assert bench.run().status == 0


# --- other processes -------------------------------------------------------------------------------------------------


def test_under_xdist_it_is_the_same(bench: Bench):
    held(bench, {"prompt": right(of_sixty=50), "few_shot": right(of_sixty=60)})

    ran = bench.run("-n", "2", "-p", "xdist")

    assert ran.status == 0
    assert [look["reason"] for look in looks(bench)] == ["hold-out, look 1", "hold-out, look 2"]
    assert bench.verdicts[-1] == "selected few_shot"
    assert unchanged(bench).status == 0


def test_a_narrowed_run_looks_too(bench: Bench):
    held(bench, {"prompt": 4, "few_shot": range(200)})

    assert bench.run("--ladder-rung=few_shot").status == 0
    assert len(looks(bench)) == 1
    assert bench.run().status == 0
    assert len(looks(bench)) == 1


# --- reports ---------------------------------------------------------------------------------------------------------


def test_the_reports_have_a_line_a_look(bench: Bench):
    held(bench, {"prompt": right(of_sixty=50), "few_shot": right(of_sixty=60)})

    bench.run("--ladder-report=out.md", "--ladder-report=out.json")

    text = (bench.pytester.path / "out.md").read_text(encoding="utf-8")
    assert text.count("**Hold-out:**") == 2
    (ladder,) = json.loads((bench.pytester.path / "out.json").read_text(encoding="utf-8"))["ladders"]
    assert [(look["rung"], look["verdict"], look["number"]) for look in ladder["looks"]] == [
        ("prompt", "short", 1), ("few_shot", "met", 2),
    ]  # fmt: skip
    assert [look["entry"]["id"] for look in ladder["looks"]] == [look["id"] for look in looks(bench)]


# --- and with all else -----------------------------------------------------------------------------------------------


def test_the_status_and_verify_know_the_looks(bench: Bench, capsys: pytest.CaptureFixture[str]):
    held(bench, {"prompt": right(of_sixty=50), "few_shot": right(of_sixty=60)}).run()

    for command, words in (("status", ["prompt short: answer[all] 0.83", "2nd look at this set"]), ("verify", [])):
        with contextlib.chdir(bench.pytester.path):
            assert main([command]) == 0
        text = " ".join(capsys.readouterr().out.split())
        assert all(word in text for word in words), text


def test_the_status_shows_a_rung_that_does_not_hold_as_short(bench: Bench, capsys: pytest.CaptureFixture[str]):
    held(bench, {"prompt": right(of_sixty=50), "few_shot": right(of_sixty=60)}).run()
    bench.edit("ladder.toml", "[rungs.few_shot]", "[rungs.rag]")
    capsys.readouterr()

    with contextlib.chdir(bench.pytester.path):
        main(["status"])
    text = " ".join(capsys.readouterr().out.split())
    assert "prompt short" in text
    assert "prompt met on the eval set, not on the hold-out set: answer[all] 0.83 < 0.90 (n = 60)" in text
    assert "decided rag has no current record" in text


def test_everything_asked_again_is_no_new_look(bench: Bench):
    held(bench, {"prompt": 4, "few_shot": range(200)}).run()
    bench.asked()
    before = bench.log_path.read_bytes()

    assert bench.run("--ladder-record=all").status == 0
    assert len(bench.asked("few_shot")) == 70
    assert bench.log_path.read_bytes() == before


def test_answers_that_are_kept_back_are_looked_at_by_their_scores(bench: Bench):
    local = '\n[recordings]\nstore = "local"'
    held(bench, {"prompt": right(of_sixty=50), "few_shot": right(of_sixty=60)}, tables=CONFIRM + local).run()
    assert bench.run("--ladder-record=none").status == 0
    shutil.rmtree(bench.folder / "recordings")

    ran = bench.run("--ladder-record=none", "-v")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}
    assert "answers not verifiable here" in ran.flat


def test_the_looks_of_two_branches_live_side_by_side(bench: Bench):
    """Both took the same look; the merged log has it twice, and the decision of either stands."""
    held(bench, {"prompt": 4, "few_shot": range(200)}).run()
    ours = bench.log_path.read_text(encoding="utf-8")
    bench.log_path.unlink()
    time.sleep(1.1)  # entries of another second have other ids
    bench.run()
    theirs = bench.log_path.read_text(encoding="utf-8")
    assert ours != theirs

    for merged in (ours + theirs, theirs + ours):
        bench.log_path.write_text(merged, encoding="utf-8")
        ran = unchanged(bench, "--ladder-record=none")
        assert ran.status == 0
        assert "1st look at this set" in ran.flat


def test_a_tuned_model_must_hold_there_too(bench: Bench):
    gate = '\n[gate]\nrequired = ["prompt"]\nmin_form_share = 0\n[gate.effort]\nprompt = 1'
    held(bench, {"prompt": 2, "fine_tune": right(of_sixty=50)}, tables=CONFIRM + gate)

    ran = bench.run()

    assert ran.status == 1
    assert "rung fine_tune meets its target on the eval set and is not confirmed" in ran.flat
    assert bench.verdicts == ["prompt short", "fine_tune met", "fine_tune short", "selected None"]


def test_a_harder_hold_out_set_opens_the_gate_and_the_first_one_stays_told(bench: Bench):
    gate = '\n[gate]\nrequired = ["prompt"]\nmin_form_share = 0\n[gate.effort]\nprompt = 1'
    held(bench, {"prompt": right(of_sixty=60), "fine_tune": range(300)}, tables=CONFIRM + gate).run()
    holdout(bench, [case(n) for n in range(200, 260)])

    ran = bench.run()

    assert ran.status == 0
    assert (
        "prompt met on the eval set, not on the hold-out set: answer[all] 0.00 < 0.90 (n = 60); versions held"
        in (decisions(bench)[-1]["reason"])
    )
    assert "versions held against other hold-out sets: 1" in decisions(bench)[-1]["reason"]


def test_once_a_cheaper_rung_holds_the_tuned_one_may_go(bench: Bench):
    gate = '\n[gate]\nrequired = ["prompt"]\nmin_form_share = 0\n[gate.effort]\nprompt = 1'
    held(bench, {"prompt": 2, "fine_tune": range(200)}, tables=CONFIRM + gate).run()
    bench.system("prompt", right(of_sixty=60))

    ran = bench.run()

    assert ran.status == 0
    assert "de-escalation: prompt now meets the target that fine_tune was selected for" in ran.flat


def test_one_that_the_hold_out_set_does_not_confirm_is_no_de_escalation(bench: Bench):
    gate = '\n[gate]\nrequired = ["prompt"]\nmin_form_share = 0\n[gate.effort]\nprompt = 1'
    held(bench, {"prompt": 2, "fine_tune": range(200)}, tables=CONFIRM + gate).run()
    bench.system("prompt", right(of_sixty=30))

    ran = bench.run()

    assert ran.status == 0
    assert "de-escalation" not in ran.flat
    assert decisions(bench)[-1]["selected"] == "fine_tune"


def test_a_rung_that_ends_early_is_looked_at_in_full(bench: Bench):
    certain = CONFIRM + '\nstop = "certain"'
    held(bench, {"prompt": set(), "few_shot": range(200)}, cases=60, tables=certain)

    assert bench.run("--ladder-concurrency=1").status == 0
    asked = bench.asked("few_shot")
    assert len([case for case in asked if len(case) == 4]) == 60  # c100 to c159
    assert bench.verdicts[-1] == "selected few_shot"
    assert unchanged(bench, "--ladder-record=none").status == 0


def test_a_look_that_was_interrupted_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    held(bench, {"prompt": 4, "few_shot": range(200)})
    stop = "    import os\n    if case.id == 'c130' and 'GO_ON' not in os.environ:\n        os._exit(9)\n"
    bench.edit("few_shot.py", "def answer(case):\n", "def answer(case):\n" + stop)

    assert bench.spawn("--ladder-concurrency=1").returncode == 9
    assert (len(bench.recorded("few_shot")), bench.log) == (40, [])
    bench.asked()
    monkeypatch.setenv("GO_ON", "1")

    assert bench.run().status == 0
    assert bench.asked("few_shot") == [f"c{n}" for n in range(130, 160)]
    assert [look["reason"] for look in looks(bench)] == ["hold-out, look 1"]
