"""`--ladder-record`: what is asked, and what is not; a side file tells what each system and model was asked."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.plugin.bench import MODEL, Bench, case

ALL = [f"c{n}" for n in range(10)]
ASKING = "def answer(case, llm):\n    return llm.chat([{'role': 'user', 'content': case.input}]).text\n"
RAISES = "def answer(case):\n    raise SystemError('a system was called')\n"


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file that a run may write, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".txt"
    }


# --- new -------------------------------------------------------------------------------------------------------------


def test_the_first_run_asks_each_case_once_of_each_rung_that_it_needs(bench: Bench):
    bench.make({"prompt": 4, "few_shot": 10, "rag": 10}).run()

    assert bench.asked() == sorted(f"{rung} {id_}" for rung in ("prompt", "few_shot") for id_ in ALL)


def test_a_second_run_asks_nothing_and_leaves_every_byte(bench: Bench):
    bench.make().run()
    bench.asked()
    before = snapshot(bench.folder)

    assert bench.run().status == 0
    assert bench.asked() == []
    assert snapshot(bench.folder) == before


def test_only_what_is_missing_is_asked(bench: Bench):
    bench.make(cases=8).run()
    bench.asked()
    bench.cases(case(n) for n in range(10))

    assert bench.run().status == 0
    assert bench.asked() == ["few_shot c8", "few_shot c9", "prompt c8", "prompt c9"]
    assert bench.verdicts == ["prompt short", "few_shot met", "selected few_shot"] * 2


def test_a_changed_input_is_asked_again(bench: Bench):
    bench.make().run()
    bench.asked()
    bench.cases([case(n) for n in range(9)] + [case(9, input="What of it, question 9")])

    bench.run()

    assert bench.asked() == ["few_shot c9", "prompt c9"]


def test_a_changed_system_is_a_new_version_in_a_file_of_its_own(bench: Bench):
    bench.make().run()
    bench.asked()
    bench.system("prompt", 5)

    bench.run()

    assert bench.asked() == [f"prompt {id_}" for id_ in ALL]
    assert len(list((bench.folder / "recordings" / "prompt").glob("*.jsonl"))) == 2
    assert bench.verdicts == ["prompt short", "few_shot met", "selected few_shot", "prompt short", "selected few_shot"]


def test_going_back_to_an_older_version_asks_nothing(bench: Bench):
    bench.make().run()
    bench.system("prompt", 5)
    bench.run()
    bench.asked()
    before = snapshot(bench.folder)
    bench.system("prompt", 4)

    assert bench.run().status == 0
    assert bench.asked() == []
    assert snapshot(bench.folder)["escalation.jsonl"] == before["escalation.jsonl"]
    assert bench.run("--ladder-record=none").status == 0


@pytest.mark.parametrize(
    ("change", "verdicts"),
    [
        ("expected", ["prompt short", "few_shot short", "selected None"]),
        ("slices", ["prompt short", "few_shot met", "selected few_shot"]),
        ("threshold", ["prompt met", "selected prompt"]),
        ("scorer", ["prompt short", "few_shot met", "selected few_shot"]),
    ],
)
def test_a_change_of_the_grading_re_grades_and_never_re_asks(bench: Bench, change: str, verdicts: list[str]):
    bench.make().run()
    bench.asked()
    for rung in ("prompt", "few_shot"):
        assert bench.recorded(rung) == ALL
    if change == "expected":
        bench.cases(case(n, expected="something else") for n in range(10))
    elif change == "slices":
        bench.cases(case(n, slices=["new"]) for n in range(10))
    elif change == "threshold":
        bench.edit("ladder.toml", "all = 0.9", "all = 0.3")
    else:
        bench.edit("ladder.toml", 'scorer = "exact_match"', 'scorer = "contains"')

    bench.run()

    assert bench.asked() == []
    assert bench.verdicts[3:] == verdicts
    assert {rung: bench.recorded(rung) for rung in ("prompt", "few_shot")} == {"prompt": ALL, "few_shot": ALL}


def test_the_order_of_the_cases_does_not_matter(bench: Bench):
    bench.make().run()
    bench.asked()
    before = snapshot(bench.folder)["escalation.jsonl"]
    bench.cases(case(n) for n in reversed(range(10)))

    assert bench.run().status == 0
    assert bench.asked() == []
    assert snapshot(bench.folder)["escalation.jsonl"] == before
    assert bench.run("--ladder-record=none").status == 0


def test_a_renamed_case_reuses_its_answer(bench: Bench):
    bench.make().run()
    bench.asked()
    bench.cases(case(n, id=f"renamed-{n}") for n in range(10))

    assert bench.run().status == 0
    assert bench.asked() == []


def test_a_removed_case_needs_no_new_answer(bench: Bench):
    bench.make().run()
    bench.asked()
    bench.cases(case(n) for n in range(9))

    assert bench.run().status == 0
    assert bench.asked() == []
    assert bench.log[-2]["cases"] == 9


def test_line_ends_and_comments_of_the_contract_change_nothing(bench: Bench):
    bench.make().run()
    before = bench.log_path.read_bytes()
    for name in ("cases.jsonl", "prompt.py", "few_shot.py"):
        path = bench.folder / name
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    bench.write("ladder.toml", "# a comment\n" + bench.toml.read_text())
    bench.asked()

    assert bench.run().status == 0
    assert bench.asked() == []
    assert bench.log_path.read_bytes() == before


def test_an_error_is_not_recorded_and_the_next_run_asks_only_for_it(bench: Bench):
    bench.make({"prompt": 10})
    bench.write(
        "prompt.py",
        "from pathlib import Path\n\n\ndef answer(case):\n"
        "    with Path(__file__).with_name('asked.txt').open('a') as file:\n"
        "        file.write(f'prompt {case.id}\\n')\n"
        "    if case.id == 'c3' and not Path(__file__).with_name('mended').exists():\n"
        "        raise ConnectionError('come back later')\n"
        "    return case.input.replace('question', 'answer')\n",
    )

    ran = bench.run()

    assert ran.status == 1
    assert "1 of 10 cases in error" in ran.text
    assert "c3: prompt.py:answer: the system raised ConnectionError: come back later (prompt.py:8)." in ran.text
    assert bench.recorded("prompt") == [id_ for id_ in ALL if id_ != "c3"]
    assert bench.verdicts == ["prompt error"]

    bench.asked()
    bench.write("mended", "")

    assert bench.run().status == 0
    assert bench.asked() == ["prompt c3"]
    assert bench.verdicts == ["prompt error", "prompt met", "selected prompt"]


def test_a_refactoring_of_a_system_that_uses_the_model_costs_no_call(bench: Bench):
    bench.make({"prompt": 10}, head='model = "models.py:reply"')
    bench.write("models.py", MODEL)
    bench.write("prompt.py", ASKING)
    bench.run()
    assert len(bench.asked("model")) == 10

    bench.write(
        "prompt.py",
        '"""Answers."""\n\n\ndef message(text):\n    return {"role": "user", "content": text}\n\n\n'
        "def answer(case, llm):\n    return llm.chat([message(case.input)]).text\n",
    )

    assert bench.run().status == 0
    assert bench.asked() == []
    assert len(list((bench.folder / "recordings" / "prompt").glob("*.jsonl"))) == 2


def test_repeats_are_asked_apart_and_only_the_new_ones_are_asked(bench: Bench):
    bench.make({"prompt": 10}, head="repeats = 2").run()
    assert bench.asked("prompt") == sorted(ALL * 2)
    bench.edit("ladder.toml", "repeats = 2", "repeats = 3")

    assert bench.run().status == 0
    assert bench.asked("prompt") == ALL


# --- none ------------------------------------------------------------------------------------------------------------


def test_none_calls_no_system_and_no_model_and_writes_nothing(bench: Bench):
    bench.make().run()
    bench.asked()
    before = snapshot(bench.folder)

    ran = bench.run("--ladder-record=none", "-v")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}
    assert bench.asked() == []
    assert snapshot(bench.folder) == before


def test_none_never_calls_a_system_even_where_nothing_is_on_record(bench: Bench):
    bench.make()
    for rung in ("prompt", "few_shot"):
        bench.write(f"{rung}.py", RAISES)
    before = snapshot(bench.folder)

    ran = bench.run("--ladder-record=none")

    assert ran.status == 1
    assert "a system was called" not in ran.text
    assert "10 answers are not on record (c0, c1, c2, c3, c4, ...)" in ran.text
    assert snapshot(bench.folder) == before


def test_none_names_the_one_missing_recording_and_the_mend(bench: Bench):
    bench.make().run()
    (path,) = (bench.folder / "recordings" / "few_shot").glob("*.jsonl")
    lines = [line for line in path.read_text().splitlines(keepends=True) if '"case":"c7"' not in line]
    path.write_text("".join(lines))

    ran = bench.run("--ladder-record=none")

    assert ran.status == 1
    assert "rung few_shot: 1 answer is not on record (c7)" in ran.text
    assert "--ladder-record=new" in ran.text


def test_none_is_the_default_where_ci_is_set(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CI", "true")

    ran = bench.make().run()

    assert ran.status == 1
    assert "record=none" in ran.text
    assert bench.asked() == []
    assert bench.run("--ladder-record=new").status == 0


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_an_unset_ci_is_not_ci(bench: Bench, monkeypatch: pytest.MonkeyPatch, value: str):
    monkeypatch.setenv("CI", value)

    assert bench.make().run().status == 0


def test_the_ini_file_overrules_ci_and_the_command_line_overrules_both(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    bench.make()
    monkeypatch.setenv("CI", "true")
    bench.ini("ladder_record = new")

    assert bench.run("--ladder-record=none").status == 1
    assert bench.run().status == 0


def test_a_threshold_moved_without_a_run_is_out_of_date(bench: Bench):
    bench.make().run()
    bench.edit("ladder.toml", "all = 0.9", "all = 0.8")

    ran = bench.run("--ladder-record=none")

    assert ran.status == 1
    assert "log out of date: run `pytest --ladder` and commit" in ran.text
    assert bench.run().status == 0
    assert bench.run("--ladder-record=none").status == 0


def test_a_log_without_its_decision_is_out_of_date(bench: Bench):
    bench.make().run()
    lines = [line for line in bench.log_path.read_text().splitlines(keepends=True) if '"kind":"decision"' not in line]
    bench.log_path.write_text("".join(lines))

    ran = bench.run("--ladder-record=none")

    assert ran.status == 1
    assert "Not in the log: the decision" in ran.text


def test_under_none_the_order_of_the_log_does_not_matter(bench: Bench):
    bench.make().run()
    lines = bench.log_path.read_text().splitlines(keepends=True)
    bench.log_path.write_text("".join(reversed(lines)))

    assert bench.run("--ladder-record=none").status == 0


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_none_works_in_a_read_only_folder(bench: Bench):
    bench.make().run()
    bench.folder.chmod(0o555)
    try:
        assert bench.run("--ladder-record=none", "-p", "no:cacheprovider").status == 0
    finally:
        bench.folder.chmod(0o755)


# --- all -------------------------------------------------------------------------------------------------------------


def test_all_asks_for_everything_again(bench: Bench):
    bench.make().run()
    bench.asked()
    before = bench.log_path.read_bytes()

    assert bench.run("--ladder-record=all").status == 0
    assert bench.asked() == sorted(f"{rung} {id_}" for rung in ("prompt", "few_shot") for id_ in ALL)
    assert bench.log_path.read_bytes() == before, "the same answers are no news"
    assert bench.run().status == 0
    assert bench.run("--ladder-record=none").status == 0


@pytest.mark.parametrize("lost", ["a line", "the file"])
def test_lost_answers_are_asked_again_and_the_log_stands(bench: Bench, lost: str):
    bench.make().run()
    before = bench.log_path.read_bytes()
    (path,) = (bench.folder / "recordings" / "few_shot").glob("*.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[1:])) if lost == "a line" else path.unlink()
    bench.asked()

    assert bench.run().status == 0
    assert len(bench.asked("few_shot")) == (1 if lost == "a line" else 10)
    assert bench.log_path.read_bytes() == before
    assert bench.run("--ladder-record=none").status == 0


NAMED = """\
from pathlib import Path


def reply(messages):
    name = Path(__file__).with_name("name").read_text()
    number = messages[-1]["content"].split()[-1]
    return {"text": f"answer {number}", "model": name}
"""


@pytest.fixture
def named(bench: Bench) -> Bench:
    """A ladder whose model gives itself the name in a file."""
    bench.make({"prompt": 10}, head='model = "models.py:reply"')
    bench.write("models.py", NAMED)
    bench.write("name", "arith-1")
    bench.write("prompt.py", ASKING)
    return bench


def test_the_same_answers_of_another_model_are_news(named: Bench):
    named.run()
    named.write("name", "arith-2")

    assert named.run("--ladder-record=all").status == 0
    assert [entry["model_returned"] for entry in named.log if entry["kind"] == "rung"] == [["arith-1"], ["arith-2"]]
    assert named.run("--ladder-record=none").status == 0


def test_answers_of_two_models_in_one_rung_are_an_error(named: Bench):
    named.cases(case(n) for n in range(8))
    named.run()
    named.write("name", "arith-2")
    named.cases(case(n) for n in range(10))

    ran = named.run("-v")

    assert ran.status == 1
    assert "arith-1" in ran.text
    assert "arith-2" in ran.text
    assert named.run("--ladder-record=all").status == 0


SKILL = "import json\nfrom pathlib import Path\n\n\ndef answer(case):\n    skill = json.loads(Path(__file__).with_name('skill').read_text())\n    number = int(case.input.split()[-1])\n    return f'answer {number}' if number < skill else 'no idea'\n"  # noqa: E501


def test_all_takes_other_answers_as_news_and_no_later_run_calls_them_altered(bench: Bench):
    bench.make()
    bench.write("prompt.py", SKILL)
    bench.write("skill", json.dumps(4))
    bench.run()
    bench.write("skill", json.dumps(5))

    assert bench.run("--ladder-record=all").status == 0

    prompts = [entry["scores"]["answer"]["all"]["mean"] for entry in bench.log if entry.get("rung") == "prompt"]
    assert prompts == [0.4, 0.5]
    assert bench.run().status == 0
    assert bench.run("--ladder-record=none").status == 0


def test_all_asks_the_model_again_too(bench: Bench):
    bench.make({"prompt": 10}, head='model = "models.py:reply"')
    bench.write("models.py", MODEL)
    bench.write("prompt.py", ASKING)
    bench.run()
    bench.asked()

    bench.run("--ladder-record=all")

    assert len(bench.asked("model")) == 10


def test_all_for_one_rung_leaves_the_others(bench: Bench):
    bench.make().run()
    bench.asked()

    bench.run("--ladder-record=all", "--ladder-rung=prompt")

    assert bench.asked() == [f"prompt {id_}" for id_ in ALL]


def test_an_unknown_mode_is_refused_with_the_known_ones(bench: Bench):
    ran = bench.make().run("--ladder-record=once")

    assert ran.status == 4
    assert "new" in ran.text
    assert "none" in ran.text
    bench.ini("ladder_record = once")
    ran = bench.run()
    assert ran.status == 4
    assert "ladder_record (ini): not a known value, got 'once'; expected one of new, none, all" in ran.text
