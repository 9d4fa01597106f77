"""Training sequences: chats with fresh facts, each of which drills one skill."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from examples.model import world
from examples.model.world import ATTRIBUTES, BRANDS, CODES, NOUNS, TOPICS, Product

Message = tuple[str, str]
"""A role and a text."""


@dataclass(frozen=True)
class Chat:
    """One sequence to train on."""

    messages: list[Message]
    counted: list[bool]
    """For each turn of the assistant, whether the loss counts it: what an example must show first is not asked for."""


@dataclass(frozen=True)
class Mixture:
    """How hard the sequences are; it grows with what the model has learned."""

    max_articles: int = 5
    copy_share: float = 0.03
    """Share of plain copying, which makes the circuits for copying form early."""

    @property
    def stage(self) -> float:
        """From 0 to 1: the share of near-duplicate distractors and of unanswerable questions grows with it."""
        return (self.max_articles - 1) / 4


@dataclass(frozen=True)
class Fact:
    """One article of a context, and what it answers."""

    article: str
    product: Product
    attribute: str
    """Empty where the fact is what an order holds."""
    order: str
    value: str
    article_id: str

    @property
    def answer(self) -> str:
        """The value and the article that says it."""
        return f"{self.value} [{self.article_id}]"


def render(messages: list[Message]) -> str:
    """The text that the chat template makes of a whole chat."""
    return "<|bos|>" + "".join(f"<|{role}|>{text}<|end|>" for role, text in messages)


def _fact(rng: Random, product: Product, attribute: str) -> Fact:
    value, article_id = ATTRIBUTES[attribute].draw(rng), world.draw_article_id(rng)
    return Fact(world.article(product, attribute, value, article_id), product, attribute, "", value, article_id)


def _order_fact(rng: Random, product: Product) -> Fact:
    order, article_id = world.draw_order(rng), world.draw_article_id(rng)
    return Fact(world.order_article(order, product, article_id), product, "", order, product.name, article_id)


class _Context:
    """Draws articles that are easily confused; in a drill they differ in exactly one key, which has to be matched."""

    def __init__(self, rng: Random, size: int, near_share: float) -> None:
        self.rng, self.near_share = rng, near_share
        self.brands, self.nouns = rng.sample(BRANDS, 2), rng.sample(list(NOUNS), 2)
        self.attributes = rng.sample(list(ATTRIBUTES), min(4, 2 + size // 2))
        drills = ["brand", "brand", "noun", "attribute", "order", "order"]
        self.drill = rng.choice(drills) if rng.random() < 0.5 else ""
        self.facts: list[Fact] = []
        while len(self.facts) < size:
            self._add()

    def has(self, product: Product, attribute: str) -> bool:
        """Whether an article says so much of a product."""
        return any((fact.product, fact.attribute) == (product, attribute) for fact in self.facts)

    def _add(self) -> None:
        if self.drill == "order" or (not self.drill and self.rng.random() < 0.2):
            product = world.draw_product(self.rng) if self.drill else self._near_product()
            self.facts.append(_order_fact(self.rng, product))
            return
        product, attribute = self._drilled() if self.drill else self._mixed()
        if not self.has(product, attribute):
            self.facts.append(_fact(self.rng, product, attribute))

    def _near_product(self) -> Product:
        return Product(self.rng.choice(self.brands), self.rng.choice(self.nouns))

    def _mixed(self) -> tuple[Product, str]:
        if self.rng.random() < 0.75 * self.near_share:
            return self._near_product(), self.rng.choice(self.attributes)
        return world.draw_product(self.rng), self.rng.choice(list(ATTRIBUTES))

    def _drilled(self) -> tuple[Product, str]:
        brand = self.rng.choice(BRANDS) if self.drill == "brand" else self.brands[0]
        noun = self.rng.choice(list(NOUNS)) if self.drill == "noun" else self.nouns[0]
        attribute = self.rng.choice(list(ATTRIBUTES)) if self.drill == "attribute" else self.attributes[0]
        return Product(brand, noun), attribute


def _near_miss(rng: Random, fact: Fact) -> tuple[Product, str]:
    draw = rng.random()
    if draw < 0.5:
        return fact.product, rng.choice(list(ATTRIBUTES))
    if draw < 0.75:
        return Product(rng.choice(BRANDS), fact.product.noun), fact.attribute
    return Product(fact.product.brand, rng.choice(list(NOUNS))), fact.attribute


def _ask(rng: Random, fact: Fact, context: _Context, absent: bool) -> tuple[str, str]:
    """A question on a fact and its answer, or on something near it that no article says."""
    if fact.order:
        order = world.draw_order(rng) if absent else fact.order
        text = world.ORDER_QUESTION if rng.random() < 0.5 else rng.choice(world.ORDER_EVERYDAY)
        return text.format(order=order), world.ABSTENTION if absent else fact.answer
    if absent:
        product, attribute = _near_miss(rng, fact)
        if not context.has(product, attribute):
            return world.mixed_question(rng, product, attribute), world.ABSTENTION
    return world.mixed_question(rng, fact.product, fact.attribute), fact.answer


def facts_chat(rng: Random, mixture: Mixture) -> Chat:
    """Articles, then one to four questions on them; without the instruction to cite, the value alone is the answer."""
    context = _Context(rng, rng.randint(1, mixture.max_articles), 0.2 + 0.8 * mixture.stage)
    cite, empty = rng.random() < 0.75, rng.random() < 0.05
    messages: list[Message] = [("system", world.CITE)] if cite else []
    lead = "" if empty else "Articles: " + " ".join(fact.article for fact in context.facts) + " "
    turns = rng.choice([1, 2, 3, 4, 4])
    for turn in range(turns):
        absent = rng.random() < 0.05 + 0.10 * mixture.stage
        text, answer = _ask(rng, rng.choice(context.facts), context, absent)
        answer = world.ABSTENTION if empty else answer if cite else answer.split(" [")[0]
        messages += [("user", f"{'' if turn else lead}Question: {text}"), ("assistant", answer)]
    return Chat(messages, [True] * turns)


def rewrite_chat(rng: Random, _: Mixture) -> Chat:
    """Everyday questions, to be said in the catalogue's words."""

    def turn() -> tuple[str, str]:
        if rng.random() < 0.1:
            order = world.draw_order(rng)
            text = rng.choice([*world.ORDER_EVERYDAY, world.ORDER_QUESTION])
            return text.format(order=order), world.order_question(order)
        return _rewritten(rng, rng.choice(list(ATTRIBUTES)))

    return _drill(world.REWRITE, turn, rng.randint(1, 4))


def plan_chat(rng: Random, _: Mixture) -> Chat:
    """Questions that need two look-ups, to be split into them; and questions that need one."""

    def turn() -> tuple[str, str]:
        attribute = rng.choice(list(ATTRIBUTES))
        if rng.random() >= 0.6:
            return _rewritten(rng, attribute)
        order = world.draw_order(rng)
        hop = world.IN_ORDER.format(order=order)
        asked = world.everyday_question(rng, hop, attribute) if rng.random() < 0.5 else world.question(hop, attribute)
        return asked, f"{world.order_question(order)} Then: {world.question('X', attribute)}"

    return _drill(world.PLAN, turn, rng.randint(1, 3))


def _rewritten(rng: Random, attribute: str) -> tuple[str, str]:
    product = world.draw_product(rng)
    return world.mixed_question(rng, product, attribute), world.question(product.name, attribute)


def _drill(system: str, turn: Callable[[], tuple[str, str]], turns: int) -> Chat:
    messages: list[Message] = [("system", system)]
    for _ in range(turns):
        asked, answer = turn()
        messages += [("user", f"Question: {asked}"), ("assistant", answer)]
    return Chat(messages, [True] * turns)


def topic_chat(rng: Random, _: Mixture) -> Chat:
    """What a message is about: in one word where the instruction says so, else in a sentence."""
    short, turns = rng.random() < 0.5, rng.randint(1, 5)
    messages: list[Message] = [("system", world.TOPIC)] if short else []
    for _turn in range(turns):
        topic = rng.choice(list(TOPICS))
        text = world.message(rng, topic, world.draw_product(rng))
        answer = topic if short else f"The message is about {topic}."
        messages += [("user", f"Message: {text}"), ("assistant", answer)]
    return Chat(messages, [True] * turns)


@dataclass(frozen=True)
class Layout:
    """An arbitrary layout around the product and the topic, or a code for it."""

    template: str
    coded: bool
    shows_topic: bool


def draw_layout(rng: Random) -> Layout:
    """Literals around one to three fields."""

    def literal() -> str:
        return rng.choice(world.LAYOUT_SIGNS if rng.random() < 0.6 else world.LAYOUT_WORDS)

    coded = rng.random() < 0.6
    fields = rng.choice([["T", "P"], ["P", "T"], ["T"], ["P"], ["T", "P", "T2"], ["P", "T", "T2"]])
    fields = fields if coded else fields[:2]
    separator, same = literal(), rng.random() < 0.6
    parts = [literal() for _ in range(rng.choice([0, 1, 1, 2]))]
    for place, name in enumerate(fields):
        parts += [separator if same else literal()] if place else []
        parts.append(f"{{{name}}}")
    parts += [literal() for _ in range(rng.choice([0, 0, 1]))]
    return Layout(" ".join(parts), coded, "T" in fields)


def examples_chat(rng: Random, _: Mixture) -> Chat:
    """Learning from earlier turns: a layout, and often a code table, that only they show."""
    layout, topics = draw_layout(rng), rng.sample(list(TOPICS), rng.randint(2, 4))
    codes = dict(zip(TOPICS, rng.sample(CODES, len(TOPICS)), strict=True))
    two = rng.sample(world.LAYOUT_WORDS, 2)
    lanes = {topic: rng.choice(two) for topic in TOPICS}
    messages: list[Message] = [("system", world.FOLLOW)] if rng.random() < 0.7 else []
    counted, seen = [], set[str]()
    for turn in range(rng.randint(3, 7)):
        topic, product = rng.choice(topics), world.draw_product(rng)
        shown = codes[topic] if layout.coded else topic
        answer = layout.template.format(T=shown, P=product.name, T2=lanes[topic])
        messages += [("user", f"Message: {world.message(rng, topic, product)}"), ("assistant", answer)]
        counted.append(turn > 0 and (topic in seen or not layout.coded or not layout.shows_topic))
        seen.add(topic)
    return Chat(messages, counted)


def copy_chat(rng: Random, _: Mixture) -> Chat:
    """Random words to repeat."""
    pool = [*BRANDS, *NOUNS, *CODES, *world.COLOURS, *world.CITIES, *world.LAYOUT_SIGNS]
    messages: list[Message] = [("system", world.COPY)]
    turns = rng.randint(1, 2)
    for _turn in range(turns):
        length = rng.randint(3, 20)
        words = [rng.choice(pool) if rng.random() < 0.8 else str(rng.randint(10, 9999)) for _ in range(length)]
        messages += [("user", "Message: " + " ".join(words)), ("assistant", " ".join(words))]
    return Chat(messages, [True] * turns)


FULL = Mixture()
"""The mixture at its hardest: what a trained model is to answer."""


def draw_chat(rng: Random, mixture: Mixture = FULL) -> Chat:
    """One sequence of the training mixture."""
    if rng.random() < mixture.copy_share:
        return copy_chat(rng, mixture)
    if rng.random() < 0.72:
        return facts_chat(rng, mixture)
    draw = rng.random()
    kinds = ((0.15, rewrite_chat), (0.30, plan_chat), (0.40, topic_chat), (1.0, examples_chat))
    return next(kind for bound, kind in kinds if draw < bound)(rng, mixture)
