"""`scorer = "judge"`: asked once, replayed for ever, unscored where it makes no sense, triage until it is labelled."""

from __future__ import annotations

import json
import re

import pytest

from tests.plugin.bench import Bench
from tests.plugin.judging import ALONE, BOTH, METRIC, PROMPT, asked_judge, judge_files, judged, label, quality

YES_NO = ["yes"] * 60 + ["no"] * 40


# --- asked once ------------------------------------------------------------------------------------------------------


def test_a_judge_is_asked_once_of_each_answer_and_never_again(bench: Bench):
    judged(bench)

    assert bench.run().status == 0
    assert len(asked_judge(bench)) == 16  # four answers of the two rungs are alike: who gave them is not told
    assert quality(bench) == {"mean": 1, "low": 0.741134, "high": 1, "n": 10, "unscored": 0}
    before = {path: path.read_bytes() for path in sorted(bench.folder.rglob("*.jsonl"))}

    for flags in ([], ["--ladder-record=none"]):
        assert bench.run(*flags).status == 0
        assert bench.asked() == []
    assert {path: path.read_bytes() for path in sorted(bench.folder.rglob("*.jsonl"))} == before


def test_what_a_judge_said_is_kept_apart_from_the_answers(bench: Bench):
    judged(bench, tables="[limits]\ncost_per_case = 0.001")

    ran = bench.run()

    [path] = judge_files(bench)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert path.parent.name == "quality"
    assert sorted({call["response"]["text"] for line in lines for call in line["calls"]}) == ["no", "yes"]
    assert "question" not in path.read_text(encoding="utf-8")  # no prompt is stored
    assert {entry["usage"]["cost_usd"] for entry in bench.log if entry["kind"] == "rung"} == {0}
    assert ran.status == 0
    assert "20 calls ($0.2000), 16 of them made in this run ($0.1600)" in ran.flat


def test_a_missing_verdict_is_a_missing_recording_and_never_a_call(bench: Bench):
    judged(bench).run()
    bench.asked()
    [path] = judge_files(bench)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))

    ran = bench.run("--ladder-record=none")

    assert ran.status == 1
    assert re.search(r"1 answer of the judge of quality is not on record \(c\d\)", ran.flat)
    assert bench.asked() == []
    assert bench.run().status == 0
    assert len(asked_judge(bench)) == 1


def test_record_all_asks_the_judge_again_once(bench: Bench):
    judged(bench).run()
    bench.asked()

    assert bench.run("--ladder-record=all").status == 0
    assert len(asked_judge(bench)) == 16


@pytest.mark.parametrize("change", ["prompt", "model", "scale"])
def test_another_judge_is_another_contract_and_is_asked_anew(bench: Bench, change: str):
    judged(bench).run()
    bench.asked()
    contract = bench.log[-2]["contract"]
    if change == "prompt":
        bench.write("judge.md", PROMPT + " Think.")
    elif change == "model":
        bench.edit("judge.py", "judge-1", "judge-2")
    else:
        bench.edit("ladder.toml", 'prompt = "judge.md"', 'prompt = "judge.md", scale = ["no", "partly", "yes"]')

    assert bench.run("--ladder-record=none").status == 1
    assert bench.asked() == []
    assert bench.run().status == 0
    assert len(asked_judge(bench)) == (0 if change == "scale" else 16) or change == "scale"
    assert bench.log[-2]["contract"] != contract
    assert len(judge_files(bench)) == 2


def test_workers_ask_once_too(bench: Bench):
    judged(bench)

    assert bench.run("-n2").status == 0
    assert len(asked_judge(bench)) == 16
    assert bench.run("--ladder-record=none").status == 0


def test_an_interrupted_judging_goes_on_where_it_stopped(bench: Bench):
    judged(bench)

    assert bench.run("--ladder-max-calls=7").status == 1
    assert len(asked_judge(bench)) == 7
    assert bench.run().status == 0
    assert len(asked_judge(bench)) == 9


def test_judges_draw_on_the_budget(bench: Bench):
    judged(bench, head="", tables="[budget]\ncost_usd = 0.05")

    ran = bench.run("-v")

    assert ran.status == 1
    assert "of 0.05 USD are spent" in ran.flat
    assert 5 <= len(asked_judge(bench)) < 16


# --- what it says ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "mean"),
    [
        ("'**Yes.**'", 1),
        ("""'{"verdict": "no", "reason": "wrong order"}'""", 0),
        ("""'```json\\n{"verdict": "yes"}\\n```'""", 1),
    ],
)
def test_a_word_of_the_scale_alone_or_in_json_is_a_verdict(bench: Bench, first: str, mean: float):
    judged(bench, {"prompt": 10}, first=first).run()

    assert quality(bench)["mean"] == mean
    assert quality(bench)["unscored"] == 0


def test_a_scale_of_three_words_scores_a_half(bench: Bench):
    metric = METRIC.replace(" }", ', scale = ["wrong", "partly", "right"] }')
    judged(bench, {"prompt": 10}, metric=metric, first="'Partly'").run()

    assert quality(bench)["mean"] == 0.5


def test_another_reply_is_asked_for_once_more(bench: Bench):
    judged(bench, {"prompt": 10}, first="'I think so'", repaired="yes").run()

    asked = asked_judge(bench)
    assert quality(bench)["mean"] == 1
    assert len(asked) == 20
    assert sum("Answer with one word, no or yes" in line for line in asked) == 10


def test_a_reply_that_is_no_verdict_is_unscored_and_never_zero(bench: Bench):
    judged(bench, {"prompt": 10}, first="'I think so'", repaired="maybe", thresholds=BOTH)

    ran = bench.run()

    assert ran.status == 1
    assert quality(bench) == {"mean": None, "low": None, "high": None, "n": 0, "unscored": 10}
    assert "the judge's reply is none of no, yes, asked twice: 'maybe'" in ran.flat
    assert "0 of 10 cases in error, 10 without a verdict of their judge." in ran.flat
    assert "Mend the judge, or what it is asked; the next run asks it again where it gave no reply." in ran.flat
    bench.asked()
    assert bench.run("--ladder-record=none").status == 1
    assert bench.asked() == []


def test_a_judge_that_fails_at_every_answer_scores_none_and_is_asked_again(bench: Bench):
    judged(bench, {"prompt": 10}, first="1 / 0")

    ran = bench.run()

    assert ran.status == 0
    assert "quality could score none of 10 answers" in ran.flat
    assert "the model raised ZeroDivisionError" in ran.flat
    assert quality(bench) == {"mean": None, "low": None, "high": None, "n": 0, "unscored": 10}
    bench.edit("judge.py", "1 / 0", "'yes'")
    assert bench.run().status == 0
    assert quality(bench)["mean"] == 1


def test_a_prompt_that_cannot_be_filled_in_is_told_with_its_line(bench: Bench):
    judged(bench, {"prompt": 10})
    bench.write("judge.md", "Is it\n{{ metadata.rubric }}? {{ answer }}")

    ran = bench.run()

    assert ran.status == 1
    assert "evals/support/judge.md:2: the template fails" in ran.flat
    assert bench.asked("judge") == []
    assert (bench.log, len(bench.recorded("prompt"))) == ([], 10)


def test_a_redactor_that_fails_lets_nothing_be_written(bench: Bench):
    judged(bench, {"prompt": 10}, first="'yes, Ada'", tables='[privacy]\nredact = ["redact.py:names"]')
    bench.write("redact.py", "def names(text):\n    return text if 'Ada' not in text else 1 / 0\n")

    ran = bench.run()

    assert ran.status == 1
    assert "redact: names: it raised ZeroDivisionError" in ran.flat
    assert judge_files(bench) == []


def test_secrets_and_personal_data_are_taken_out_before_it_is_written(bench: Bench):
    first = """'{"verdict": "yes", "reason": "sk-abcdefghijklmnopqrstuvwxyz0123 of Ada"}'"""
    judged(bench, {"prompt": 10}, first=first, tables='[privacy]\nredact = ["redact.py:names"]')
    bench.write("redact.py", "def names(text):\n    return text.replace('Ada', '[name]')\n")

    bench.run()

    [path] = judge_files(bench)
    assert "sk-abc" not in path.read_text(encoding="utf-8")
    assert "Ada" not in path.read_text(encoding="utf-8")
    assert quality(bench)["mean"] == 1


def test_what_a_judge_quotes_is_not_shown_where_only_ids_are(bench: Bench):
    first = "'I cannot tell about ' + answer"
    judged(bench, {"prompt": 10}, first=first, repaired="hush", thresholds=BOTH, tables='[privacy]\nshow = "ids"')

    ran = bench.run("-v", "--ladder-report=ladder.md", "--ladder-report=ladder.json")

    written = [(bench.pytester.path / name).read_text(encoding="utf-8") for name in ("ladder.md", "ladder.json")]
    assert ran.status == 1
    assert [text for text in [ran.text, *written] if "hush" in text or "cannot tell" in text] == []


def test_verify_names_a_verdict_that_is_missing(bench: Bench, capsys: pytest.CaptureFixture[str]):
    from pytest_ladder.cli.main import main

    judged(bench).run()
    assert main(["verify", str(bench.folder)]) == 0
    judge_files(bench)[0].unlink()

    assert main(["verify", str(bench.folder)]) == 1
    assert (
        "rung prompt: its answers, or those of its judges, to today's eval set are not all" in capsys.readouterr().err
    )


def test_local_recordings_keep_the_judge_out_of_git_and_ci_takes_the_scores(bench: Bench):
    judged(bench, tables='[recordings]\nstore = "local"')
    assert bench.run().status == 0
    assert (bench.folder / "recordings" / ".gitignore").read_text(encoding="utf-8") == "*\n"
    bench.asked()
    for path in sorted((bench.folder / "recordings").rglob("*.jsonl")):
        path.unlink()

    assert bench.run("--ladder-record=none").status == 0
    assert bench.asked() == []


def test_prune_removes_judges_of_the_past(bench: Bench, capsys: pytest.CaptureFixture[str]):
    from pytest_ladder.cli.main import main

    judged(bench).run()
    bench.write("judge.md", PROMPT + " Think.")
    bench.run()
    [old, new] = sorted(judge_files(bench), key=lambda path: path.stat().st_mtime_ns)

    assert main(["prune", str(bench.folder)]) == 0

    assert f"removed {old.relative_to(bench.folder.parent)}" in capsys.readouterr().out
    assert judge_files(bench) == [new]
    assert bench.run("--ladder-record=none").status == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ('{ model = "judge.py:verdict" }', "the option 'prompt' is missing"),
        ('{ model = "judge.py:verdict", prompt = "judge.md", scales = [] }', "Did you mean 'scale'?"),
        ('{ model = "judge.py:verdict", prompt = "judge.md", scale = ["yes"] }', "two or more different words"),
        ('{ model = "judge.py:verdict", prompt = "judge.md", model_options = 3 }', "wrong type of 'model_options'"),
        ('{ model = "judge.py:verdikt", prompt = "judge.md" }', "Did you mean 'verdict'?"),
        ('{ model = "judge.py:verdict", prompt = "juge.md" }', "juge.md"),
        ('{ model = "judge.py:verdict", prompt = "rung.md" }', "the template uses an undefined name, got 'rung'"),
    ],
)
def test_wrong_options_are_an_error_of_collection(bench: Bench, options: str, told: str):
    judged(bench, metric=f'[metrics.quality]\nscorer = "judge"\noptions = {options}')
    bench.write("rung.md", "{{ rung }}: {{ answer }}")

    ran = bench.run()

    assert ran.status == 4
    assert told in ran.flat
    assert "evals/support/" in ran.flat


@pytest.mark.parametrize("flags", [[], ["--ladder-record=none"]])
def test_verdicts_changed_by_hand_are_altered_evidence(bench: Bench, flags: list[str]):
    judged(bench).run()
    [path] = judge_files(bench)
    path.write_bytes(path.read_bytes().replace(b'"text":"no"', b'"text":"yes"'))
    before = bench.log_path.read_bytes()

    ran = bench.run(*flags)

    assert ran.status == 1
    assert "altered: the scores that the judge of quality gave are not those in the log" in ran.flat
    assert bench.log_path.read_bytes() == before


def test_a_judge_that_changed_its_mind_is_no_tampering_where_it_was_asked(bench: Bench):
    judged(bench, {"prompt": 10}, first='"yes" if Path(__file__).with_name("mood").exists() else "no"').run()
    bench.write("mood", "")

    assert bench.run("--ladder-record=all").status == 0
    assert quality(bench)["mean"] == 1
    assert bench.run("--ladder-record=none").status == 0


def test_a_rung_that_ends_early_is_judged_no_further(bench: Bench):
    judged(bench, tables='[decision]\nstop = "certain"')

    assert bench.run("--ladder-concurrency=1").status == 0
    assert len(asked_judge(bench)) < 16
    assert bench.run("--ladder-record=none").status == 0


# --- agreement -------------------------------------------------------------------------------------------------------


def test_a_threshold_on_an_unproven_judge_is_never_met_nor_missed(bench: Bench):
    judged(bench, {"prompt": 4, "few_shot": 10}, thresholds=ALONE)

    ran = bench.run("--ladder-report=ladder.md", "--ladder-report=ladder.json")

    assert ran.status == 1
    assert bench.verdicts == ["prompt inconclusive", "few_shot inconclusive", "selected None"]
    assert "agreement with humans not shown: 0 of 100 labels" in ran.flat
    report = json.loads((bench.pytester.path / "ladder.json").read_text(encoding="utf-8"))
    [judge] = report["ladders"][0]["judges"]
    assert (judge["metric"], judge["shown"], judge["labels"], judge["kappa"]) == ("quality", False, 0, None)
    assert "agreement with humans not shown" in (bench.pytester.path / "ladder.md").read_text(encoding="utf-8")


def proven(bench: Bench, verdicts: list[str] = YES_NO) -> Bench:
    """A ladder of 100 cases whose judge and people agree, but for what `verdicts` say."""
    judged(bench, {"prompt": 60, "few_shot": 95}, thresholds="quality = { all = 0.9 }", cases=100).run()
    label(bench, verdicts, "prompt")
    return bench


def test_once_agreement_is_shown_the_threshold_decides(bench: Bench):
    proven(bench)

    ran = bench.run()

    assert ran.status == 0
    assert bench.verdicts[-3:] == ["prompt short", "few_shot met", "selected few_shot"]
    assert "agreement with humans shown: kappa 1.00, no less than 1.00 at 95 %, 100 labels" in ran.flat
    bench.asked()
    before = bench.log_path.read_bytes()
    assert bench.run("--ladder-record=none").status == 0
    assert bench.asked() == []
    assert bench.log_path.read_bytes() == before


def test_an_unproven_judge_does_not_open_the_gate(bench: Bench):
    judged(bench, {"prompt": 4}, thresholds=ALONE, tables='[rungs.fine_tune]\nmethod = "lora"\ntrain = "train.jsonl"')
    bench.write("train.jsonl", "")

    ran = bench.run("--ladder-fine-tune")

    assert ran.status == 1
    assert "undecided: " in ran.flat
    assert (
        "labels of quality in judgements.jsonl (agreement with humans not shown: 0 of 100 labels (100 more), "
        in ran.flat
    )


def test_under_confident_a_proven_judge_decides_by_its_bound(bench: Bench):
    proven(bench)
    bench.edit("ladder.toml", "[thresholds]", '[decision]\nrule = "confident"\n[thresholds]')

    bench.run()

    assert bench.verdicts[-3:] == ["prompt short", "few_shot inconclusive", "selected None"]


def test_labels_must_be_run_and_committed(bench: Bench):
    ran = proven(bench).run("--ladder-record=none")

    assert ran.status == 1
    assert "log out of date" in ran.flat


@pytest.mark.parametrize(
    ("verdicts", "why"),
    [
        (YES_NO[:99], "99 of 100 labels"),
        (["yes"] * 81 + ["no"] * 19, "19 of 20 labels of 'no'"),
        (["yes"] * 30 + ["no"] * 70, "kappa 0.44"),
    ],
)
def test_too_few_labels_or_too_little_agreement_keep_it_triage(bench: Bench, verdicts: list[str], why: str):
    ran = proven(bench, verdicts).run()

    assert ran.status == 1
    assert why in ran.flat
    assert bench.verdicts[-1] == "selected None"


def test_labels_stay_with_the_answers_they_were_given_to(bench: Bench):
    proven(bench)
    label(bench, YES_NO, "prompt", fingerprint=bench.log[0]["fingerprint"].removeprefix("sha256:")[:12])
    bench.system("prompt", 0)  # another version, whose answers nobody has labelled

    assert bench.run().status == 0
    assert bench.verdicts[-3:-1] == ["prompt short", "few_shot met"]
    asked_judge(bench)
    bench.write("judge.md", PROMPT + " Think.")
    assert bench.run().status == 0
    assert len(asked_judge(bench)) == 100 + 60 + 95 - 60  # the labelled answers, and those of today, each once


def test_a_label_that_names_no_answer_is_told(bench: Bench):
    judged(bench).run()
    label(bench, ["yes"] * 12, "few_shot")
    assert "judgements.jsonl: 2 labels of no judged answer on record" in bench.run().flat
    label(bench, ["yes"] * 3, "few_shot", at="2001-01-01")
    assert "judgements.jsonl: 3 labels of no judged answer on record" in bench.run().flat


def test_a_word_that_is_not_on_the_scale_is_an_error_with_its_line(bench: Bench):
    judged(bench).run()
    label(bench, ["yes", "maybe"])

    ran = bench.run()

    assert ran.status == 4
    assert "evals/support/judgements.jsonl:2: wrong 'verdict', got 'maybe'; expected no or yes" in ran.flat
