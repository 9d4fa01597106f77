"""Under `stop = "certain"` a rung ends once no remaining case can change a verdict, and nothing else changes."""

from __future__ import annotations

import json
import random
import shutil
from typing import Any

import pytest

from pytest_ladder.core.entries import Figure
from pytest_ladder.core.thresholds import check_threshold
from tests.plugin.bench import MODEL, Bench, case

CERTAIN = '[decision]\nstop = "certain"'


def early(bench: Bench, rungs: dict[str, Any], **parts: Any) -> Bench:
    """A ladder of 60 cases whose rungs end early."""
    tables = f"{CERTAIN}\n{parts.pop('decision', '')}\n{parts.pop('tables', '')}"
    return bench.make(rungs, cases=parts.pop("cases", 60), tables=tables, **parts)


def figure(entry: dict[str, Any], slice_: str = "all") -> dict[str, Any]:
    return entry["scores"]["answer"][slice_]


def test_a_rung_ends_as_soon_as_its_verdict_is_certain(bench: Bench) -> None:
    early(bench, {"prompt": 0, "few_shot": 60})

    ran = bench.run("--ladder-concurrency=1")

    assert ran.status == 0
    assert bench.verdicts == ["prompt short", "few_shot met", "selected few_shot"]
    assert len(bench.asked("prompt")) == 7  # of 60 cases 54 must be right
    assert len(bench.recorded("few_shot")) == 54
    short, met = bench.log[:2]
    assert (short["cases"], short["errors"]) == (60, 0)
    assert (figure(short)["n"], figure(short)["mean"], figure(short)["unscored"]) == (7, 0.0, 0)
    assert figure(short)["low"] == 0.0 < figure(short)["high"] < 1.0
    assert figure(met)["n"] == 54


def test_a_second_run_asks_nothing_and_leaves_the_log_as_it_is(bench: Bench) -> None:
    early(bench, {"prompt": 10, "few_shot": 58})
    assert bench.run().status == 0
    bench.asked()
    before = bench.log_path.read_bytes()

    assert bench.run().status == 0
    assert bench.run("--ladder-record=none").status == 0
    assert bench.asked() == []
    assert bench.log_path.read_bytes() == before


def test_the_terminal_tells_how_many_were_asked(bench: Bench) -> None:
    early(bench, {"prompt": 0, "few_shot": 30})

    ran = bench.run("--ladder-concurrency=1")

    assert ran.status == 1
    assert "asked 7 of 60: certain" in ran.text


def test_under_all_what_is_on_record_is_asked_again_and_no_more_than_it_takes(bench: Bench) -> None:
    early(bench, {"prompt": 20, "few_shot": 60})
    assert bench.run("--ladder-concurrency=1").status == 0
    known = bench.recorded("prompt")
    bench.asked()

    assert bench.run("--ladder-record=all", "--ladder-concurrency=1").status == 0

    assert len(known) < 60
    assert bench.asked("prompt") == known
    assert bench.log_path.read_text().count('"kind":"decision"') == 1


def test_all_on_a_new_ladder_ends_early_too(bench: Bench) -> None:
    early(bench, {"prompt": 0, "few_shot": 60})

    assert bench.run("--ladder-record=all", "--ladder-concurrency=1").status == 0
    assert len(bench.asked("prompt")) == 7


def test_a_changed_threshold_asks_on_from_where_it_stopped(bench: Bench) -> None:
    early(bench, {"prompt": 20, "few_shot": 60}, thresholds="answer = { all = 0.9 }")
    assert bench.run("--ladder-concurrency=1").status == 0
    known = set(bench.recorded("prompt"))
    bench.asked()
    bench.edit("ladder.toml", "all = 0.9", "all = 0.4")

    read_only = bench.run("--ladder-record=none")
    assert read_only.status == 1
    assert f"{60 - len(known)} answers are not on record" in read_only.flat
    assert bench.asked() == []
    assert bench.run("--ladder-concurrency=1").status == 0

    further = set(bench.asked("prompt"))
    assert further
    assert not further & known
    assert bench.verdicts[3:] == ["prompt short", "few_shot met", "selected few_shot"]
    assert bench.run("--ladder-record=none").status == 0


def test_never_asks_for_the_rest_and_certain_again_takes_all_that_is_known(bench: Bench) -> None:
    early(bench, {"prompt": 20, "few_shot": 60})
    assert bench.run().status == 0
    bench.edit("ladder.toml", 'stop = "certain"', 'stop = "never"')

    assert bench.run().status == 0
    assert len(bench.recorded("prompt")) == 60
    bench.asked()
    bench.edit("ladder.toml", 'stop = "never"', 'stop = "certain"')

    assert bench.run().status == 0
    assert bench.asked() == []
    assert figure([entry for entry in bench.log if entry.get("rung") == "prompt"][-1])["n"] == 60
    assert bench.run("--ladder-record=none").status == 0


def test_a_grown_eval_set_is_asked_only_as_far_as_it_takes(bench: Bench) -> None:
    early(bench, {"prompt": 20, "few_shot": 100})
    assert bench.run("--ladder-concurrency=1").status == 0
    before = set(bench.recorded("few_shot"))
    bench.asked()
    bench.cases([case(number) for number in range(80)])

    assert bench.run("--ladder-concurrency=1").status == 0

    asked = bench.asked("few_shot")
    assert len(before) + len(asked) == 72
    assert bench.log[-2]["cases"] == 80


def test_a_smoke_run_in_between_is_no_alteration(bench: Bench) -> None:
    early(bench, {"prompt": 20, "few_shot": 60})
    assert bench.run("--ladder-concurrency=1").status == 0
    assert bench.run("--ladder-limit=20", "--ladder-rung=prompt").status == 1
    assert len(bench.recorded("prompt")) > figure(bench.log[0])["n"]
    (bench.folder / "recordings/prompt").joinpath(
        next((bench.folder / "recordings/prompt").glob("*.pending")).name
    ).unlink()

    read_only = bench.run("--ladder-record=none")

    assert "altered" not in read_only.text
    assert "log out of date" in read_only.flat
    assert bench.run().status == 0
    assert bench.run("--ladder-record=none").status == 0


def test_an_answer_that_is_gone_is_an_alteration_though_the_verdict_is_certain_without_it(bench: Bench) -> None:
    early(bench, {"prompt": 0, "few_shot": 60})
    assert bench.run("--ladder-concurrency=16").status == 0
    [path] = (bench.folder / "recordings/prompt").glob("*.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    assert len(lines) > 7
    path.write_text("".join(lines[:-1]))

    assert "altered: the recorded answers are not those that the log digests" in bench.run("--ladder-record=none").flat


def test_repeats_of_a_case_that_is_begun_are_all_asked(bench: Bench) -> None:
    early(bench, {"prompt": 0, "few_shot": 60}, head="repeats = 3")

    assert bench.run("--ladder-concurrency=4").status == 0

    asked = bench.asked("prompt")
    assert {asked.count(name) for name in asked} == {3}
    assert 7 <= len(set(asked)) <= 10
    assert figure(bench.log[0])["n"] == len(set(asked))
    assert bench.run("--ladder-record=none").status == 0


def test_the_hold_out_set_is_scored_to_its_end(bench: Bench) -> None:
    early(bench, {"prompt": 100}, head='holdout = "holdout.jsonl"')
    bench.write("holdout.jsonl", "".join(json.dumps(case(number)) + "\n" for number in range(60, 90)))

    assert bench.run("--ladder-holdout", "--ladder-concurrency=1").status == 0

    asked = bench.asked("prompt")
    assert len([name for name in asked if int(name[1:]) >= 60]) == 30
    assert len(asked) == 54 + 30


def test_a_smoke_run_is_not_cut_short(bench: Bench) -> None:
    early(bench, {"prompt": 0})

    bench.run("--ladder-limit=10")

    assert len(bench.asked("prompt")) == 20  # 10 of the slice, 10 without


FAILING = """\
from pathlib import Path


def answer(case):
    with Path(__file__).with_name("asked.txt").open("a", encoding="utf-8") as file:
        file.write(f"prompt {{case.id}}\\n")
    number = int(case.input.split()[-1])
    if number in {broken} and not Path(__file__).with_name("mended").exists():
        raise ValueError("down")
    return f"answer {{number}}"
"""


def test_a_case_in_error_is_a_case_that_is_not_known(bench: Bench) -> None:
    early(bench, {"prompt": 60}, decision="max_error_rate = 0.05")
    bench.write("prompt.py", FAILING.format(broken=(3, 20, 40)))

    ran = bench.run("--ladder-concurrency=1")

    assert ran.status == 0
    assert len(bench.recorded("prompt")) == 54
    assert bench.log[0]["errors"] == 0
    broken = len(bench.asked("prompt")) - 54
    assert broken > 0
    assert f"{broken} case" in ran.flat
    assert "in error: the verdict is certain without" in ran.flat
    before = bench.log_path.read_bytes()
    assert bench.run().status == 0
    assert bench.run("--ladder-record=none").status == 0
    assert bench.asked() == []
    assert bench.log_path.read_bytes() == before


def test_too_many_errors_are_an_error_and_the_next_run_asks_for_all_that_is_left(bench: Bench) -> None:
    early(bench, {"prompt": 60})
    bench.write("prompt.py", FAILING.format(broken=range(0, 60, 10)))

    assert bench.run("--ladder-concurrency=1").status == 1
    assert bench.log[0]["verdict"] == "error"
    assert bench.log[0]["errors"] == len(bench.asked("prompt")) - 54 > 0
    assert len(bench.recorded("prompt")) == 54
    bench.write("mended", "")

    assert bench.run().status == 0
    assert bench.verdicts == ["prompt error", "prompt met", "selected prompt"]
    assert len(bench.recorded("prompt")) == 60, "which cases were in error is not on record"


def test_a_budget_that_lasts_until_the_verdict_is_certain_is_enough(bench: Bench) -> None:
    early(bench, {"prompt": 60}, head='model = "models.py:reply"')
    bench.write("models.py", MODEL)
    bench.write(
        "prompt.py", "def answer(case, llm):\n    return llm.chat([{'role': 'user', 'content': case.input}]).text\n"
    )

    assert bench.run("--ladder-max-calls=54", "--ladder-concurrency=1").status == 0
    assert len(bench.asked("model")) == 54
    assert bench.run("--ladder-record=none").status == 0


def test_after_an_error_a_version_is_asked_in_full(bench: Bench) -> None:
    """Which cases were in error is not on record: the rest may hold them."""
    early(bench, {"prompt": 60}, head='model = "models.py:reply"')
    bench.write("models.py", MODEL)
    bench.write(
        "prompt.py", "def answer(case, llm):\n    return llm.chat([{'role': 'user', 'content': case.input}]).text\n"
    )

    assert bench.run("--ladder-max-calls=30", "--ladder-concurrency=1").status == 1
    assert bench.verdicts == ["prompt error"]
    assert bench.run("--ladder-max-calls=24", "--ladder-concurrency=1").status == 1
    assert bench.run("--ladder-max-calls=6", "--ladder-concurrency=1").status == 0
    assert len(bench.asked("model")) == 60
    assert bench.verdicts == ["prompt error", "prompt error", "prompt met", "selected prompt"]


def test_a_rung_whose_budget_is_spent_is_still_known_if_its_verdict_is_certain(bench: Bench) -> None:
    early(bench, {"prompt": 10, "few_shot": 60}, head='model = "models.py:reply"')
    bench.write("models.py", MODEL)
    assert bench.run("--ladder-concurrency=1").status == 0
    bench.write(
        "prompt.py", "def answer(case, llm):\n    return llm.chat([{'role': 'user', 'content': case.input}]).text * 0\n"
    )

    ran = bench.run("--ladder-max-calls=3", "--ladder-concurrency=1", "--ladder-climb=all", "-v")

    assert "few_shot" in ran.text
    assert ran.outcomes()["few_shot"] in ("met", "selected", "MET", "SELECTED")


def test_on_workers_as_on_one(bench: Bench) -> None:
    early(bench, {"prompt": 0, "few_shot": 60})

    ran = bench.run("-n", "2", "--ladder-concurrency=1")

    assert ran.status == 0
    assert "asked 7 of 60: certain" in ran.text
    assert bench.verdicts == ["prompt short", "few_shot met", "selected few_shot"]
    assert bench.run("-n", "2", "--ladder-record=none").status == 0


def test_scores_in_place_of_answers_prove_the_verdict_too(bench: Bench) -> None:
    early(bench, {"prompt": 10, "few_shot": 60}, tables='[recordings]\nstore = "local"')
    assert bench.run("--ladder-concurrency=1").status == 0
    assert bench.run("--ladder-record=none").status == 0
    shutil.rmtree(bench.folder / "recordings")

    ran = bench.run("--ladder-record=none")

    assert ran.status == 0, ran.text
    assert "answers not verifiable here" in ran.flat
    [scores] = (bench.folder / "scores/few_shot").glob("*.jsonl")
    scores.write_text("".join(scores.read_text().splitlines(keepends=True)[:-4]))
    assert bench.run("--ladder-record=none").status == 1


def test_the_gate_says_that_the_stop_is_why_it_is_not_clear(bench: Bench) -> None:
    gate = '[gate]\nrequired = ["prompt"]\nmin_form_share = 0\n[gate.effort]\nprompt = 1'
    early(bench, {"prompt": 10, "fine_tune": 60}, tables=gate)

    ran = bench.run("--ladder-fine-tune", "--ladder-concurrency=1")

    assert ran.status == 1
    assert "undecided: prompt: its figures do not clearly miss the target" in ran.flat
    assert 'were not asked, for stop = "certain": set it to "never"' in ran.flat
    bench.edit("ladder.toml", 'stop = "certain"', 'stop = "never"')
    assert bench.run("--ladder-fine-tune").status == 0


def test_an_undecided_rung_that_ended_early_wants_other_cases(bench: Bench) -> None:
    early(bench, {"prompt": 51}, decision='rule = "confident"', thresholds="answer = { all = 0.85 }")

    ran = bench.run("--ladder-concurrency=1")

    assert ran.status == 1
    assert bench.verdicts[0] == "prompt inconclusive"
    assert len(bench.asked("prompt")) < 60
    assert "to decide it: more cases than the 60 of the eval set" in ran.flat


def test_the_order_is_that_of_the_seed_and_of_the_slices(bench: Bench) -> None:
    early(bench, {"prompt": 0}, head="seed = 5")
    bench.run("--ladder-concurrency=1")
    first = bench.asked("prompt")
    shutil.rmtree(bench.folder / "recordings")
    bench.log_path.unlink()
    bench.cases([case(number) for number in reversed(range(60))])

    bench.run("--ladder-concurrency=1")

    assert bench.asked("prompt") == first
    assert {int(name[1:]) % 2 for name in first} == {0, 1}


def test_reports_show_the_cases_that_were_asked_alone(bench: Bench) -> None:
    early(bench, {"prompt": 0, "few_shot": 60})
    paths = [bench.folder / f"report{kind}" for kind in (".html", ".md", ".json")]

    ran = bench.run("--ladder-concurrency=1", *(f"--ladder-report={path}" for path in paths))

    assert ran.status == 0, ran.text
    page, comment, data = (path.read_text(encoding="utf-8") for path in paths)
    assert "asked 7 of 60: certain" in comment
    assert json.loads(data)["ladders"][0]["rungs"][0]["entry"]["scores"]["answer"]["all"]["n"] == 7
    shown = {name for name in (f"c{n}" for n in range(60)) if f'"{name}"' in page}
    assert shown == set(bench.recorded("prompt"))


# --- lossless ---------------------------------------------------------------------------------------------------------

GRADED = """\
import hashlib
from pathlib import Path


def answer(case):
    with Path(__file__).with_name("asked.txt").open("a", encoding="utf-8") as file:
        file.write(f"{rung} {{case.id}}\\n")
    drawn = [int(hashlib.sha256(f"{seed} {{case.id}} {{part}}".encode()).hexdigest()[:8], 16) / 2**32 for part in "ab"]
    said = "right" if drawn[0] < {right} else "wrong"
    return f"{{said}} {{min(1.0, max(0.0, {share} + (drawn[1] - 0.5) * {spread})):.3f}}"
"""

SCORERS = """\
async def share(case, answer):
    return float(answer.text.split()[-1])


def said(case, answer):
    return answer.text.startswith("right")


said.binary = {binary}
"""

RUNGS = ("prompt", "few_shot", "rag")


def drawn(bench: Bench, rng: random.Random, rule: str) -> None:
    """Write a ladder of random size, slices, thresholds and metrics, whose rungs are of random quality."""
    cases = [
        case(n, expected="right", slices=rng.sample(["a", "b"], rng.randint(0, 2))) for n in range(rng.randint(60, 160))
    ]
    names = ["all", *(name for name in "ab" if sum(name in c["slices"] for c in cases) >= 25)]
    levels = {metric: {name: rng.choice([0.3, 0.5, 0.7, 0.8]) for name in rng.sample(names, rng.randint(1, len(names)))}
              for metric in rng.sample(["has", "said", "share"], rng.randint(1, 3))}  # fmt: skip
    thresholds = "\n".join(
        f"{metric} = {{ {', '.join(f'{k} = {v}' for k, v in row.items())} }}" for metric, row in levels.items()
    )
    tables = (
        f'[metrics.has]\nscorer = "contains"\n[metrics.said]\nscorer = "scorers.py:said"\n[metrics.share]\n'
        f'scorer = "scorers.py:share"\n[decision]\nrule = "{rule}"\nstop = "never"'
    )
    bench.make(
        dict.fromkeys(RUNGS, 0),
        thresholds=thresholds,
        tables=tables,
        head=f"repeats = {rng.choice([1, 1, 2])}\nseed = {rng.randrange(99)}",
    )
    bench.cases(cases)
    bench.write("scorers.py", SCORERS.format(binary=rng.choice([True, False])))
    for rung in RUNGS:
        parts = {
            "right": rng.choice([0.0, 0.3, 0.6, 0.8, 0.95, 1.0]),
            "share": rng.random(),
            "spread": rng.choice([0.0, 0.2, 1.0]),
        }
        bench.write(f"{rung}.py", GRADED.format(rung=rung, seed=rng.random(), **parts))


def judged(bench: Bench) -> dict[str, Any]:
    """Rung -> its verdict and that of each threshold; and the lever."""
    import tomllib

    spec = tomllib.loads(bench.toml.read_text())
    found: dict[str, Any] = {}
    for entry in bench.log:
        if entry["kind"] == "decision":
            found["selected"] = entry["selected"]
            continue
        checks = [
            check_threshold(Figure(**entry["scores"][metric][name]), least, spec["decision"]["rule"])
            for metric, row in spec["thresholds"].items()
            for name, least in row.items()
        ]
        found[entry["rung"]] = entry["verdict"], checks
    return found


@pytest.mark.parametrize("rule", ["point", "confident"])
@pytest.mark.parametrize("seed", range(4))
def test_every_verdict_is_that_of_the_full_run(bench: Bench, seed: int, rule: str) -> None:
    drawn(bench, random.Random(seed), rule)
    full = bench.run("--ladder-climb=all").status
    every, wanted = len(bench.asked()), judged(bench)
    bench.log_path.unlink()
    for path in (bench.folder / "recordings").rglob("*.jsonl"):
        path.unlink()
    bench.edit("ladder.toml", 'stop = "never"', 'stop = "certain"')

    assert bench.run("--ladder-climb=all", "--ladder-concurrency=3").status == full
    asked, log = len(bench.asked()), bench.log_path.read_bytes()

    assert judged(bench) == wanted
    assert 0 < asked <= every
    assert asked < every or rule == "confident"  # a graded metric there may still go anywhere
    assert bench.run("--ladder-climb=all", "--ladder-record=none").status == full
    assert bench.run("--ladder-climb=all").status == full
    assert bench.asked() == []
    assert bench.log_path.read_bytes() == log


def test_a_case_in_error_is_asked_again_however_certain_the_rest_makes_the_verdict(bench: Bench) -> None:
    """Else a failed run would turn green by being repeated."""
    early(bench, {"prompt": 60}, thresholds="answer = { all = 0.8 }")
    whole = (bench.folder / "prompt.py").read_text(encoding="utf-8")
    broken = "    if case.id == 'c17':\n        raise ValueError('broken')\n    number ="
    bench.write("prompt.py", whole.replace("    number =", broken))
    statuses = [bench.run("--ladder-concurrency=1").status for _ in range(3)]
    log = bench.log_path.read_bytes()

    assert statuses == [1, 1, 1]
    assert bench.run("--ladder-concurrency=1").status == 1
    assert bench.log_path.read_bytes() == log
    assert bench.run("--ladder-record=none").status == 1
    assert {entry["verdict"] for entry in bench.log if entry["kind"] == "rung"} == {"error"}

    bench.write("prompt.py", whole)
    assert bench.run("--ladder-concurrency=1").status == 0, "another version, and no error of its own"
