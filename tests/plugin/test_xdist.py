"""With workers a ladder comes to the same as without."""

from __future__ import annotations

import json

import pytest

from tests.plugin.bench import Bench

THREE = {"prompt": 4, "few_shot": 10, "rag": 10}


def blank(bench: Bench) -> list[bytes]:
    """The lines of the log with the fields of the clock blanked, in file order."""
    lines = []
    for entry in bench.log:
        entry.update({key: None for key in ("at", "id", "after", "rests_on", "latency") if key in entry})
        lines.append(json.dumps(entry).encode())
    return lines


def places(bench: Bench) -> dict[str, str]:
    """Rung -> the worker that ran it, in the order run."""
    lines = (bench.folder / "workers.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ") for line in lines)


NOTING = """\
import os
from pathlib import Path

import pytest


@pytest.mark.ladder
def test_{name}(rung):
    with Path(__file__).with_name("workers.txt").open("a", encoding="utf-8") as file:
        file.write(f"{{rung.id}} {{os.environ['PYTEST_XDIST_WORKER']}}\\n")
    rung.check()
"""


def noting(bench: Bench, **parts: object) -> Bench:
    return bench.make(test=NOTING.format(name=bench.name), **parts)  # type: ignore[arg-type]


def test_the_log_is_the_same_as_without_workers(bench: Bench):
    assert bench.make(THREE).run().status == 0
    alone, answers = blank(bench), bench.recorded("few_shot")
    for path in (bench.log_path, *(bench.folder / "recordings").rglob("*.jsonl")):
        path.unlink()

    assert bench.run("-n", "2").status == 0

    assert blank(bench) == alone
    assert bench.recorded("few_shot") == answers


def test_a_second_run_with_workers_changes_no_byte(bench: Bench):
    bench.make(THREE).run()
    before = bench.log_path.read_bytes()

    assert bench.run("-n", "2").status == 0
    assert bench.run("-n", "2", "--ladder-record=none").status == 0
    assert bench.log_path.read_bytes() == before


@pytest.mark.parametrize("mode", ["load", "loadscope", "loadfile", "loadgroup", "worksteal"])
def test_in_every_mode_a_ladder_stays_on_one_worker_in_order(bench: Bench, mode: str):
    rungs = {"prompt": 1, "few_shot": 2, "rag": 3, "decompose": 10}
    noting(bench, rungs=rungs)
    others = [noting(Bench(bench.pytester, name), rungs=rungs) for name in ("second", "third")]
    bench.pytester.makepyfile(test_plain="import pytest\n@pytest.mark.parametrize('n', range(20))\ndef test(n): pass\n")

    ran = bench.run("-n", "2", f"--dist={mode}")

    assert ran.status == 0, ran.text
    for one in (bench, *others):
        assert list(places(one)) == list(rungs)
        assert len(set(places(one).values())) == 1
        assert one.verdicts[-1] == "selected decompose"


def test_ladders_run_side_by_side(bench: Bench):
    """Each system waits for the other ladder's: on one worker they would wait for ever."""
    for one, other in (("one", "two"), ("two", "one")):
        made = Bench(bench.pytester, one).make({"prompt": 10})
        made.write(
            "prompt.py",
            "import time\nfrom pathlib import Path\n\nHERE = Path(__file__)\n\n\ndef answer(case):\n"
            f"    HERE.with_name('here').touch()\n    for _ in range(400):\n"
            f"        if (HERE.parents[1] / '{other}' / 'here').exists():\n            break\n"
            "        time.sleep(0.05)\n"
            "    else:\n        raise TimeoutError('the other ladder never ran')\n"
            "    return case.input.replace('question', 'answer')\n",
        )

    ran = bench.run("-n", "2")

    assert ran.status == 0, ran.text


def test_each_is_refused(bench: Bench):
    ran = bench.make().run("-n", "2", "--dist=each")

    assert ran.status == 4
    assert "--dist=each would run every ladder on every worker" in ran.text
    assert bench.asked() == []


DIES = """\
import os
from pathlib import Path


def answer(case):
    with Path(__file__).with_name("asked.txt").open("a", encoding="utf-8") as file:
        file.write(f"few_shot {case.id}\\n")
    if case.id == "c5":
        os._exit(9)
    return case.input.replace("question", "answer")
"""


@pytest.fixture
def dying(bench: Bench) -> Bench:
    bench.make(THREE)
    bench.write("few_shot.py", DIES)
    bench.args += ("--ladder-concurrency=1",)
    return bench


def test_a_rung_whose_worker_dies_fails_and_is_not_run_again(dying: Bench):
    ran = dying.run("-n", "2", "-v")

    assert ran.status == 1
    assert ran.outcomes()["few_shot"] == "FAILED"
    assert "crashed while running" in ran.text
    assert dying.asked("few_shot").count("c5") == 1


def test_what_others_found_is_kept_where_a_worker_dies(dying: Bench):
    other = Bench(dying.pytester, "other").make({"prompt": 10})

    dying.run("-n", "2")

    assert dying.verdicts[:1] == ["prompt short"]
    assert dying.recorded("prompt") == [f"c{n}" for n in range(10)]
    assert dying.recorded("few_shot") == ["c0", "c1", "c2", "c3", "c4"]
    assert other.verdicts == ["prompt met", "selected prompt"]


def test_no_decision_is_written_where_a_worker_dies(dying: Bench):
    ran = dying.run("-n", "2", "-v")

    assert not [entry for entry in dying.log if entry["kind"] == "decision"]
    assert "SELECTED" not in ran.text


def test_after_a_workers_death_the_next_run_asks_only_for_the_rest(dying: Bench):
    dying.edit("few_shot.py", "if case.id", 'if Path(__file__).with_name("armed").exists() and case.id')
    armed = dying.write("armed", "")
    dying.run("-n", "2")
    dying.asked()
    armed.unlink()

    assert dying.run().status == 0
    assert dying.asked("few_shot") == ["c5", "c6", "c7", "c8", "c9"]
    assert dying.verdicts[-1] == "selected few_shot"


def test_a_lost_report_is_told(bench: Bench):
    bench.make()
    bench.pytester.makeconftest(
        "import pytest\n\n"
        "@pytest.hookimpl(tryfirst=True)\n"
        "def pytest_report_from_serializable(config, data):\n"
        "    if 'few_shot' in data.get('nodeid', '') and data.get('when') == 'call':\n"
        "        data.pop('ladder_report', None)\n"
    )

    ran = bench.run("-n", "2", "-v")

    assert ran.status == 1
    assert "1 report of a rung got lost on the way" in ran.text
    assert not [entry for entry in bench.log if entry["kind"] == "decision"]
