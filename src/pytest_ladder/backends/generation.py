"""Continue a batch of prompts with a checkpoint, each to its own length and end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_ladder.backends.checkpoint import Checkpoint, quiet
from pytest_ladder.backends.constrained import Constraint
from pytest_ladder.backends.decoding import Decoding
from pytest_ladder.errors import ModelFailed, message


@dataclass
class Row:
    """One prompt and its answer in the making."""

    prompt: list[int]
    """Token ids."""
    budget: int
    """Most tokens of the answer, at least 1."""
    decoding: Decoding
    seed: int = 0
    """What a sampled answer is drawn with; of no effect on a greedy one."""
    made: list[int] = field(default_factory=list)
    """Token ids of the answer so far, the one that ended it included."""
    finish_reason: str = ""
    """`stop` or `length` once the answer is finished."""
    matcher: Any = None
    """Says which tokens may come at the beginning of the answer; None where any may."""

    @property
    def left(self) -> int:
        """How many tokens the answer may still grow."""
        return self.budget - len(self.made)

    @property
    def ids(self) -> list[int]:
        """Prompt and answer so far."""
        return self.prompt + self.made


def generate(checkpoint: Checkpoint, rows: Sequence[Row], cancelled: threading.Event) -> None:
    """Finish rows in place; greedy ones together, sampled ones each by itself with its own seed.

    A batch that does not fit into memory is tried again in halves.

    Raises:
        ModelFailed: a single row does not fit into memory, or `cancelled` was set meanwhile.
    """
    import torch

    with torch.inference_mode(), quiet():
        _halving(checkpoint, [row for row in rows if row.decoding.greedy], cancelled)
        for row in rows:
            if not row.decoding.greedy:
                devices = [torch.device(checkpoint.device)] if checkpoint.device.startswith("cuda") else []
                with torch.random.fork_rng(devices=devices):
                    torch.manual_seed(row.seed)
                    _halving(checkpoint, [row], cancelled)


def text_of(checkpoint: Checkpoint, row: Row) -> str:
    """The answer as text, without the tokens and texts that end it."""
    kept = [token for token in row.made if token not in checkpoint.ends]
    text: str = checkpoint.tokenizer.decode(kept, skip_special_tokens=True)
    found = [position for stop in row.decoding.stop if (position := text.find(stop)) >= 0]
    return text[: min(found)] if found else text


def _halving(checkpoint: Checkpoint, rows: list[Row], cancelled: threading.Event) -> None:
    try:
        while pending := [row for row in rows if not row.finish_reason]:
            _one_round(checkpoint, pending, cancelled)
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        if len(rows) == 1:
            fault = f"a prompt of {len(rows[0].prompt)} tokens does not fit into memory"
            raise ModelFailed(message("local model", fault)) from error
    else:
        return
    _free_memory()
    middle = len(rows) // 2
    _halving(checkpoint, rows[:middle], cancelled)
    _halving(checkpoint, rows[middle:], cancelled)


def _one_round(checkpoint: Checkpoint, rows: list[Row], cancelled: threading.Event) -> None:
    """Grow rows until all are finished or the longest one is at the model's last position.

    What is unfinished then goes on in the next round, without those that are finished: positions beyond the model's
    last one are never computed, not even for rows that only wait for others.
    """
    longest = max(len(row.ids) for row in rows)
    room = max(row.left for row in rows)
    if checkpoint.positions is not None:
        room = min(room, checkpoint.positions - longest)
    ends = _Ends(checkpoint, rows, longest, cancelled)
    grown = _grow(checkpoint, rows, longest, room, ends)
    if cancelled.is_set():
        raise ModelFailed(message("local model", "it was closed while it answered"))
    for row, tokens, ended in zip(rows, grown, ends.ended, strict=True):
        _take(checkpoint, row, tokens[: ended or len(tokens)])


def _grow(checkpoint: Checkpoint, rows: list[Row], longest: int, room: int, ends: _Ends) -> list[list[int]]:
    import torch
    from transformers import StoppingCriteriaList

    padding = [longest - len(row.ids) for row in rows]
    ids = [[checkpoint.pad] * blank + row.ids for blank, row in zip(padding, rows, strict=True)]
    mask = [[0] * blank + [1] * (longest - blank) for blank in padding]
    out = checkpoint.model.generate(
        input_ids=torch.tensor(ids, device=checkpoint.device),
        attention_mask=torch.tensor(mask, device=checkpoint.device),
        max_new_tokens=room, stopping_criteria=StoppingCriteriaList([ends]), **_sampling(rows[0].decoding),
        **_constraint(checkpoint, rows, longest),
    )  # fmt: skip
    grown: list[list[int]] = out[:, longest:].tolist()
    return grown


def _constraint(checkpoint: Checkpoint, rows: list[Row], start: int) -> dict[str, Any]:
    if all(row.matcher is None for row in rows):
        return {}
    from transformers import LogitsProcessorList

    constraint = Constraint([(row.matcher, row.made) for row in rows], start, checkpoint.ends)
    return {"logits_processor": LogitsProcessorList([constraint])}


def _sampling(decoding: Decoding) -> dict[str, Any]:
    if decoding.greedy:
        return {"do_sample": False}
    return {
        "do_sample": True, "temperature": float(decoding.temperature), "top_p": float(decoding.top_p),
        "top_k": decoding.top_k or 0,
    }  # fmt: skip


def _take(checkpoint: Checkpoint, row: Row, tokens: list[int]) -> None:
    tokens = tokens[: row.left]
    end = next((place for place, token in enumerate(tokens) if token in checkpoint.ends), None)
    row.made += tokens if end is None else tokens[: end + 1]
    if end is not None or _has_stop(checkpoint, row, row.made):
        row.finish_reason = "stop"
    elif row.left == 0:
        row.finish_reason = "length"


def _has_stop(checkpoint: Checkpoint, row: Row, made: list[int]) -> bool:
    if not row.decoding.stop:
        return False
    text = checkpoint.tokenizer.decode(made, skip_special_tokens=True)
    return any(stop in text for stop in row.decoding.stop)


class _Ends:
    """Tells transformers after each step which rows are done: at their budget or at a stop text."""

    def __init__(self, checkpoint: Checkpoint, rows: list[Row], start: int, cancelled: threading.Event) -> None:
        self._checkpoint = checkpoint
        self._rows = rows
        self._start = start
        self._cancelled = cancelled
        self.ended: list[int | None] = [None] * len(rows)
        """After how many new tokens each row was done; None where it was not."""

    def __call__(self, input_ids: Any, scores: object, **_: object) -> Any:  # noqa: ARG002  transformers' signature
        import torch

        grown = input_ids.shape[1] - self._start
        for place, row in enumerate(self._rows):
            if self.ended[place] is None and self._is_done(row, input_ids[place], grown):
                self.ended[place] = grown
        everything = self._cancelled.is_set()
        done = [everything or ended is not None for ended in self.ended]
        return torch.tensor(done, device=input_ids.device)

    def _is_done(self, row: Row, ids: Any, grown: int) -> bool:
        if grown >= row.left:
            return True
        return bool(row.decoding.stop) and _has_stop(self._checkpoint, row, row.made + ids[self._start :].tolist())


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return "not enough memory" in str(error) or "out of memory" in str(error)


def _free_memory() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
