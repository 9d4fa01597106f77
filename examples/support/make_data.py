"""Make the data of this ladder, the same on every machine.

    python -m examples.support.make_data

A catalogue of invented products, what customers ordered, and questions on both. `--seed` makes another world of the
same kind, to choose settings on; the committed files are those of the default.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from examples.files import Rows, write_made
from examples.model import world
from examples.model.world import ABSTENTION, ATTRIBUTES, BRANDS, NOUNS, Product

SEED = 20
PRODUCTS, ORDERS = 24, 60
SLICES = {
    "terms": ("warranty", "return window", "price"),
    "delivery": ("delivery time", "carrier", "depot"),
    "traits": ("colour", "material", "weight"),
}
"""Slice -> the attributes whose questions are in it."""
CASES_AN_ATTRIBUTE = 14
ORDER_CASES = 54
NOT_SOLD, UNKNOWN_BRANDS, UNKNOWN_ORDERS = 30, 10, 20
"""Unanswerable cases: brand and noun are sold, not together; the brand is not sold at all; there is no such order."""


@dataclass
class Shop:
    """What is sold, what was ordered, and the articles that say so."""

    rng: Random
    articles: list[dict[str, str]] = field(default_factory=list)
    facts: dict[tuple[Product, str], tuple[str, str]] = field(default_factory=dict)
    """Product and attribute -> answer, article id."""
    orders: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Order number -> answer, article id."""

    def __post_init__(self) -> None:
        """Brands and nouns are shared between products, so that one word never identifies one."""
        self.brands, self.nouns = self.rng.sample(BRANDS, 12), self.rng.sample(list(NOUNS), 10)
        self.pairs = [Product(brand, noun) for brand in self.brands for noun in self.nouns]
        self.products = self.rng.sample(self.pairs, PRODUCTS)
        self.numbers = iter(self.rng.sample(range(1000, 10_000), 1000))
        for product in self.products:
            for attribute in ATTRIBUTES:
                self._fact(product, attribute)
        for _ in range(ORDERS):
            self._order()

    def number(self) -> str:
        """A number of four digits that stands for nothing else, neither an article nor an order."""
        return str(next(self.numbers))

    def _fact(self, product: Product, attribute: str) -> None:
        value, article_id = ATTRIBUTES[attribute].draw(self.rng), f"KB-{self.number()}"
        self.articles.append({"id": article_id, "text": world.article(product, attribute, value, article_id)})
        self.facts[product, attribute] = f"{value} [{article_id}]", article_id

    def _order(self) -> None:
        order, product, article_id = self.number(), self.rng.choice(self.products), f"KB-{self.number()}"
        self.articles.append({"id": article_id, "text": world.order_article(order, product, article_id)})
        self.orders[order] = f"{product.name} [{article_id}]", article_id


def fact_cases(shop: Shop) -> Iterator[dict[str, Any]]:
    """Questions on products, in the words of the catalogue."""
    for name, attributes in SLICES.items():
        for attribute in attributes:
            for product in shop.rng.sample(shop.products, CASES_AN_ATTRIBUTE):
                answer, article_id = shop.facts[product, attribute]
                yield {
                    "input": world.question(product.name, attribute), "expected": answer,
                    "slices": ["product-facts", name], "evidence": [article_id],
                }  # fmt: skip


def order_cases(shop: Shop) -> Iterator[dict[str, Any]]:
    """Questions on what was ordered."""
    for order in shop.rng.sample(list(shop.orders), ORDER_CASES):
        answer, article_id = shop.orders[order]
        question = world.order_question(order)
        yield {"input": question, "expected": answer, "slices": ["orders"], "evidence": [article_id]}


def unknown_cases(shop: Shop) -> Iterator[dict[str, Any]]:
    """Questions that no article answers."""
    absent = [product for product in shop.pairs if product not in shop.products]
    foreign = [brand for brand in BRANDS if brand not in shop.brands]
    asked = shop.rng.sample(absent, NOT_SOLD)
    asked += [Product(brand, shop.rng.choice(shop.nouns)) for brand in shop.rng.sample(foreign, UNKNOWN_BRANDS)]
    questions = [world.question(product.name, shop.rng.choice(list(ATTRIBUTES))) for product in asked]
    questions += [world.order_question(shop.number()) for _ in range(UNKNOWN_ORDERS)]
    for question in questions:
        yield {"input": question, "expected": ABSTENTION, "slices": ["unknown"]}


def examples(shop: Shop) -> Iterator[dict[str, str]]:
    """Worked examples on products of other brands: they show the form of an answer and give no fact away."""
    foreign = shop.rng.sample([brand for brand in BRANDS if brand not in shop.brands], 4)
    for brand, attribute in zip(foreign[:3], ("warranty", "carrier", "colour"), strict=True):
        product = Product(brand, shop.rng.choice(shop.nouns))
        answer = f"{ATTRIBUTES[attribute].draw(shop.rng)} [KB-{shop.number()}]"
        yield {"input": world.question(product.name, attribute), "expected": answer}
    product = Product(foreign[3], shop.rng.choice(shop.nouns))
    yield {"input": world.order_question(shop.number()), "expected": f"{product.name} [KB-{shop.number()}]"}


def build(seed: int = SEED) -> dict[str, Rows]:
    """File name -> rows."""
    shop = Shop(Random(seed))
    cases = [*fact_cases(shop), *order_cases(shop), *unknown_cases(shop)]
    return {
        "kb.jsonl": shop.articles,
        "cases.jsonl": [{"id": f"{case['slices'][0]}-{place:03d}", **case} for place, case in enumerate(cases, 1)],
        "examples.jsonl": list(examples(shop)),
    }


if __name__ == "__main__":
    write_made(__file__, __doc__, build, SEED)
