"""What a rerun costs beyond the start of pytest, every answer being on record: the server that gave them is gone."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

from hosted import serving
from measure import Figure, main, run

LADDER = """
schema = 1
name = "rerun"
evalset = "cases.jsonl"
model = "openai_compatible:{url}#tiny"

[prices."openai_compatible:{url}#tiny"]
input = 0
output = 0

[metrics.answer]
scorer = "exact_match"

[thresholds]
answer = {{ all = 0.9 }}

[rungs.prompt]
prompt = "prompt.md"
"""
TEST = "import pytest\n\n\n@pytest.mark.ladder\ndef test_rerun(rung):\n    rung.check()\n"
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:xdist", "--ladder"]


def write_ladder(folder: Path, url: str, cases: int) -> None:
    rows = [{"id": f"c{n}", "input": f"question {n}", "expected": f"answer {n}"} for n in range(cases)]
    files = {
        "ladder.toml": LADDER.format(url=url), "prompt.md": "{{ input }}\n", "test_rerun.py": TEST,
        "pytest.ini": "[pytest]\n", "cases.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
    }  # fmt: skip
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def measure(cases: int, pairs: int) -> list[Figure]:
    more: list[tuple[float, float]] = []
    starts: list[float] = []
    with tempfile.TemporaryDirectory(prefix="ladder-bench-") as name:
        many, few = Path(name) / "many", Path(name) / "few"
        with serving(0) as url:
            for folder, number in ((many, cases), (few, 1)):
                write_ladder(folder, url, number)
                run([*PYTEST, "--ladder-record=new", "--ladder-concurrency=64"], folder)
        for _ in range(pairs):  # whoever asked now would fail
            took = {folder: run([*PYTEST, "--ladder-record=new"], folder) for folder in (few, many)}
            more.append((took[many].wall_s - took[few].wall_s, took[many].cpu_s - took[few].cpu_s))
            starts.append(took[few].wall_s)
    wall, cpu = (statistics.median(part) for part in zip(*more, strict=True))
    what = f"{cases} recorded cases, 0 requests"
    return [
        Figure("rerun", "one recorded case, 0 requests: the start", statistics.median(starts), "s"),
        Figure("rerun", f"{what}: more wall time than that, median of {pairs} pairs", wall, "s"),
        Figure("rerun", f"{what}: more CPU time than that", cpu, "s"),
    ]


if __name__ == "__main__":
    assert __doc__
    main(__doc__, {"cases": 1000, "pairs": 7}, measure)
