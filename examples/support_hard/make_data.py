"""Make the data of this ladder, the same on every machine.

    python -m examples.support_hard.make_data

The shop of `examples/support` in another year: other products, orders and facts. Customers ask of them in the
catalogue's words, in their own, and of the product in an order, which takes two look-ups. `--seed` makes another world
of the same kind, to choose settings on; the committed files are those of the default.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from random import Random
from typing import Any

from examples.files import Rows, write_made
from examples.model import world
from examples.model.world import ABSTENTION, ATTRIBUTES, Product
from examples.support.make_data import Shop, examples

SEED = 30
PLAIN, PARAPHRASED, TWO_STEP, UNKNOWN = 60, 100, 60, 60
"""Cases of each slice."""


def attributes(count: int) -> Iterator[str]:
    """So many attributes, each as often as the others."""
    return islice(cycle(ATTRIBUTES), count)


def in_own_words(rng: Random, product: Product, attribute: str) -> str:
    """A question in a customer's words, in which the product too has another name more often than not."""
    return world.everyday_question(rng, product.alias if rng.random() < 0.6 else product.name, attribute)


def hop_question(rng: Random, order: str, attribute: str) -> str:
    """A question on the product in an order, half of them in a customer's words."""
    hop = world.IN_ORDER.format(order=order)
    return world.everyday_question(rng, hop, attribute) if rng.random() < 0.5 else world.question(hop, attribute)


def plain_cases(shop: Shop) -> Iterator[dict[str, Any]]:
    """Questions on products, in the catalogue's words."""
    for product, attribute in _drawn(shop, PLAIN):
        answer, article_id = shop.facts[product, attribute]
        question = world.question(product.name, attribute)
        yield {"input": question, "expected": answer, "slices": ["plain"], "evidence": [article_id]}


def paraphrased_cases(shop: Shop) -> Iterator[dict[str, Any]]:
    """Questions on products, in other words than the articles'."""
    for product, attribute in _drawn(shop, PARAPHRASED):
        answer, article_id = shop.facts[product, attribute]
        question = in_own_words(shop.rng, product, attribute)
        yield {"input": question, "expected": answer, "slices": ["paraphrased"], "evidence": [article_id]}


def two_step_cases(shop: Shop) -> Iterator[dict[str, Any]]:
    """Questions on the product in an order: which product it is stands in one article, the answer in another."""
    orders = shop.rng.sample(list(shop.orders), TWO_STEP)
    for order, attribute in zip(orders, attributes(TWO_STEP), strict=True):
        held, order_id = shop.orders[order]
        product = Product(*held.split(" [")[0].split())
        answer, article_id = shop.facts[product, attribute]
        yield {
            "input": hop_question(shop.rng, order, attribute), "expected": answer, "slices": ["two-step"],
            "evidence": [order_id, article_id],
            "steps": [
                {"input": world.order_question(order), "expected": held},
                {"input": world.question(product.name, attribute), "expected": answer},
            ],
        }  # fmt: skip


def unknown_cases(shop: Shop) -> Iterator[dict[str, Any]]:
    """Questions of each kind that no article answers: the product is not sold, or there is no such order."""
    rng = shop.rng
    absent = rng.sample([product for product in shop.pairs if product not in shop.products], UNKNOWN)
    ways = cycle((
        lambda product, name: world.question(product.name, name),
        lambda product, name: in_own_words(rng, product, name),
        lambda _, name: hop_question(rng, shop.number(), name),
    ))  # fmt: skip
    for product, name, ask in zip(absent, attributes(UNKNOWN), ways, strict=False):
        yield {"input": ask(product, name), "expected": ABSTENTION, "slices": ["unknown"]}


def _drawn(shop: Shop, count: int) -> list[tuple[Product, str]]:
    """Products with attributes, no pair twice."""
    pools = {name: shop.rng.sample(shop.products, len(shop.products)) for name in ATTRIBUTES}
    return [(pools[name].pop(), name) for name in attributes(count)]


def build(seed: int = SEED) -> dict[str, Rows]:
    """File name -> rows."""
    shop = Shop(Random(seed))
    cases = [*plain_cases(shop), *paraphrased_cases(shop), *two_step_cases(shop), *unknown_cases(shop)]
    return {
        "kb.jsonl": shop.articles,
        "cases.jsonl": [{"id": f"{case['slices'][0]}-{place:03d}", **case} for place, case in enumerate(cases, 1)],
        "examples.jsonl": list(examples(shop)),
    }


if __name__ == "__main__":
    write_made(__file__, __doc__, build, SEED)
