"""Make the data of this ladder, the same on every machine.

    python -m examples.house_style.make_data

A house note is `# CODE / PRODUCT / LANE !`. The code goes by what a message is about, the lane by the department that
sells the product. Nobody wrote the convention down: it lives in the notes of the past. `--seed` makes other messages
under the same convention, to choose settings on; the committed files are those of the default.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle
from random import Random

from examples.files import Rows, write_made
from examples.model import world
from examples.model.world import ATTRIBUTES, BRANDS, NOUNS, Product

SEED = 20
CODES = {
    "refund": "heron", "damage": "otter", "delay": "badger", "invoice": "lynx",
    "cancel": "cobra", "exchange": "gecko", "parts": "bison", "setup": "moose",
}  # fmt: skip
"""What a message is about -> the house's word for it."""
LANES = {"furnishing": "desk", "appliances": "team", "electronics": "line", "outdoor": "log"}
"""Department, which is a slice too -> the lane of its notes."""
SOLD = {
    "furnishing": "sofa lamp rug cot stool wardrobe mirror pillow blanket basket",
    "appliances": "kettle fridge oven fan heater mixer toaster vacuum",
    "electronics": "phone laptop speaker screen camera printer tablet router watch piano",
    "outdoor": "bike bag coat boots tent drill ladder mower scooter helmet bottle torch",
}
"""Department -> what it sells."""
SHARES = {
    "refund": 15, "damage": 15, "delay": 15, "invoice": 13, "cancel": 12, "exchange": 10, "parts": 10, "setup": 10,
}  # fmt: skip
"""How many messages of a hundred are about each topic."""
RARE = ("exchange", "parts", "setup")
CASES, NOTES = 200, 600
CATALOGUE = 150
SYSTEM = "Write the house note of the message."

Message = tuple[str, str, Product]
"""A text, its topic, and the product it names."""


def department(product: Product) -> str:
    """The department that sells a product."""
    return next(name for name, nouns in SOLD.items() if product.noun in nouns.split())


def house_note(topic: str, product: Product) -> str:
    """The note that the house wants."""
    return f"# {CODES[topic]} / {product.name} / {LANES[department(product)]} !"


def messages(rng: Random, products: Sequence[Product], count: int) -> list[Message]:
    """Different messages, with topics by their shares and as many products from each department."""
    topics = [topic for topic, share in SHARES.items() for _ in range(share * count // 100)]
    rng.shuffle(topics)
    found: dict[str, Message] = {}
    for topic, name in zip(topics, cycle(LANES), strict=False):
        sold = [product for product in products if department(product) == name]
        while True:
            product = rng.choice(sold)
            text = world.message(rng, topic, product)
            if text not in found:
                break
        found[text] = text, topic, product
    return list(found.values())


def articles(rng: Random, products: Sequence[Product]) -> Iterator[dict[str, str]]:
    """Two facts on each product of the catalogue."""
    numbers = iter(rng.sample(range(1000, 10_000), 2 * len(products)))
    for product in products:
        for attribute in rng.sample(list(ATTRIBUTES), 2):
            article_id = f"KB-{next(numbers)}"
            text = world.article(product, attribute, ATTRIBUTES[attribute].draw(rng), article_id)
            yield {"id": article_id, "text": text}


def cases(found: Sequence[Message]) -> Iterator[dict[str, object]]:
    """Messages with the notes they need."""
    for place, (text, topic, product) in enumerate(found, 1):
        slices = [department(product), *(["rare-topics"] if topic in RARE else [])]
        yield {"id": f"message-{place:03d}", "input": text, "expected": house_note(topic, product), "slices": slices}


def one_of_each(found: Sequence[Message]) -> list[Message]:
    """The messages, with one on each topic first, and all departments among these."""
    first = []
    for topic, name in zip(CODES, cycle(LANES), strict=False):
        first.append(next(m for m in found if m[1] == topic and department(m[2]) == name))
    return [*first, *(message for message in found if message not in first)]


def chat(text: str, note: str) -> dict[str, object]:
    """A note as a chat to train on."""
    turns = [("system", SYSTEM), ("user", f"Message: {text}"), ("assistant", note)]
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


def build(seed: int = SEED) -> dict[str, Rows]:
    """File name -> rows; no product of the cases is in the notes."""
    rng = Random(seed)
    pairs = [Product(brand, noun) for brand in BRANDS for noun in NOUNS]
    rng.shuffle(pairs)
    catalogue, others = pairs[:CATALOGUE], pairs[CATALOGUE:]
    asked, past = messages(rng, catalogue, CASES), one_of_each(messages(rng, others, NOTES))
    notes = [(text, house_note(topic, product)) for text, topic, product in past]
    return {
        "kb.jsonl": list(articles(rng, catalogue)),
        "cases.jsonl": list(cases(asked)),
        "notes.jsonl": [{"input": text, "expected": note} for text, note in notes],
        "train.jsonl": [chat(text, note) for text, note in notes],
    }


if __name__ == "__main__":
    write_made(__file__, __doc__, build, SEED)
