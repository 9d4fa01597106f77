"""What is shown while a rung runs: a bar on a terminal, lines elsewhere; what pytest writes stays as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ladder.report import progress
from tests.plugin import test_optimize
from tests.plugin.bench import Bench
from tests.plugin.screen import Screen

SLOW = """\
import time


def answer(case):
    print("noise of a system")
    time.sleep(0.25)
    return case.input.replace("question", "{word}")
"""


@pytest.fixture
def slow(bench: Bench) -> Bench:
    """Two rungs of about a second each."""
    bench.make({"prompt": 0, "few_shot": 0})
    bench.write("prompt.py", SLOW.format(word="guess"))
    bench.write("few_shot.py", SLOW.format(word="answer"))
    return bench


def on_a_terminal(bench: Bench, *args: str, width: int = 80, height: int = 24, **env: str) -> str:
    """Run on a pseudo-terminal; what was written there."""
    pty = pytest.importorskip("pty")
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    command = [sys.executable, "-m", "pytest", "--ladder", "--ladder-concurrency=3", *bench.args, *args]
    process = subprocess.Popen(
        command, cwd=bench.pytester.path, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True,
        env={**os.environ, "TERM": "xterm-256color", "PYTHONUTF8": "1", **env},
    )  # fmt: skip
    os.close(theirs)
    found = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            part = b""
        if not part:
            break
        found += part
    os.close(ours)
    assert process.wait(60) == 0
    return found.decode("utf-8")


def seen(written: str, width: int = 80, height: int = 24) -> str:
    screen = Screen(width, height)
    screen.feed(written)
    return screen.text


def moments(written: str, width: int = 80, height: int = 24) -> list[str]:
    """The screen each time that the bar was drawn."""
    screen, found = Screen(width, height), []
    for part in written.split("\x1b8")[:-1]:
        screen.feed(part + "\x1b8")
        found.append(screen.text)
    return found


def test_a_bar_is_drawn_below_and_taken_away_and_capturing_goes_on(slow: Bench):
    written = on_a_terminal(slow)

    bars = [text.splitlines()[-1] for text in moments(written)]
    assert any("support prompt" in bar and "━" in bar and "/10" in bar for bar in bars)
    assert any("support few_shot" in bar for bar in bars)
    assert "support prompt  " not in seen(written)
    assert "━" not in seen(written)
    assert "noise of a system" not in written


@pytest.mark.parametrize(("width", "height"), [(80, 6), (50, 5)])
def test_the_lines_of_pytest_stay_as_they_are(slow: Bench, width: int, height: int):
    text = seen(on_a_terminal(slow, width=width, height=height), width, height)

    assert [line for line in text.splitlines() if line.startswith("evals/support/test_")] == [
        "evals/support/test_support.py SL" + "[100%]".rjust(width - 33)
    ]


def test_the_line_above_the_bar_is_whole_while_it_is_drawn(slow: Bench):
    shown = moments(on_a_terminal(slow, "-v"))

    assert any(f"{slow.test}[prompt]" in text.splitlines()[-2] for text in shown)
    assert any(f"{slow.test}[few_shot]" in text.splitlines()[-2] for text in shown)


def test_a_line_that_is_told_while_the_bar_is_there_takes_it_away(bench: Bench):
    test_optimize.make(bench)
    bench.write("models.py", test_optimize.MODEL.replace(
        "def reply(messages):", "def reply(messages):\n    __import__('time').sleep(0.03)"
    ))  # fmt: skip

    written = on_a_terminal(bench)

    assert any("optimize search" in text and "━" in text for text in moments(written))
    assert "dev 0.000 to 1.000 on 16 cases" in " ".join(seen(written).split())
    assert "━" not in seen(written)
    assert "search  " not in seen(written)


@pytest.mark.parametrize("args", [("-q",), ("-s",), ("-n", "1")])
def test_there_is_no_bar_when_quiet_uncaptured_or_with_workers(slow: Bench, args: tuple[str, ...]):
    assert "━━" not in on_a_terminal(slow, *args).partition("= ladders =")[0]


def test_there_is_no_bar_on_a_dumb_terminal(slow: Bench):
    assert "\x1b7" not in on_a_terminal(slow, TERM="dumb")


def test_a_fast_rung_shows_no_bar(bench: Bench):
    assert "\x1b7" not in on_a_terminal(bench.make())


def test_without_a_terminal_a_slow_rung_writes_a_line_now_and_then(slow: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(progress, "EVERY_CI_S", 0.3)

    ran = slow.run("-v", "--ladder-concurrency=3")

    lines = [line for line in ran.lines if line.startswith("support prompt ")]
    assert len(lines) >= 2
    assert all("/10" in line and "\x1b" not in line for line in lines)
    assert "noise of a system" not in ran.text
    assert "SELECTED" in ran.text


def test_without_a_terminal_a_fast_rung_writes_no_line(bench: Bench):
    ran = bench.make().run()

    assert not [line for line in ran.lines if line.startswith("support ")]


def test_the_small_terminal_of_these_tests_knows_its_sequences():
    screen = Screen(10, 3)
    screen.feed("one\r\ntwo\r\nab\x1bD\x1b[1A\x1b7\x1bD\rbar\x1b[K\x1b8cd")

    assert screen.text == "one\ntwo\nabcd\nbar"


def test_pytest_writes_where_it_was_asked_to(slow: Bench):
    """Standard output that is a file is no terminal."""
    with Path(slow.pytester.path / "out.txt").open("wb") as file:
        subprocess.run([sys.executable, "-m", "pytest", "--ladder", *slow.args, "--ladder-concurrency=10"],
                       cwd=slow.pytester.path, stdout=file, check=True)  # fmt: skip

    assert "\x1b" not in (slow.pytester.path / "out.txt").read_text(encoding="utf-8")
