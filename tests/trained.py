"""A cross-encoder small enough to be trained in a test: two layers that learn which words mean the same."""

from __future__ import annotations

import random
from pathlib import Path

SAME = {
    "car": "automobile", "doctor": "physician", "movie": "film", "house": "residence", "money": "cash",
    "boat": "ship", "child": "infant", "rock": "stone",
}  # fmt: skip
AROUND = ("the", "my", "old", "new")
STEPS, GROUPS = 700, 16


def cross_encoders(folder: Path) -> tuple[Path, Path]:
    """Write one with weights as drawn, and the same one trained: (untrained, trained)."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *AROUND, *SAME, *SAME.values()]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"))
    torch.manual_seed(1)
    model = BertForSequenceClassification(BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=32, num_labels=1, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    ))  # fmt: skip
    threads = torch.get_num_threads()
    for name in ("untrained", "trained"):
        if name == "trained":
            torch.set_num_threads(1)  # so small a model gains nothing by more
            _train(model, tokenizer)
            torch.set_num_threads(threads)
        model.save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return folder / "untrained", folder / "trained"


def _train(model, tokenizer) -> None:
    """Each step: questions, and for each the text that means the same among three that do not."""
    import torch

    rng, right = random.Random(1), torch.zeros(GROUPS, dtype=torch.long)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    rate = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, STEPS)
    model.train()
    for _ in range(STEPS):
        pairs = [pair for _ in range(GROUPS) for pair in _group(rng)]
        tokens = tokenizer([a for a, _ in pairs], [b for _, b in pairs], padding=True, return_tensors="pt")
        torch.nn.functional.cross_entropy(model(**tokens).logits.view(GROUPS, -1), right).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        rate.step()
    model.eval()


def _group(rng: random.Random) -> list[tuple[str, str]]:
    asked, *others = rng.sample(sorted(SAME), 4)
    question = _said(rng, asked)
    return [(question, _said(rng, SAME[word])) for word in (asked, *others)]


def _said(rng: random.Random, word: str) -> str:
    return f"{rng.choice(AROUND)} {rng.choice(AROUND)} {word}"
