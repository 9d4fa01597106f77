"""A stand-in for a language model, so that the ladder runs without a key and without a network.

Replace me: name a real model in ladder.toml (`model = "openai/gpt-4.1-mini"`), or call your own from `answer`.

It knows nothing but what its messages say. Where they hold articles, it answers with the sentence that shares most
words with the question; else, or where too few are shared, it says that it does not know.
"""

import re

UNKNOWN = "I do not know."
LEAST_SHARE = 0.6
LITTLE_WORDS = """
    a an and any are as at be before by can cost costs do does for from get have how i if in is it long many me much my
    of on one or shop take takes that the there this to up was we what when which who will with you your
"""
COMMON = frozenset(LITTLE_WORDS.split())


def answer(messages: list[dict[str, str]], **_options: object) -> str:
    """Answer the last message; the options of ladder.toml (temperature and the like) mean nothing to it."""
    articles, _, question = messages[-1]["content"].rpartition("Question:")
    asked = words(question)
    best = max(sentences(articles), key=lambda sentence: len(asked & words(sentence)), default="")
    if not asked or len(asked & words(best)) < LEAST_SHARE * len(asked):
        return UNKNOWN
    return best


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order."""
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+|\n+", text) if part.strip()]


def words(text: str) -> set[str]:
    """The words that carry a sentence's meaning, without their endings."""
    found = re.findall(r"[a-z]+", text.lower())
    return {re.sub(r"(ing|ed|es|s|e)$", "", word) for word in found if word not in COMMON}
