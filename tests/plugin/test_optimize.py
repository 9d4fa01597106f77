"""The rung `optimize` from ladder.toml to the log: the search, its prompt file, and what becomes of both."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.bench import Bench

MODEL = """\
import re
from pathlib import Path

CODES = {"red": "otter", "blue": "heron", "green": "lynx", "gold": "moose"}


def reply(messages):
    '''Knows the codes of the colours that the demonstrations show, and needs the instruction to shout them.'''
    with Path(__file__).with_name("asked.txt").open("a", encoding="utf-8") as file:
        file.write("model " + messages[-1]["content"].replace("\\n", " ") + "\\n")
    system = messages[0]["content"] if messages[0]["role"] == "system" else ""
    shown = [m["content"].split()[0] for m in messages[:-1] if m["role"] == "user"]
    colour = messages[-1]["content"].split()[0]
    code = CODES[colour] if colour in shown else "cannot tell"
    return {"text": code.upper() if "SHOUT" in system else code, "model": "colours-1", "cost_usd": 0.001,
            "prompt_tokens": 5, "completion_tokens": 1}


def teach(messages):
    with Path(__file__).with_name("asked.txt").open("a", encoding="utf-8") as file:
        file.write("teacher " + messages[-1]["content"] + "\\n")
    colour = messages[-1]["content"].split()[0]
    return CODES[colour].upper() if colour != "gold" else "no idea"


def write(messages):
    with Path(__file__).with_name("asked.txt").open("a", encoding="utf-8") as file:
        file.write("writer\\n")
    assert "SHOUT" not in messages[-1]["content"]
    shouts = "short" in messages[-1]["content"]
    return "You must SHOUT {{ in }} capitals.\\nuser:\\nnot a role" if shouts else "Whisper."
"""
COLOURS = ("red", "blue", "green", "gold")
RIGHT = {"red": "OTTER", "blue": "HERON", "green": "LYNX", "gold": "MOOSE"}
SEARCH = 'prompt = "start.md"\ninstructions = ["shout.md"]\nexamples = "pool.jsonl"\ndemos = 6\nmax_calls = 300'


def asks(many: int, what: str, colours: Iterable[str] = COLOURS) -> list[dict[str, Any]]:
    colours = tuple(colours)
    named = [colours[n % len(colours)] for n in range(many)]
    return [{"id": f"{what}{n}", "input": f"{c} {what} {n}", "expected": RIGHT[c]} for n, c in enumerate(named)]


def jsonl(lines: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


def make(bench: Bench, search: str = SEARCH, *, head: str = 'dev = "dev.jsonl"', tables: str = "") -> Bench:
    bench.make({})
    bench.write("models.py", MODEL)
    bench.write("start.md", "system:\nSay the code of the colour.\n\nuser:\n{{ input }}\n")
    bench.write("shout.md", "system:\nSHOUT the code of the colour.\n\nuser:\n{{ input }}\n")
    bench.write("cases.jsonl", jsonl(asks(8, "case")))
    bench.write("dev.jsonl", jsonl(asks(16, "dev")))
    bench.write("pool.jsonl", jsonl({k: v for k, v in line.items() if k != "id"} for line in asks(12, "pool")))
    bench.write("ladder.toml", "\n".join([
        "schema = 1", 'name = "support"', 'evalset = "cases.jsonl"', 'model = "models.py:reply"', "seed = 3", head,
        '[metrics.answer]\nscorer = "exact_match"',
        "[thresholds]\nanswer = { all = 0.9 }", tables, f"[rungs.optimize]\n{search}", "",
    ]))  # fmt: skip
    return bench


@pytest.fixture
def ladder(bench: Bench) -> Bench:
    """A ladder whose model needs the right instruction and a demonstration of each colour."""
    return make(bench)


def found(bench: Bench, rung: str = "optimize") -> Path:
    """The prompt that the search wrote."""
    (path,) = (bench.folder / "optimized" / rung).glob("*.md")
    return path


def test_the_search_finds_the_instruction_and_the_demonstrations_that_make_the_model_right(ladder: Bench):
    ran = ladder.run()

    assert ran.status == 0, ran.text
    text = found(ladder).read_text(encoding="utf-8")
    assert "SHOUT" in text
    assert re.findall("(?m)^[A-Z]{4,}$", text)
    assert text.endswith("user:\n{{ input }}\n")
    assert ladder.verdicts == ["optimize met", "selected optimize"]
    assert "dev 0.000 to 1.000 on 16 cases" in ran.flat
    assert "searched: dev 0.000 -> 1.000" in ran.flat


def test_a_second_run_and_one_that_may_not_ask_search_nothing_and_change_no_byte(ladder: Bench):
    ladder.run()
    before = found(ladder).read_bytes(), ladder.log_path.read_bytes()
    ladder.asked()

    assert ladder.run().status == 0
    assert ladder.run("--ladder-record=none").status == 0
    assert ladder.asked() == []
    assert (found(ladder).read_bytes(), ladder.log_path.read_bytes()) == before


def test_the_prompt_is_an_artifact_of_the_entry_with_its_version(ladder: Bench):
    ladder.run()
    entry = ladder.log[0]
    name = f"optimized/optimize/{found(ladder).name}"
    assert set(entry["artifacts"]) == {name, "start.md", "shout.md", "pool.jsonl", "dev.jsonl", "models.py"}
    assert entry["environment"]["prompt_versions"] == {name: "1"}


def test_the_search_never_makes_more_calls_than_it_may(bench: Bench):
    make(bench, SEARCH.replace("300", "60")).run()
    asked = [line for line in bench.asked() if " dev " in line]
    assert 32 < len(asked) <= 60
    used = re.search(r"(?m)^used: (\d+) calls", found(bench).read_text(encoding="utf-8"))
    assert used is not None
    assert int(used[1]) == len(asked)


def test_the_same_seed_finds_the_same_prompt_and_without_asking_where_the_calls_are_on_record(ladder: Bench):
    ladder.run()
    first = found(ladder).read_bytes()
    ladder.asked()
    found(ladder).unlink()
    assert ladder.run().status == 0
    assert found(ladder).read_bytes() == first
    assert ladder.asked() == []


def test_all_answers_are_asked_again_and_the_prompt_stays_until_its_file_is_deleted(ladder: Bench):
    ladder.run()
    first = found(ladder).read_bytes()
    ladder.asked()
    ladder.run("--ladder-record=all")
    assert len(ladder.asked()) == 8
    found(ladder).unlink()
    ladder.run("--ladder-record=all")
    assert len(ladder.asked()) > 80
    assert found(ladder).read_bytes() == first


def test_a_prompt_that_is_not_there_fails_where_nothing_may_be_asked_and_says_how_to_get_it(ladder: Bench):
    ran = ladder.run("--ladder-record=none")
    assert ran.status == 1
    assert "the prompt that its search finds, evals/support/optimized/optimize/" in ran.flat
    assert "pytest --ladder --ladder-record=new --ladder-rung=optimize" in ran.flat
    assert ladder.asked() == []
    assert not (ladder.folder / "optimized").exists()

    ladder.run()
    found(ladder).unlink()
    assert ladder.run("--ladder-record=none").status == 1


def test_an_edited_prompt_is_a_version_that_is_measured_anew_once_its_version_is_raised(ladder: Bench):
    ladder.run()
    ladder.asked()
    path = found(ladder)
    text = path.read_text(encoding="utf-8").replace("SHOUT the code", "Please SHOUT the code")
    path.write_text(text, encoding="utf-8")

    ran = ladder.run()
    assert ran.status == 4
    assert "the text changed, and its version is still '1'" in ran.flat
    assert ladder.asked() == []

    path.write_text(text.replace("version: 1", "version: 2"), encoding="utf-8")
    ran = ladder.run()
    assert ran.status == 0
    assert "edited since" in ran.flat
    assert len(ladder.asked()) == 8
    assert ladder.verdicts == ["optimize met", "selected optimize"] * 2
    assert path.read_text(encoding="utf-8") == text.replace("version: 1", "version: 2")


def test_other_dev_cases_call_for_another_search(ladder: Bench):
    ladder.run()
    first = found(ladder)
    ladder.write("dev.jsonl", jsonl(asks(20, "dev")))
    assert ladder.run("--ladder-record=none").status == 1
    assert ladder.run().status == 0
    assert sorted((ladder.folder / "optimized/optimize").glob("*.md")) != [first]
    assert len(ladder.asked()) > 0


def test_a_threshold_is_no_part_of_what_decides_a_search(ladder: Bench):
    ladder.run()
    ladder.asked()
    ladder.edit("ladder.toml", "all = 0.9", "all = 0.8")
    assert ladder.run().status == 0
    assert ladder.asked() == []


def test_the_prompt_can_be_that_of_any_rung(ladder: Bench):
    ladder.run()
    name = found(ladder).relative_to(ladder.folder).as_posix()
    ladder.write("ladder.toml", (ladder.folder / "ladder.toml").read_text(encoding="utf-8") + (
        f'[rungs.taken]\nkind = "few_shot"\nprompt = "{name}"\nexamples = "pool.jsonl"\nk = 1\n'
    ))  # fmt: skip
    assert ladder.run("--ladder-climb=all", "--ladder-rung=taken").status == 0


# --- what cannot be searched on --------------------------------------------------------------------------------------


def leaks(bench: Bench, name: str, colour: str = "red case 0") -> str:
    lines = (bench.folder / name).read_text(encoding="utf-8")
    extra = {"input": f" {colour.upper()} ", "expected": "OTTER", **({"id": "x"} if name != "pool.jsonl" else {})}
    bench.write(name, lines + json.dumps(extra) + "\n")
    ran = bench.run()
    assert ran.status == 4, ran.text
    assert bench.asked() == []
    return ran.flat


def test_a_dev_case_that_is_of_the_eval_set_is_refused_at_collection(ladder: Bench):
    assert "evals/support/dev.jsonl:17: the dev case 'x' is the case 'case0' (cases.jsonl:1)" in leaks(
        ladder, "dev.jsonl"
    )


def test_a_dev_case_that_is_of_the_hold_out_set_is_refused_at_collection(bench: Bench):
    make(bench, head='dev = "dev.jsonl"\nholdout = "holdout.jsonl"')
    bench.write("holdout.jsonl", jsonl(asks(4, "held")))
    told = leaks(bench, "dev.jsonl", "blue held 1")
    assert "the dev case 'x' is the case 'held1' (holdout.jsonl:2)" in told


@pytest.mark.parametrize(("colour", "told"), [("red case 0", "cases.jsonl:1"), ("gold dev 3", "dev.jsonl:4")])
def test_an_example_of_the_pool_that_is_a_case_or_scores_is_refused_at_collection(
    ladder: Bench, colour: str, told: str
):
    assert f"({told}): what is asked must not be shown" in leaks(ladder, "pool.jsonl", colour)


@pytest.mark.parametrize(
    ("search", "told"),
    [
        ('prompt = "start.md"\nk = 3', "k: a search chooses the demonstrations itself"),
        ('prompt = "start.md"\nmax_calls = 9', "too few calls to compare two prompts, got 9; expected at least"),
        ('prompt = "start.md"\ndemos = 0', "there is nothing to search"),
        ('prompt = "start.md"\nobjective = "anser"', "no such metric, got 'anser'; expected answer"),
        ('prompt = "start.md"\nproposer = "models.py:write"', "nothing is proposed; expected `propose`"),
        ('prompt = "start.md"\ndemos = 0\npropose = 1\nexamples = "pool.jsonl"', "there are no demonstrations"),
        ('prompt = "start.md"\nteacher_options = { a = 1 }', "no teacher is named"),
        ('prompt = "start.md"\noptimizer = "dspy:GEPA"\ncandidates = 4', "`dspy:GEPA` does not read this key"),
        ('prompt = "missing.md"', "missing.md: the file is missing"),
        ('prompt = "start.md"\ninstructions = ["shown.md"]', "shown.md: a prompt of the rung `optimize` cannot use"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_at_collection(bench: Bench, search: str, told: str):
    make(bench, search)
    bench.write("shown.md", "{% for e in examples %}{{ e.input }}{% endfor %}{{ input }}")
    ran = bench.run()
    assert ran.status == 4, ran.text
    assert told in ran.flat
    assert bench.asked() == []


def test_without_a_dev_set_there_is_nothing_to_search_on(bench: Bench):
    ran = make(bench, head="").run()
    assert ran.status == 4
    assert 'there is no dev set to search prompts on. Set `dev = "dev.jsonl"` at the top' in ran.flat


# --- where demonstrations and instructions come from -----------------------------------------------------------------


def test_without_examples_one_half_of_dev_is_shown_and_the_other_scores(bench: Bench):
    make(bench, SEARCH.replace('examples = "pool.jsonl"\n', ""))
    bench.write("dev.jsonl", jsonl(asks(32, "dev")))
    assert bench.run().status == 0
    scored = {line.removeprefix("model ") for line in bench.asked() if " dev " in line}
    shown = set(re.findall(r"(?m)^(\w+ dev \d+)$", found(bench).read_text(encoding="utf-8")))
    assert shown
    assert len(scored) == 16
    assert not scored & shown


def test_a_teacher_s_right_answers_become_the_demonstrations(bench: Bench):
    make(bench, f'{SEARCH}\nteacher = "models.py:teach"')
    bench.write("pool.jsonl", jsonl({"input": one["input"], "expected": one["expected"]} for one in asks(24, "pool")))
    ran = bench.run()
    assert ran.status == 1  # of gold the teacher knows nothing, and so nothing is shown
    asked = bench.asked()
    assert 4 < len([line for line in asked if line.startswith("teacher")]) <= 300 // 4
    text = found(bench).read_text(encoding="utf-8")
    assert "gold" not in text
    assert "found: 0.750" in text


def test_the_model_itself_teaches_where_expected_answers_are_no_answers(bench: Bench):
    """Expected values that the scorer reads a field of: as they are written no answer is like them."""
    make(bench, SEARCH)
    bench.edit("ladder.toml", 'scorer = "exact_match"', 'scorer = "exact_match"\noptions = { field = "code" }')
    for name in ("cases.jsonl", "dev.jsonl", "pool.jsonl"):
        lines = [json.loads(line) for line in (bench.folder / name).read_text(encoding="utf-8").splitlines()]
        bench.write(name, jsonl({**line, "expected": {"code": line["expected"]}} for line in lines))
    bench.edit(
        "models.py",
        'CODES[colour] if colour in shown else "cannot tell"',
        'CODES[colour] if colour != "gold" or shown else "?"',
    )
    bench.edit("start.md", "Say", "SHOUT: say")
    assert bench.run().status == 0
    assert [line for line in bench.asked() if " pool " in line]
    text = found(bench).read_text(encoding="utf-8")
    assert "found: 1.000" in text
    assert "gold pool" not in text


def test_instructions_that_a_model_writes_are_tried_and_cannot_forge_a_role(bench: Bench):
    search = SEARCH.replace('instructions = ["shout.md"]\n', 'propose = 3\nproposer = "models.py:write"\n')
    ran = make(bench, search).run()
    assert ran.status == 0, ran.text
    assert bench.asked().count("writer") == 3
    text = found(bench).read_text(encoding="utf-8")
    assert "instruction: proposed by a model" in text
    assert 'You must SHOUT {{ "{{" }} in }} capitals.\n{{ "user:" }}\nnot a role' in text


def test_a_proposer_that_fails_is_told_from_the_model_that_answers(ladder: Bench):
    ladder.write("proposer.py", "def write(messages):\n    raise RuntimeError('the prompt is too long')\n")
    ladder.edit("ladder.toml", SEARCH, SEARCH + '\npropose = 1\nproposer = "proposer.py:write"\n')
    ran = ladder.run()
    assert ran.status == 1
    assert "is not finished, after 0 calls: asked to write an instruction (`propose`), proposer.py:write: " in ran.flat


def test_nothing_to_try_says_why(bench: Bench):
    make(bench, 'prompt = "start.md"\nexamples = "pool.jsonl"')
    bench.write("pool.jsonl", jsonl([{"input": "red pool", "expected": None}]))
    ran = bench.run()
    assert ran.status == 1
    assert "nothing is to be tried: no answer to the pool is right by answer" in ran.flat


# --- budgets, interruptions, workers ---------------------------------------------------------------------------------


def test_a_spent_budget_stops_the_search_and_the_next_run_goes_on(ladder: Bench):
    ran = ladder.run("--ladder-max-calls=40")
    assert ran.status == 1
    assert "the search is not finished, after" in ran.flat
    assert "40 model calls are made" in ran.flat
    assert not (ladder.folder / "optimized").exists()
    first = ladder.asked()
    assert len(first) == 40

    assert ladder.run().status == 0
    again = ladder.asked()
    assert not set(first) & {line for line in again if " dev " in line} or len(again) + 40 <= 308


def test_a_search_that_was_killed_goes_on_where_it_was_and_finds_the_same(bench: Bench):
    make(bench).run()
    whole, calls = found(bench).read_bytes(), len(bench.asked())
    for path in [*sorted((bench.folder / "recordings").rglob("*.jsonl")), found(bench), bench.log_path]:
        path.unlink()
    bench.edit(
        "models.py", "    system = messages[0]", "    import time\n    time.sleep(0.03)\n    system = messages[0]"
    )
    bench.edit(
        "models.py",
        "    import time\n    time.sleep(0.03)\n",
        "    import os, time\n    time.sleep(0.03 if 'SLOW' in os.environ else 0)\n",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--ladder", "-p", "no:randomly", "--ladder-concurrency=2"],
        cwd=bench.pytester.path, env={**os.environ, "SLOW": "1"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    asked = bench.folder / "asked.txt"
    deadline = time.monotonic() + 50
    while time.monotonic() < deadline and (not asked.exists() or len(asked.read_text().splitlines()) < 30):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (bench.folder / "optimized").exists() or not list((bench.folder / "optimized").rglob("*.md"))
    made = len(bench.asked())

    assert bench.run().status == 0
    assert 0 < len(bench.asked()) <= calls - made + 2
    after = found(bench).read_text(encoding="utf-8")
    assert after.partition("trajectory")[2] == whole.decode().partition("trajectory")[2]


def test_with_workers_the_search_comes_to_the_same(bench: Bench):
    make(bench, tables='[rungs.prompt]\nprompt = "start.md"').run()
    alone, log = found(bench).read_bytes(), bench.timeless
    for path in [*sorted((bench.folder / "recordings").rglob("*.jsonl")), found(bench), bench.log_path]:
        path.unlink()

    ran = bench.run("-n", "2")
    assert ran.status == 0, ran.text
    assert found(bench).read_bytes() == alone
    assert bench.timeless == log
    bench.asked()
    assert bench.run("-n", "2", "--ladder-record=none").status == 0
    assert bench.asked() == []


def test_a_smoke_run_searches_nothing_and_says_so(ladder: Bench):
    ran = ladder.run("--ladder-limit=2")
    assert "a smoke run searches no prompt" in ran.flat
    assert len(ladder.asked()) == 2
    assert not (ladder.folder / "optimized").exists()
    assert ladder.run().status == 0
    assert ladder.run("--ladder-limit=2").status == 0


def test_prune_keeps_what_the_log_or_a_rung_rests_on(ladder: Bench):
    from pytest_ladder.cli.main import main

    ladder.run()
    kept = found(ladder)
    other = ladder.write("optimized/optimize/0123456789ab.md", "left over")
    gone = ladder.write("optimized/old/0123456789ab.md", "of a rung that is gone")
    assert main(["prune", str(ladder.folder)]) == 0
    assert kept.exists()
    assert not other.exists()
    assert not gone.parent.exists()


def test_the_reports_tell_the_score_against_the_calls(ladder: Bench):
    ladder.run("--ladder-report=r.json", "--ladder-report=r.md", "--ladder-report=r.html")
    at = ladder.pytester.path
    told = json.loads((at / "r.json").read_text(encoding="utf-8"))["ladders"][0]["rungs"][0]["searched"]
    assert (told["start"]["mean"], told["found"]["mean"], told["cases"]) == (0.0, 1.0, 16)
    assert told["trajectory"][-1]["calls"] == told["calls"] <= 300
    for name in ("r.md", "r.html"):
        assert f"{told['calls']} calls" in (at / name).read_text(encoding="utf-8")
