"""A ladder that is judged by a model, and people's labels of its answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tests.loopback import Act, Seen, saying
from tests.plugin.bench import Bench

JUDGE = """\
import re
from pathlib import Path


def verdict(messages):
    with Path(__file__).with_name("asked.txt").open("a", encoding="utf-8") as file:
        file.write("judge " + messages[-1]["content"].replace("\\n", " ") + "\\n")
    if len(messages) > 1:
        return {{"text": {repaired!r}, "model": "judge-1", "cost_usd": 0.01}}
    expected, answer = re.findall("(?s)<(.*?)>", messages[-1]["content"])
    return {{"text": {first}, "model": "judge-1", "cost_usd": 0.01, "prompt_tokens": 20, "completion_tokens": 1}}
"""
WORDS = '"yes" if expected == answer else "no"'
PROMPT = "Is <{{ expected }}> what <{{ answer }}> says?"
METRIC = """\
[metrics.quality]
scorer = "judge"
options = { model = "judge.py:verdict", prompt = "judge.md" }
"""
HOSTED = '[metrics.quality]\nscorer = "judge"\noptions = {{ model = "{model}", prompt = "judge.md"{more} }}\n'
PRICE = '[prices."{model}"]\ninput = 1000\noutput = 1000\n'
BOTH = "answer = { all = 0.9 }\nquality = { all = 0.9 }"
ALONE = "quality = { all = 0.9 }"


def judged(
    bench: Bench, rungs: dict[str, int] | None = None, *, first: str = WORDS, repaired: str = "yes",
    thresholds: str = "answer = { all = 0.9 }", metric: str = METRIC, head: str = "", cases: int = 10,
    tables: str = "",
) -> Bench:  # fmt: skip
    """Write a ladder whose metric `quality` is judged; `first` is what the judge says, `repaired` when asked again."""
    bench.make(rungs, thresholds=thresholds, tables=f"{metric}\n{tables}", head=head, cases=cases)
    bench.write("judge.py", JUDGE.format(first=first, repaired=repaired))
    bench.write("judge.md", PROMPT)
    return bench


def label(
    bench: Bench, verdicts: Iterable[str], rung: str = "few_shot", at: str = "2099-01-01", **more: object
) -> None:
    """Label the answers of a rung, case after case, by one person."""
    lines = [
        {"case": f"c{n}", "rung": rung, "metric": "quality", "verdict": verdict, "by": "ada", "at": at, **more}
        for n, verdict in enumerate(verdicts)
    ]
    bench.write("judgements.jsonl", "".join(json.dumps(line) + "\n" for line in lines))


def asked_judge(bench: Bench) -> list[str]:
    """What the judge was asked since the last look."""
    return bench.asked("judge")


def quality(bench: Bench, place: int = -1) -> dict[str, object]:
    """The figure of `quality` on all cases, of an entry of the log."""
    entries = [entry for entry in bench.log if entry["kind"] == "rung"]
    found: dict[str, object] = entries[place]["scores"]["quality"]["all"]
    return found


def judge_files(bench: Bench) -> list[Path]:
    """The files that hold what judges said."""
    return sorted(bench.folder.glob("recordings/_judges/*/*.jsonl"))


def with_model(bench: Bench, model: str, more: str = "", price: bool = True, **parts: str) -> Bench:
    """A ladder whose judge is behind an address."""
    tables = PRICE.format(model=model) if price else ""
    return judged(bench, {"prompt": 10}, metric=HOSTED.format(model=model, more=more), tables=tables, **parts)


def verdicts(seen: Seen) -> Act:
    """A server that judges: `yes` where the expected answer is the given one."""
    expected, answer = (part.partition(">")[0] for part in seen.asked.split("<")[1:])
    return saying("yes" if expected == answer else "no")
