"""Put what the examples print into the pages that show it, between `<!-- NAME -->` and `<!-- /NAME -->`.

python scripts/show.py                all pages; takes two minutes
python scripts/show.py support        what the ladder `support` prints, in about ten seconds
python scripts/show.py --check ...    write nothing; say what differs, times aside, and fail
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns("recordings", "scores", "escalation.jsonl", "adapter", "__pycache__", ".pytest_cache")
EARLY = ("prompt", "prompt_v2", "few_shot", "few_shot_nearest", "rag")


@dataclass(frozen=True)
class Scene:
    """One run of pytest, and where parts of its output are shown."""

    ladder: str
    arguments: tuple[str, ...] = ()
    shown: tuple[tuple[str, str, str], ...] = ()
    """Page, name of the place, and the first line of the part, as a pattern."""
    labels: str = ""
    """A file to become labels.jsonl before the run."""


SECTION, GATE, DECIDED = "── ladder", "  fine-tuning (refused|allowed)", "  decided"
SUPPORT, HOUSE = "examples/support/README.md", "examples/house_style/README.md"
HARD = "examples/support_hard/README.md"
TUNE = ("--ladder-fine-tune", "--ladder-rung=fine_tune")
SCENES = (
    Scene("support", shown=(("README.md", "demo", SECTION), (SUPPORT, "climb", DECIDED))),
    Scene("support", ("-v",), ((SUPPORT, "worst", "  worst cases of rag"),)),
    Scene("support", ("--ladder-fine-tune",), (("README.md", "refusal", GATE), (SUPPORT, "refusal", GATE))),
    Scene("support_hard", ("--ladder-rung=prompt", "--ladder-rung=few_shot"), ((HARD, "facts", DECIDED),)),
    Scene("support_hard", ("--ladder-rung=rag",), ((HARD, "retrieval", DECIDED),)),
    Scene("support_hard", ("--ladder-rung=advanced_rag",), ((HARD, "reasoning", DECIDED),)),
    Scene("support_hard", shown=((HARD, "climb", DECIDED),)),
    Scene("support_hard", ("--ladder-fine-tune",), ((HARD, "refusal", GATE),)),
    Scene("house_style", tuple(f"--ladder-rung={rung}" for rung in EARLY)),
    Scene("house_style", TUNE, ((HOUSE, "early", GATE),)),
    Scene("house_style", shown=((HOUSE, "climb", DECIDED),)),
    Scene("house_style", TUNE, ((HOUSE, "unlabelled", GATE),)),
    Scene("house_style", TUNE, ((HOUSE, "labelled", DECIDED),), labels="labels-reviewed.jsonl"),
)


def play(scenes: Iterable[Scene], folder: Path) -> Iterator[tuple[str, str, str]]:
    """Run the scenes in a copy of the examples; gives page, place and what is to be shown there."""
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=LEFT_OUT)
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for scene in scenes:
        if scene.labels:
            ladder = folder / "examples" / scene.ladder
            shutil.copyfile(ladder / scene.labels, ladder / "labels.jsonl")
        printed = run(scene, folder)
        for page, place, first in scene.shown:
            yield page, place, part(printed, first)


def run(scene: Scene, folder: Path) -> str:
    """What pytest prints on a screen 100 wide."""
    plain = ["-p", "no:randomly", "-p", "no:cacheprovider", "--color=no", *scene.arguments]
    kept = {key: value for key, value in os.environ.items() if key not in ("CI", "PYTEST_ADDOPTS")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--ladder", *plain, f"examples/{scene.ladder}"], cwd=folder, check=False,
        env={**kept, "COLUMNS": "100", "PYTHONUTF8": "1"}, stdout=subprocess.PIPE, text=True, encoding="utf-8",
    ).stdout  # fmt: skip


def part(printed: str, first: str) -> str:
    """The lines from the first one that matches to the end of its block; of a section, to its own end."""
    lines = printed.splitlines()
    start = next((at for at, line in enumerate(lines) if re.match(first, line)), None)
    if start is None:
        sys.exit(f"nothing that begins with {first!r} was printed:\n{printed}")
    taken = [lines[start]]
    for line in lines[start + 1 :]:
        if line and not line.startswith("  "):
            break
        if not line and first not in (SECTION, DECIDED):
            break
        taken.append(line)
    return "\n".join(taken).rstrip()


def placed(text: str, place: str, shown: str) -> str:
    """A page's text with a block in its place."""
    found = re.compile(rf"(?s)(<!-- {place} -->\n).*?(<!-- /{place} -->)")
    if not found.search(text):
        sys.exit(f"no place {place!r} in the page")
    return found.sub(lambda match: f"{match[1]}```text\n{shown}\n```\n{match[2]}", text, count=1)


def timeless(text: str) -> list[str]:
    """The lines without times, and without what depends on their width."""
    return [" ".join(re.sub(r"\d[\d.]* (ms|s)\b", "TIME", line).replace("─", "").split()) for line in text.splitlines()]


def main(arguments: list[str]) -> int:
    """Write or check the pages; 1 if a check fails."""
    check, ladders = "--check" in arguments, [name for name in arguments if name != "--check"]
    scenes = [scene for scene in SCENES if not ladders or scene.ladder in ladders]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for page, place, shown in play(scenes, Path(folder)):
            path = ROOT / page
            before = path.read_text(encoding="utf-8")
            after = placed(before, place, shown)
            if check and timeless(before) != timeless(after):
                wrong += 1
                print(f"{page}: {place} does not show what is printed now. Run `python scripts/show.py`.\n{shown}")
            elif not check and timeless(before) != timeless(after):
                path.write_text(after, encoding="utf-8", newline="\n")
                print(f"{page}: {place} written")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
