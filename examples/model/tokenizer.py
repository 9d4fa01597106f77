"""A tokenizer whose words are the world's words, as a plain `transformers` fast tokenizer with its chat template.

Word pieces over a vocabulary made by hand: each word of the world is one token, digits go in pairs (`KB-1042` is
`KB-`, `10`, `42`), and anything else falls back to characters. Every word begins with the mark of a blank, the first of
a turn too: a value is the same token in an article and at the beginning of an answer, so that copying is copying.
"""

from __future__ import annotations

import re
import string
from random import Random
from typing import TYPE_CHECKING

from examples.model import sequences, world

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

BLANK = "▁"
SPECIALS = ["<|pad|>", "<|bos|>", "<|end|>", "<|unk|>", "<|system|>", "<|user|>", "<|assistant|>"]
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
PIECE = r"▁?\[?[A-Za-z]+-?|▁?\d{1,2}|▁?[^\sA-Za-z\d▁]|▁"
MAX_LENGTH = 256
"""Tokens of the longest sequence the model was trained for."""


def pieces(text: str) -> list[str]:
    """The pieces of a text, each a token where the vocabulary has it."""
    return re.findall(PIECE, BLANK + text.replace(" ", BLANK))


def vocabulary(chats: int = 30_000) -> dict[str, int]:
    """Piece -> number: what so many training sequences say, the word pools, digits and characters."""
    rng = Random(0)
    words = {piece for _ in range(chats) for _, text in sequences.draw_chat(rng).messages for piece in pieces(text)}
    pools = (world.BRANDS, world.NOUNS, world.NOUNS.values(), world.CODES, world.TOPICS, world.UNTRAINED_WORDS)
    words.update(BLANK + word for pool in pools for word in pool)
    words.update(f"{start}{pair:02d}" for pair in range(100) for start in ("", BLANK))
    words.update(f"{BLANK}{digit}" for digit in range(10))
    signs = {sign for sign in string.printable if not sign.isspace()}
    words |= signs | {"##" + sign for sign in signs} | {BLANK + sign for sign in signs}
    return {word: number for number, word in enumerate([*SPECIALS, BLANK, *sorted(words - {BLANK})])}


def build() -> PreTrainedTokenizerFast:
    """The tokenizer, built anew."""
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_machine(), pad_token=SPECIALS[0], bos_token=SPECIALS[1], eos_token=SPECIALS[2],
        unk_token=SPECIALS[3], additional_special_tokens=SPECIALS[4:], padding_side="left",
        clean_up_tokenization_spaces=False, model_max_length=MAX_LENGTH,
    )  # fmt: skip
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _machine() -> Tokenizer:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    machine = Tokenizer(models.WordPiece(vocabulary(), unk_token=SPECIALS[3], continuing_subword_prefix="##"))
    machine.normalizer = normalizers.Replace(Regex(r"\s+"), " ")
    machine.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Metaspace(BLANK, prepend_scheme="always", split=False),
        pre_tokenizers.Split(Regex(PIECE), "isolated"),
    ])  # fmt: skip
    machine.decoder = decoders.Sequence([
        decoders.Fuse(), decoders.Replace("##", ""), decoders.Replace(BLANK, " "), decoders.Strip(" ", 1, 0)
    ])  # fmt: skip
    return machine
