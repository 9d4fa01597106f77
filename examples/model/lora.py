"""Train a LoRA adapter for the small model on a file of chats; about ten seconds on one core.

python -m examples.model.lora --train examples/house_style/train.jsonl --out examples/house_style/adapter
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from examples.model import batches, sequences
from examples.model.batches import Row
from examples.model.sequences import Chat

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CHECKPOINT = Path(__file__).parent / "checkpoint"


@dataclass(frozen=True)
class Settings:
    """What decides the adapter, besides the chats and the checkpoint."""

    epochs: int = 4
    rate: float = 5e-3
    rank: int = 8
    batch: int = 16
    """Chats a step."""
    replay: float = 0.0
    """Sequences of the pre-training for each chat: they keep the skills that narrow tuning forgets."""
    seed: int = 0


def read_chats(path: Path) -> list[Chat]:
    """Chats from JSONL, `{"messages": [{"role", "content"}, ...]}` a line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    chats = [[(m["role"], m["content"]) for m in json.loads(line)["messages"]] for line in lines if line.strip()]
    return [Chat(chat, [True] * sum(role == "assistant" for role, _ in chat)) for chat in chats]


def adapted(model: PreTrainedModel, rank: int) -> PreTrainedModel:
    """The model with a fresh adapter on all its linear layers; its own weights stand still."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    return get_peft_model(model, config)


def fit(model: PreTrainedModel, rows: list[Row], padding: int, settings: Settings) -> float:
    """Train on the rows and return the last loss; the learning rate falls to zero in a line."""
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, weight_decay=0.0)
    rng, step, loss = Random(settings.seed), 0, 0.0
    steps = settings.epochs * -(-len(rows) // settings.batch)
    for _ in range(settings.epochs):
        rng.shuffle(rows)
        for start in range(0, len(rows), settings.batch):
            rate = settings.rate * min(1.0, (step + 1) / 5) * (1 - step / steps)
            loss = _step(model, rows[start : start + settings.batch], padding, optimizer, rate)
            step += 1
    return loss


def _step(
    model: PreTrainedModel, rows: Sequence[Row], padding: int, optimizer: torch.optim.Optimizer, rate: float
) -> float:
    batch = batches.collate(rows, padding)
    counted = batch.turns[:, 1:] >= 0
    logits = model(input_ids=batch.ids[:, :-1], use_cache=False).logits[counted]
    loss = functional.cross_entropy(logits, batch.ids[:, 1:][counted])
    loss.backward()
    for group in optimizer.param_groups:
        torch.nn.utils.clip_grad_norm_(group["params"], 1.0)
        group["lr"] = rate
    optimizer.step()
    optimizer.zero_grad()
    return float(loss.item())


def train(checkpoint: Path, chats: list[Chat], out: Path, settings: Settings) -> float:
    """Train an adapter, save it in a folder, and return the last loss."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(settings.seed)
    rng = Random(settings.seed)
    chats = chats + [sequences.draw_chat(rng) for _ in range(round(settings.replay * len(chats)))]
    vocabulary = AutoTokenizer.from_pretrained(checkpoint)
    base = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32, attn_implementation="eager")
    model = adapted(base, settings.rank)
    loss = fit(model, batches.encode(vocabulary, chats), vocabulary.pad_token_id, settings)
    model.save_pretrained(out)
    (out / "lora.json").write_text(json.dumps(asdict(settings)) + "\n", encoding="utf-8")
    return loss


def main() -> None:
    """Read the chats, train, and say how well they were learned."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--train", type=Path, required=True, help="chats, JSONL")
    parser.add_argument("--out", type=Path, required=True, help="folder for the adapter")
    parser.add_argument("--model", type=Path, default=CHECKPOINT, help="folder of the checkpoint")
    for name, default in asdict(Settings()).items():
        parser.add_argument(f"--{name}", type=type(default), default=default, help="default: %(default)s")
    arguments = vars(parser.parse_args())
    settings = Settings(**{name: arguments[name] for name in asdict(Settings())})
    torch.set_num_threads(1)  # more threads add in another order
    chats = read_chats(arguments["train"])
    loss = train(arguments["model"], chats, arguments["out"], settings)
    print(f"{len(chats)} chats, last loss {loss:.4f}")


if __name__ == "__main__":
    main()
