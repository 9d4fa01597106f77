"""How long a read-only run takes on recorded answers: scored, bounded, decided and compared with the log."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

from measure import Figure, main, run

LADDER = """
schema = 1
name = "rescore"
evalset = "cases.jsonl"
model = "models.py:echo"

[metrics.answer]
scorer = "exact_match"

[thresholds]
answer = { all = 0.9, even = 0.9 }

[rungs.prompt]
prompt = "prompt.md"
"""
MODEL = "async def echo(messages):\n    return messages[-1]['content']\n"
TEST = "import pytest\n\n\n@pytest.mark.ladder\ndef test_rescore(rung):\n    rung.check()\n"


def write_ladder(folder: Path, answers: int) -> None:
    files = {"ladder.toml": LADDER, "models.py": MODEL, "prompt.md": "{{ input }}\n", "test_rescore.py": TEST,
             "pytest.ini": "[pytest]\n"}  # fmt: skip
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    with (folder / "cases.jsonl").open("w", encoding="utf-8") as file:
        for number in range(answers):
            text = f"question {number}: " + "a few words more " * 5
            case = {"id": f"c{number}", "input": text, "expected": text if number % 20 else "no",
                    "slices": ["odd" if number % 2 else "even"]}  # fmt: skip
            file.write(json.dumps(case) + "\n")


def measure(answers: int, runs: int) -> list[Figure]:
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:xdist", "--ladder"]
    with tempfile.TemporaryDirectory(prefix="ladder-bench-") as name:
        folder = Path(name)
        write_ladder(folder, answers)
        asked = run([*pytest, "--ladder-record=new", "--ladder-concurrency=64"], folder)
        costs = [run([*pytest, "--ladder-record=none"], folder) for _ in range(runs)]
    wall_s = statistics.median(cost.wall_s for cost in costs)
    return [
        Figure("rescore", f"{answers} answers asked of a model that answers at once, and recorded", asked.wall_s, "s"),
        Figure("rescore", f"{answers} recorded answers verified, median of {runs} runs", wall_s, "s"),
        Figure("rescore", "peak memory of such a run", max(cost.peak_mib for cost in costs), "MiB"),
    ]


if __name__ == "__main__":
    assert __doc__
    main(__doc__, {"answers": 10_000, "runs": 3}, measure)
