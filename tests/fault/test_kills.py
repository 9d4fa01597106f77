"""Runs that are killed or interrupted at any moment, and two runs at once: no answer is lost or paid for twice."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.project import LADDER, OURS, Lines, Project

CASES, CONCURRENCY = 40, 4
TIMES = ("at", "id", "after", "rests_on", "latency")

SLOW = """\
import asyncio
import os
from pathlib import Path

SIDE = Path(__file__).with_name("asked.txt")


async def answer(case, rung):
    with SIDE.open("a") as file:
        file.write(f"{rung.id} {case.id}\\n")
    await asyncio.sleep(0.01)
    number = int(case.input.split()[-1])
    if rung.id == "prompt" and number >= 10:
        return "wrong" + (Path(__file__).with_name("mood.txt").read_text() if MOODY else "")
    return f"A{number}"
"""

SLOW_LADDER = LADDER.replace('prompt = "prompt.md"', 'system = "slow.py:answer"').replace(
    'system = "few.py:answer"', 'system = "slow.py:answer"'
)


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project.make(
        pytester.path, cases=CASES, ladder=SLOW_LADDER, inner=pytester, slow__py=SLOW.replace("MOODY", "False")
    )


def asked(project: Project) -> list[str]:
    path = project.folder / "asked.txt"
    return path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []


def recorded(project: Project) -> list[str]:
    """Rung and case of each whole line of the recordings."""
    found = []
    for path in sorted(project.folder.glob("recordings/*/*.jsonl")):
        lines = path.read_bytes().split(b"\n")[:-1]
        found += [f"{path.parent.name} {json.loads(line)['case']}" for line in lines]
    return found


def timeless(project: Project) -> Lines:
    kept = [{key: value for key, value in entry.items() if key not in TIMES} for entry in project.log]
    return sorted(kept, key=lambda entry: json.dumps(entry, sort_keys=True))


def until(project: Project, process: subprocess.Popen[str], count: int) -> None:
    """Wait until so many answers have been asked for; 0 waits for nothing."""
    give_up = time.monotonic() + 60
    while len(asked(project)) < count and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.002)


def stopped(project: Project, count: int, with_signal: int, *arguments: str) -> int:
    """Start a run and stop it once so many answers have been asked for; its status."""
    process = project.start(f"--ladder-concurrency={CONCURRENCY}", *arguments)
    until(project, process, count)
    process.send_signal(with_signal)
    process.communicate(timeout=60)
    return process.returncode


def uninterrupted(project: Project) -> Lines:
    """The log of a run that nothing disturbs; what it leaves is removed."""
    import shutil

    assert project.run().status == 0
    log = timeless(project)
    shutil.rmtree(project.folder / "recordings")
    for name in ("escalation.jsonl", "asked.txt"):
        (project.folder / name).unlink()
    return log


def moments(seed: int, n: int) -> list[int]:
    return sorted(random.Random(seed).sample(range(1, 2 * CASES), n))


def test_a_killed_run_loses_no_answer_and_the_next_asks_only_for_the_rest(project: Project):
    expected = uninterrupted(project)
    for moment in (0, *moments(7, 3)):
        before, known = len(asked(project)), recorded(project)
        stopped(project, before + 1 if moment else 0, signal.SIGKILL)

        kept = recorded(project)
        assert kept[: len(known)] == known or set(known) <= set(kept)
        assert len(kept) == len(set(kept))
        assert len(asked(project)) - before - (len(kept) - len(known)) <= CONCURRENCY
        if len(kept) == 2 * CASES:
            break

    before, missing = len(asked(project)), 2 * CASES - len(recorded(project))
    ran = project.run()

    assert ran.status == 0, ran.text
    assert len(asked(project)) - before == missing
    assert timeless(project) == expected
    assert project.none().status == 0


@pytest.mark.parametrize("moment", moments(11, 3))
def test_a_run_killed_at_a_random_moment_ends_as_if_it_had_not_been(project: Project, moment: int):
    expected = uninterrupted(project)
    stopped(project, moment, signal.SIGKILL)
    kept, before = recorded(project), len(asked(project))
    assert moment - CONCURRENCY <= len(kept) <= before

    ran = project.run()

    assert ran.status == 0, ran.text
    assert "altered" not in ran.text.replace(str(project.root), "")
    assert len(asked(project)) - before == 2 * CASES - len(kept)
    assert timeless(project) == expected
    assert project.command("verify").status == 0


@pytest.mark.parametrize("moment", [3, *moments(13, 1)])
def test_a_killed_run_that_asked_again_is_not_taken_for_a_change_by_hand(project: Project, moment: int):
    project.write("slow.py", SLOW.replace("MOODY", "True"))
    project.write("mood.txt", " at first")
    assert project.run().status == 0
    project.write("mood.txt", " then")
    stopped(project, 2 * CASES + moment, signal.SIGKILL, "--ladder-record=all")
    before = len(asked(project))

    ran = project.run()

    assert ran.status == 0, ran.text
    assert "altered:" not in ran.text
    assert len(asked(project)) == before
    assert project.none().status == 0
    assert project.command("verify").status == 0


def test_once_the_log_knows_the_new_answers_a_change_by_hand_is_found_again(project: Project):
    assert project.run().status == 0
    assert project.run("--ladder-record=all").status == 0  # the same answers: the log stays as it is
    answers = project.answers("few_shot")
    answers[-1]["answer"]["text"] = "another"
    project.record("few_shot", answers)

    ran = project.run()

    assert ran.status == 1
    assert "few_shot: altered" in ran.text


def test_another_rung_may_run_while_one_is_half_asked_again(project: Project):
    project.write("slow.py", SLOW.replace("MOODY", "True"))
    project.write("mood.txt", " at first")
    assert project.run().status == 0
    project.write("mood.txt", " then")
    stopped(project, 2 * CASES + 20, signal.SIGKILL, "--ladder-record=all", "--ladder-rung=prompt")

    ran = project.run("--ladder-rung=few_shot", "--ladder-fine-tune")

    assert "altered:" not in ran.text
    assert "stale: prompt: its answers are not in the recordings" in " ".join(ran.text.split())


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        ((), "goes on from there"),
        (("--ladder-record=all",), "asks for all of them again; without `--ladder-record=all`"),
    ],
    ids=["new", "all"],
)
def test_an_interrupt_says_what_is_kept_and_how_to_go_on(project: Project, arguments: tuple[str, ...], more: str):
    process = project.start(f"--ladder-concurrency={CONCURRENCY}", *arguments, env={"COLUMNS": "200"})
    until(project, process, 9)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)

    told = re.search(
        r"ladder: interrupted at rung (\w+): (\d+) of 40 answers that support was asking for are recorded", text
    )
    assert told, text
    assert [line.split()[0] for line in recorded(project)].count(told[1]) == int(told[2])
    command = f"`pytest --ladder -p no:randomly -p no:cacheprovider --ladder-concurrency={CONCURRENCY}"
    assert f"ladder: {' '.join([command, *arguments])}` {more}" in text
    assert not OURS.search(text.replace("KeyboardInterrupt", ""))
    assert project.run().status == 0
    assert len(recorded(project)) == 2 * CASES


def test_a_read_only_run_that_is_interrupted_has_nothing_to_tell(project: Project):
    project.write("test_other.py", "def test_it():\n    raise KeyboardInterrupt\n")
    ran, read_only = project.spawn(), project.spawn("--ladder-record=none")

    assert (ran.status, read_only.status) == (2, 2)
    assert "ladder: interrupted: every answer that came is recorded" in ran.text
    assert "ladder: interrupted" not in read_only.text


def test_an_interrupt_keeps_what_was_finished(project: Project):
    status = stopped(project, CASES + 10, signal.SIGINT)

    assert status == 2
    assert [entry["rung"] for entry in project.log] == ["prompt"]
    kept, before = recorded(project), len(asked(project))
    assert len(kept) >= CASES + 10 - CONCURRENCY
    assert project.run().status == 0
    assert len(asked(project)) - before == 2 * CASES - len(kept)
    assert [entry.get("rung", "decision") for entry in project.log] == ["prompt", "few_shot", "decision"]
    assert project.none().status == 0


def test_a_log_whose_last_line_was_cut_is_completed(project: Project):
    expected = uninterrupted(project)
    assert project.run().status == 0
    path = project.folder / "escalation.jsonl"
    path.write_bytes(path.read_bytes()[:-40])

    assert project.run().status == 0

    assert timeless(project) == expected


def test_of_two_runs_at_once_the_second_fails_and_names_the_first(project: Project):
    expected = uninterrupted(project)
    first = project.start("--ladder-concurrency=1")
    until(project, first, 3)

    second = project.run("--ladder-concurrency=1")
    told, _ = first.communicate(timeout=60)

    assert second.status == 1
    assert f"another run is writing this ladder (process {first.pid}, since" in " ".join(second.text.split())
    assert not OURS.search(second.text)
    assert first.returncode == 0, told
    assert sorted(asked(project)) == sorted(recorded(project))
    assert timeless(project) == expected
    assert project.run().status == 0


def test_a_read_only_run_may_look_on(project: Project):
    assert project.run().status == 0
    first = project.start("--ladder-record=all", "--ladder-concurrency=1")
    until(project, first, 2 * CASES + 3)

    looking = project.none()
    first.communicate(timeout=60)

    assert looking.status == 0
    assert first.returncode == 0


def test_what_another_run_recorded_in_the_meantime_is_not_asked_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    """The other run ends between the reading of the recordings and the taking of the lock."""
    from pytest_ladder.session.measuring.asker import Asker

    take, ran = Asker.lock, []

    def after_another(self: Asker) -> bool:
        if not ran:
            ran.append(project.spawn())
        return take(self)

    monkeypatch.setattr(Asker, "lock", after_another)

    mine = project.run()

    assert ran[0].status == 0
    assert mine.status == 0, mine.text
    assert len(asked(project)) == 2 * CASES
    assert len(project.entries("prompt")) == 1


KILLED_SAVE = """
import os, signal, sys
from pathlib import Path
import pytest_ladder.store.appending as appending
whole = appending.write_whole
def half(fd, data):
    whole(fd, data[: len(data) // 2])
    os.kill(os.getpid(), signal.SIGKILL)
"""


def torn_answer(project: Project) -> None:
    """A process that dies in the middle of writing an answer."""
    path = project.folder / "conftest.py"
    path.write_text(KILLED_SAVE + "\nappending.write_whole = half\n", encoding="utf-8")
    assert project.spawn().status == -signal.SIGKILL
    path.unlink()


def torn_log(project: Project) -> None:
    """A process that dies in the middle of writing the log."""
    path = project.folder / "conftest.py"
    late = "\nimport pytest_ladder.store.escalation_log as log\nlog.replace_file = lambda path, data: half("
    path.write_text(
        KILLED_SAVE + late + "os.open(str(path) + '.half.tmp', os.O_CREAT | os.O_WRONLY), data)\n", encoding="utf-8"
    )
    assert project.spawn().status == -signal.SIGKILL
    path.unlink()


@pytest.mark.parametrize("death", [torn_answer, torn_log])
def test_a_death_in_the_middle_of_a_line_is_mended_by_the_next_run(project: Project, death: Callable[[Project], None]):
    expected = uninterrupted(project)
    death(project)

    ran = project.run()

    assert ran.status == 0, ran.text
    assert timeless(project) == expected
    assert project.none().status == 0


def test_a_lock_of_a_process_that_died_holds_nobody_up(project: Project):
    stopped(project, 5, signal.SIGKILL)
    assert list((project.folder / "recordings").glob(".lock*"))

    assert project.run().status == 0


def test_a_system_that_ends_the_process_is_an_error_of_its_case(project: Project):
    dies = "    if case.id == 'c05' and rung.id == 'prompt':\n        raise SystemExit(3)\n"
    project.edit("slow.py", "    number = ", dies + "    number = ")

    ran = project.run()

    assert ran.status == 1
    assert "c05: SystemExit: 3" in ran.text
    assert len(recorded(project)) == 2 * CASES - 1
