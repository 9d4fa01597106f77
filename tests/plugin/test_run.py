"""A run as a whole: where it is started, how it is cut short, what it leaves behind."""

from __future__ import annotations

import os
import sys

import pytest

from tests.plugin.bench import TEST, Bench

EXITS = """\
import pytest


def pytest_runtest_setup(item):
    if "few_shot" in item.nodeid:
        pytest.exit("enough")
"""


def test_a_run_without_xdist_is_the_same(bench: Bench):
    assert bench.make().run("-p", "no:xdist").status == 0


def test_a_run_without_a_terminal_reporter_ends_the_same(bench: Bench):
    assert bench.make().run("-p", "no:terminal").status == 0
    assert bench.verdicts[-1] == "selected few_shot"


def test_a_run_may_start_in_the_ladders_folder(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    bench.make()
    monkeypatch.chdir(bench.folder)

    assert bench.run().status == 0
    assert bench.run("--ladder-record=none").status == 0


def test_a_log_holds_from_whichever_folder_it_is_looked_at(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    bench.make().run()
    monkeypatch.chdir(bench.folder)

    assert bench.run("--ladder-record=none").status == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")
def test_a_project_behind_a_symbolic_link_is_the_same(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    bench.make().run()
    link = bench.pytester.path.parent / f"{bench.pytester.path.name}-link"
    os.symlink(bench.pytester.path, link)
    monkeypatch.chdir(link)

    ran = bench.run("--ladder-record=none")

    assert ran.status == 0, ran.text
    assert "evals/support/ladder.toml" in ran.text


def test_warnings_as_errors_find_nothing(bench: Bench):
    bench.make()

    assert bench.run("-W", "error").status == 0
    assert bench.run("-W", "error", "-n", "1").status == 0


def test_a_run_that_is_ended_early_keeps_what_it_measured_and_decides_nothing(bench: Bench):
    bench.make()
    bench.pytester.makeconftest(EXITS)

    ran = bench.run()

    assert ran.status == 2
    assert bench.verdicts == ["prompt short"]
    bench.asked()
    (bench.pytester.path / "conftest.py").unlink()
    assert bench.run().status == 0
    assert bench.asked("prompt") == []
    assert bench.verdicts == ["prompt short", "few_shot met", "selected few_shot"]


def test_an_interrupt_while_a_rung_runs_keeps_its_answers(bench: Bench):
    bench.make({"prompt": 10})
    bench.pytester.makeconftest(
        "from pytest_ladder.plugin import live\n\n\n"
        "def interrupted(self):\n"
        "    if self.run.progress and self.run.progress.done >= 4:\n        raise KeyboardInterrupt\n\n\n"
        "live.Live.__call__ = interrupted\n"
    )
    bench.write(
        "prompt.py",
        "import time\n\n\ndef answer(case):\n    time.sleep(0.1 if int(case.id[1:]) < 4 else 0.5)\n"
        "    return case.input.replace('question', 'answer')\n",
    )

    process = bench.spawn("--ladder-concurrency=4")

    assert process.returncode == 2
    assert "KeyboardInterrupt" in process.stdout
    assert set(bench.recorded("prompt")) >= {"c0", "c1", "c2", "c3"}
    assert len(bench.recorded("prompt")) < 10
    assert not bench.log


def test_nothing_is_left_behind_but_the_evidence(bench: Bench):
    bench.make().run("-p", "no:cacheprovider")
    bench.asked()

    left = {path.name for path in bench.folder.iterdir()} - {"__pycache__"}

    assert left == {
        "ladder.toml", "cases.jsonl", "prompt.py", "few_shot.py", "test_support.py", "escalation.jsonl", "recordings",
    }  # fmt: skip
    assert not list((bench.folder / "recordings").rglob("*.pending"))


def test_another_run_on_the_same_ladder_is_told_to_wait(bench: Bench):
    bench.make({"prompt": 10})
    bench.write(
        "prompt.py",
        "import subprocess\nimport sys\nfrom pathlib import Path\n\n\ndef answer(case):\n"
        "    if case.id == 'c0' and not Path(__file__).with_name('second').exists():\n"
        "        Path(__file__).with_name('second').touch()\n"
        "        done = subprocess.run([sys.executable, '-m', 'pytest', '--ladder', '-p', 'no:cacheprovider'],\n"
        "                              cwd=Path(__file__).parents[2], capture_output=True, text=True)\n"
        "        Path(__file__).with_name('told').write_text(done.stdout)\n"
        "    return case.input.replace('question', 'answer')\n",
    )

    assert bench.run().status == 0
    told = (bench.folder / "told").read_text()
    assert "another run" in told
    assert "Traceback" not in told


def test_a_long_node_id_and_a_name_beyond_ascii_are_fine(bench: Bench):
    bench.name = "größe"
    bench.make(test=TEST.format(name="größe"))
    bench.edit("ladder.toml", 'name = "größe"', 'name = "support"')

    assert bench.run().status == 0
    assert bench.run("--ladder-record=none").status == 0


def test_the_header_says_what_may_be_asked(bench: Bench):
    bench.make()

    bench.run().has("ladder: record=new, climb=needed")
    bench.run("--ladder-record=none", "--ladder-climb=all").has("ladder: record=none, climb=all")
    bench.run("--ladder-limit=2").has("ladder: *smoke run: 2 cases a slice*")
