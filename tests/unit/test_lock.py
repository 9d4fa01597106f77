"""One writer a ladder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ladder.errors import Locked
from pytest_ladder.store.lock import LadderLock

HOLD = """
import sys
from pathlib import Path
from pytest_ladder.store.lock import LadderLock
LadderLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
"""

TRY = """
import sys
from pathlib import Path
from pytest_ladder.errors import Locked
from pytest_ladder.store.lock import LadderLock
try:
    LadderLock(Path(sys.argv[1])).acquire()
except Locked as error:
    print(error)
else:
    print("taken")
"""


def trying(folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", TRY, str(folder)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def ended(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_another_process_is_refused_and_told_who_holds_it(tmp_path: Path):
    with LadderLock(tmp_path):
        assert f"(process {os.getpid()}, since 2" in trying(tmp_path)

    assert trying(tmp_path) == "taken"


def test_the_same_process_may_take_it_again(tmp_path: Path):
    with LadderLock(tmp_path):
        with LadderLock(tmp_path):
            pass
        assert "another run is writing" in trying(tmp_path)

    assert trying(tmp_path) == "taken"


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path):
    process = holder(tmp_path)
    try:
        with pytest.raises(Locked, match=rf"process {process.pid}, since "):
            LadderLock(tmp_path).acquire()
    finally:
        ended(process)

    with LadderLock(tmp_path):
        assert "another run is writing" in trying(tmp_path)


def test_a_holder_that_left_no_name_is_no_error(tmp_path: Path):
    process = holder(tmp_path)
    try:
        (tmp_path / "recordings/.lock.holder").write_text("x", encoding="utf-8")
        with pytest.raises(Locked, match=r"another run is writing this ladder\. Wait"):
            LadderLock(tmp_path).acquire()
    finally:
        ended(process)


def test_two_ladders_do_not_meet(tmp_path: Path):
    with LadderLock(tmp_path / "a"):
        assert trying(tmp_path / "b") == "taken"


def test_the_lock_stays_out_of_git(tmp_path: Path):
    with LadderLock(tmp_path):
        pass

    assert ".lock*" in (tmp_path / "recordings/.gitignore").read_text(encoding="utf-8").splitlines()
