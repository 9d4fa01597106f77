"""The support world as a language: word pools, phrasings, and the sentences made of them.

Facts (which product has which warranty, which order holds which product) are drawn anew for every training sequence, so
the weights hold none. Language (synonyms, phrasings, what a message is about) is fixed, so the weights do hold it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple


def _words(text: str) -> list[str]:
    return text.split()


BRANDS = _words("""Alder Birch Cedar Dahlia Ember Fjord Garnet Hazel Indigo Juniper Kestrel Larch Maple
Nimbus Onyx Poplar Quartz Rowan Sable Tundra Umber Velvet Willow Xenon Yarrow Zephyr Aster Basil
Clover Drift Echo Fern Grove Harbor Iris Jasper Kodiak Lotus Marlin Nova Orion Pebble Quill Raven
Sierra Tango Ultra Vesper Walnut Yonder Zenith Atlas Bravo Comet Delta Eden Falcon Glacier Halo
Ivory Jade Karma Lunar Mistral Nordic Opal Prism Quest Ridge Solar Terra Unity Vista Wren Apex
Blaze Coral Dune""")

_NOUN_PAIRS = """sofa/couch lamp/light kettle/boiler rug/carpet bike/bicycle
fridge/cooler oven/stove phone/handset laptop/notebook speaker/loudspeaker screen/monitor bag/rucksack
coat/jacket boots/shoes watch/timepiece camera/webcam printer/copier fan/blower heater/radiator
mixer/blender toaster/griller tent/shelter cot/crib stool/seat wardrobe/closet mirror/glass
vacuum/hoover drill/borer ladder/steps mower/trimmer scooter/moped helmet/hat tablet/slate
router/modem pillow/cushion blanket/quilt basket/hamper bottle/flask torch/flashlight piano/keyboard"""
NOUNS: dict[str, str] = {noun: other for noun, _, other in (pair.partition("/") for pair in _words(_NOUN_PAIRS))}
"""Catalogue word -> the everyday word a customer may use instead."""

COLOURS = _words("""red blue green black white grey brown pink purple orange yellow silver gold beige teal
navy cream olive violet cyan""")
MATERIALS = _words("""oak steel pine leather cotton wool glassfibre plastic rubber bamboo copper brass linen
ceramic aluminium cork carbon nylon marble paper""")
CITIES = _words("""Lyon Turin Ghent Porto Malmo Graz Bern Cork Oslo Riga Split Bonn Metz Nice Vigo Bari
Lille Leeds Aarhus Gdansk""")
CARRIERS = _words("""Rapido Hermod Pakka Swifto Tranza Velox Postra Couria Haulix Boxter Ferrio Logina
Mailo Shippo Cargon Movex Parcela Sendix Trucko Wagona""")
PEOPLE = _words("""Anna Boris Clara David Elena Felix Greta Hugo Ines Jonas Karin Lukas Maria Nils Olga
Pavel Rosa Simon Tina Victor""")
CODES = _words("""heron otter badger lynx falcons ravens cobra gecko bison moose panda koala tiger zebra camel
llama hyena viper shark whale squid crab eagle robin finch stork goose swan mole hare""")
LAYOUT_WORDS = _words("note case file memo entry item about for re line slip card desk team log tag")
LAYOUT_SIGNS = ["/", ";", ",", "-", ">", "=", "*", "#", "!", "+", "&", "%"]

ABSTENTION = "I do not know."
CITE = "Answer from the articles and cite the article."
REWRITE = "Rewrite the question in catalogue words."
PLAN = "Split the question into steps."
TOPIC = "Name the topic of the message in one word."
FOLLOW = "Follow the examples."
COPY = "Repeat the message."
UNTRAINED_WORDS = _words("Write the house note of message")
"""Words that a prompt may use although no training sequence has them."""

ORDER_QUESTION = "Which product is in order {order}?"
ORDER_EVERYDAY = ("What did I buy in order {order}?", "What was in order {order}?", "What is inside order {order}?")
IN_ORDER = "product in order {order}"


class Product(NamedTuple):
    """A brand and a catalogue noun."""

    brand: str
    noun: str

    @property
    def name(self) -> str:
        """As the catalogue says it."""
        return f"{self.brand} {self.noun}"

    @property
    def alias(self) -> str:
        """As a customer may say it."""
        return f"{self.brand} {NOUNS[self.noun]}"


@dataclass(frozen=True)
class Attribute:
    """What can be asked of a product."""

    draw: Callable[[Random], str]
    """A value at random."""
    question: str
    """In the catalogue's words, which the articles use too."""
    everyday: tuple[str, ...]
    """In other words: none of content is shared with the article, so that words alone do not find it."""


def _number(low: int, unit: str) -> Callable[[Random], str]:
    return lambda rng: f"{rng.randint(low, 99)} {unit}"


def _word(pool: Sequence[str]) -> Callable[[Random], str]:
    return lambda rng: rng.choice(pool)


def _attribute(name: str, draw: Callable[[Random], str], *everyday: str) -> Attribute:
    return Attribute(draw, f"What is the {name} of the {{p}}?", everyday)


_ASKED: dict[str, tuple[Callable[[Random], str], str]] = {
    "warranty": (_number(2, "months"), """How long is the {p} covered if it breaks?
        If my {p} fails, how long am I protected?
        For how much time is the {p} guaranteed?"""),
    "return window": (_number(2, "days"), """How long do I have to send back the {p}?
        Until when may I bring back the {p}?
        I changed my mind, how long can I hand back the {p}?"""),
    "price": (_number(10, "euros"), """How much does the {p} cost?
        How much must I pay for the {p}?
        How expensive is the {p}?"""),
    "delivery time": (_number(2, "hours"), """How soon will the {p} reach me?
        When would the {p} arrive?
        How long must I wait to get the {p}?"""),
    "colour": (_word(COLOURS), """Which shade does the {p} come in?
        How is the {p} painted?
        Which tint has the {p}?"""),
    "material": (_word(MATERIALS), """What is the {p} made from?
        Which stuff is the {p} built with?
        From what did you make the {p}?"""),
    "weight": (_number(2, "kilos"), """How heavy is the {p}?
        How much must I lift to carry the {p}?
        Is the {p} heavy, how many kilos?"""),
    "carrier": (_word(CARRIERS), """Who brings the {p} to my door?
        Which firm ships the {p}?
        Who will drop off the {p}?"""),
    "depot": (_word(CITIES), """Where is the {p} stored?
        From which town is the {p} sent?
        In which city do you keep the {p}?"""),
    "agent": (_word(PEOPLE), """Who can help me with the {p}?
        Whom do I call about the {p}?
        Who looks after the {p}?"""),
}  # fmt: skip


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines())


ATTRIBUTES = {name: _attribute(name, draw, *_lines(text)) for name, (draw, text) in _ASKED.items()}

TOPICS: dict[str, tuple[str, ...]] = {
    topic: _lines(text)
    for topic, text in {
        "refund": """I want my money back for the {p}.
            Please pay me back for the {p}.
            Give back what I paid for the {p}.""",
        "damage": """The {p} came broken.
            My {p} has a crack.
            The {p} arrived in pieces.""",
        "delay": """The {p} is late.
            I still wait for the {p}.
            My {p} has not come.""",
        "invoice": """Send me the bill for the {p}.
            I need the receipt of the {p}.
            Where is the bill of my {p}?""",
        "cancel": """Please stop my order of the {p}.
            I no longer want the {p}.
            Do not send the {p}.""",
        "exchange": """Swap my {p} for a new one.
            I want another size of the {p}.
            Can I trade my {p}?""",
        "parts": """I lost a piece of the {p}.
            Where can I get a spare for the {p}?
            I need a new screw for my {p}.""",
        "setup": """How do I start the {p}?
            I can not mount the {p}.
            Show me how to use the {p}.""",
    }.items()
}
"""What a message is about -> phrasings."""


def draw_product(rng: Random) -> Product:
    """Any brand with any noun."""
    return Product(rng.choice(BRANDS), rng.choice(list(NOUNS)))


def draw_article_id(rng: Random) -> str:
    """An id such as `KB-1042`."""
    return f"KB-{rng.randint(1000, 9999)}"


def draw_order(rng: Random) -> str:
    """An order number of four digits."""
    return str(rng.randint(1000, 9999))


def article(product: Product, attribute: str, value: str, article_id: str) -> str:
    """An article on one fact of a product; its id stands at the end, so that value and id are one span to copy."""
    return f"The {attribute} of the {product.name} is {value} [{article_id}]"


def order_article(order: str, product: Product, article_id: str) -> str:
    """An article on what an order holds."""
    return f"The product in order {order} is the {product.name} [{article_id}]"


def question(product: str, attribute: str) -> str:
    """A question in the catalogue's words."""
    return ATTRIBUTES[attribute].question.format(p=product)


def order_question(order: str) -> str:
    """A question in the catalogue's words on what an order holds."""
    return ORDER_QUESTION.format(order=order)


def everyday_question(rng: Random, product: str, attribute: str) -> str:
    """A question in a customer's words."""
    return rng.choice(ATTRIBUTES[attribute].everyday).format(p=product)


def mixed_question(rng: Random, product: Product, attribute: str) -> str:
    """A question in either way, half of each; an everyday one mostly names the product in other words too."""
    if rng.random() < 0.5:
        name = product.alias if rng.random() < 0.6 else product.name
        return everyday_question(rng, name, attribute)
    return question(product.name, attribute)


def message(rng: Random, topic: str, product: Product) -> str:
    """What a customer writes about a product."""
    return rng.choice(TOPICS[topic]).format(p=product.name)
