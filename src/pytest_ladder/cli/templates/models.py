"""A stand-in for a language model, so that the ladder runs without a key and without a network.

Replace me: name a real model in ladder.toml. `model = "local:PATH-OR-HUB-ID"` runs a transformers model in this process
(extra `local`); `model = "models.py:FUNCTION"` is any function of yours, such as `provider` at the end of this file.

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


# A model behind an HTTP API: take the marks off, fill in address, name and key, and set `model = "models.py:provider"`.
#
# def provider(messages, **options):
#     import json, os, urllib.request
#
#     body = json.dumps({"model": "MODEL", "messages": messages, **options}).encode()
#     headers = {"Authorization": f"Bearer {os.environ['API_KEY']}", "Content-Type": "application/json"}
#     request = urllib.request.Request("https://HOST/v1/chat/completions", body, headers)
#     with urllib.request.urlopen(request, timeout=60) as response:
#         told = json.load(response)
#     return {"text": told["choices"][0]["message"]["content"], "model": told["model"]}
