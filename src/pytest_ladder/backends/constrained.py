"""Hold a local model to a JSON Schema: at each step only tokens that can still lead to a fitting answer are allowed."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_ladder.backends.checkpoint import Checkpoint
from pytest_ladder.backends.require import require
from pytest_ladder.core.canonical import Json, canonical
from pytest_ladder.errors import InvalidRequest, message

FEATURE = "constrained decoding"
EXTRA = "constrained"

_FORM = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""JSON is written as `json.dumps` does, so that no model loses itself in blanks."""
_ANCHOR = "a"
"""What a token is decoded after: what a decoder does to the beginning of a text is not the token's."""
_BEFORE = "."
"""What a text is encoded after, so that it is not taken for the beginning of one."""
_NO_TEXT = "\N{REPLACEMENT CHARACTER}"


def check_installed() -> None:
    """Raise MissingDependency where the extra is not installed."""
    require("llguidance", FEATURE, EXTRA)


@dataclass
class Grammars:
    """The schemas that one checkpoint was asked for, compiled once each."""

    checkpoint: Checkpoint
    name: str
    """The model's, for messages."""
    _compiled: dict[bytes, Any] = field(default_factory=dict)
    _tokens: Any = None

    def matcher(self, schema: Mapping[str, Json]) -> Any:
        """A new matcher at the beginning of an answer.

        Raises:
            MissingDependency: the extra is not installed.
            InvalidRequest: the tokenizer or the schema is not one that can be used so.
        """
        key = canonical(dict(schema))
        if key not in self._compiled:
            self._compiled[key] = self._compile(schema)
        return self._compiled[key].deep_copy()

    def _compile(self, schema: Mapping[str, Json]) -> Any:
        llguidance = require("llguidance", FEATURE, EXTRA)
        if self._tokens is None:
            self._tokens = _tokens(self.checkpoint, self.name)
        grammar = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(schema), defaults=_FORM)
        made = llguidance.LLMatcher(self._tokens, grammar, log_level=0)
        if made.is_error():
            reason = next(iter(made.get_error().strip().splitlines()), "")
            step = 'set `output_mode = "prompt"`, or put it in other words'
            fault = f"decoding cannot be constrained to this schema ({reason})"
            raise InvalidRequest(message(f"model {self.name}", fault, next_step=step))
        return made


class Constraint:
    """Takes from a batch's logits what does not fit; a `LogitsProcessor` of transformers."""

    def __init__(self, rows: Sequence[tuple[Any | None, Sequence[int]]], start: int, ends: Collection[int]) -> None:
        """Begin a round.

        Args:
            rows: For each row a matcher at the beginning of its answer, and the tokens of the answer so far; None in
                place of a matcher for a row that may say anything.
            start: The length of the rows with all that.
            ends: The tokens that end an answer.
        """
        self._matchers = [_moved(matcher, made) for matcher, made in rows]
        self._seen = start
        self._ends = sorted(ends)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """The scores, minus infinity for what a row may not say next; a row that has ended is left alone."""
        new = input_ids[:, self._seen :].tolist()
        self._seen = input_ids.shape[1]
        for place, matcher in enumerate(self._matchers):
            if matcher is None:
                continue
            if any(token in self._ends for token in new[place]):
                self._matchers[place] = None
            else:
                matcher.consume_tokens(new[place])
                scores[place] = self._masked(scores[place], matcher)
        return scores

    def _masked(self, scores: Any, matcher: Any) -> Any:
        import torch

        mask = torch.zeros(len(scores), dtype=torch.bool)
        if matcher.is_stopped():  # the value is whole, or nothing can make it so
            mask[self._ends] = True
        else:
            allowed = torch.frombuffer(bytearray(matcher.compute_logit_bias()), dtype=torch.uint8).bool()
            known = min(len(allowed), len(scores))
            mask[:known] = allowed[:known]
        return scores.masked_fill(~mask.to(scores.device), float("-inf"))


def _moved(matcher: Any | None, made: Sequence[int]) -> Any | None:
    if matcher is None:
        return None
    copy = matcher.deep_copy()
    copy.consume_tokens(list(made))
    return copy


def _tokens(checkpoint: Checkpoint, name: str) -> Any:
    """The vocabulary as bytes: as llguidance reads it from the tokenizer, or as the tokenizer decodes each token."""
    llguidance = require("llguidance", FEATURE, EXTRA)
    ends = sorted(checkpoint.ends)
    if not ends:
        raise InvalidRequest(message(f"model {name}", "no token ends its answers, so that they cannot be constrained"))
    try:
        hf = require("llguidance.hf", FEATURE, EXTRA)
        return hf.from_tokenizer(checkpoint.tokenizer, eos_token=ends)
    except ValueError:  # a kind of tokenizer that it does not know
        return llguidance.LLTokenizer(llguidance.TokenizerWrapper(_Decoded(checkpoint)), eos_token=ends)


class _Decoded:
    """A vocabulary by what each token adds to a text; of the form that `TokenizerWrapper` takes."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._tokenizer = tokenizer = checkpoint.tokenizer
        self.eos_token_id, self.bos_token_id = min(checkpoint.ends), None
        self.special_token_ids = sorted({*tokenizer.all_special_ids, *checkpoint.ends})
        (anchor, *_) = self._ids(_ANCHOR)
        before = tokenizer.decode([anchor])
        known = set(tokenizer.get_vocab().values()) - set(self.special_token_ids)
        self.tokens = [
            self._added(before, tokenizer.decode([anchor, number])) if number in known else b"\xff%d" % number
            for number in range(max(tokenizer.get_vocab().values()) + 1)
        ]
        self._by_bytes = {token: number for number, token in reversed([*enumerate(self.tokens)]) if number in known}
        self._longest = max(map(len, self._by_bytes))

    @staticmethod
    def _added(before: str, text: str) -> bytes:
        added = text.removeprefix(before) if text.startswith(before) else ""
        return b"" if _NO_TEXT in added else added.encode()

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def __call__(self, text: str) -> list[int]:
        """The tokens that go on with a text, as the tokenizer would write them within another one."""
        before, whole = self._ids(_BEFORE), self._ids(_BEFORE + text)
        ids = whole[len(before) :]
        if whole[: len(before)] == before and b"".join(self.tokens[number] for number in ids) == text.encode():
            return ids
        return self._greedy(text.encode())

    def _greedy(self, left: bytes) -> list[int]:
        """The longest token first, as far as there are tokens."""
        ids: list[int] = []
        while left:
            sizes = range(min(self._longest, len(left)), 0, -1)
            size = next((size for size in sizes if left[:size] in self._by_bytes), 0)
            if not size:
                break
            ids.append(self._by_bytes[left[:size]])
            left = left[size:]
        return ids
