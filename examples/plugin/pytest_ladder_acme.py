"""A plugin of pytest-ladder: a retriever, a scorer and a rule of the gate for every ladder of one company."""

from __future__ import annotations

import re

from pytest_ladder import Hit, Refusal

LEAST_EXAMPLES = 100


class ByProduct:
    """Finds articles by the product that a question names, then by its other words."""

    def __init__(self, documents, product):
        self.documents = list(documents)
        self.product = re.compile(product)
        self.words = [set(document.text.lower().split()) for document in self.documents]

    def search(self, query, top_k):
        found = self.product.search(query)
        name, words = found.group(1) if found else None, set(query.lower().strip("?").split())
        hits = [
            Hit(document, len(words & known) + (10 if name and name in document.text else 0))
            for document, known in zip(self.documents, self.words, strict=True)
        ]
        return sorted(hits, key=lambda hit: -hit.score)[:top_k]


def unit(text):
    """What a value is counted in: the word behind the number."""
    found = re.search(r"\d+ ([a-z]+)", text)
    return found.group(1) if found else ""


def right_unit(case, answer):
    return unit(answer.text) == unit(case.expected)


def pytest_ladder_retriever(name, options):
    return (lambda documents: ByProduct(documents, **options)) if name == "acme.product" else None


def pytest_ladder_scorer(name, options):
    return right_unit if name == "acme.unit" else None


def pytest_ladder_gate(request):
    declared = request.ladder.profile.get("training_examples") or 0
    if declared >= LEAST_EXAMPLES:
        return None
    return Refusal(
        "acme.examples",
        f"{declared} training examples are declared, we ask for {LEAST_EXAMPLES}",
        "Collect and review more, and say so in [profile] training_examples.",
    )
