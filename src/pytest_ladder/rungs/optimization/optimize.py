"""The rung `optimize`: one prompt, one call, with the prompt that a search wrote; and what the search is told to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ladder.core.ports import Kit, System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.rungs import options
from pytest_ladder.rungs.prompting.chat import Chat, read_template
from pytest_ladder.rungs.prompting.few_shot import Fixed
from pytest_ladder.rungs.prompting.structured import DEFAULT_REPAIRS, read_output
from pytest_ladder.rungs.prompting.template import PromptTemplate

BOOTSTRAP = "bootstrap"
DSPY = "dspy:"
OPTIMIZERS = (BOOTSTRAP, "dspy:MIPROv2", "dspy:GEPA")
SEARCHING = (
    "instructions", "examples", "demos", "demo_score", "optimizer", "max_calls", "candidates", "propose", "objective",
    "teacher", "teacher_options", "proposer", "proposer_options",
)  # fmt: skip
"""Keys that say how the prompt is found, and nothing of how it is asked."""
DEFAULT_DEMOS, DEFAULT_CALLS, DEFAULT_CANDIDATES = 4, 400, 16
_OWN_SEARCH = ("instructions", "candidates", "propose")
"""Keys that only the project's own search reads."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a search is told to do."""

    optimizer: str
    prompt: str
    instructions: tuple[str, ...]
    """Further prompt files."""
    examples: str | None
    """The pool of demonstrations; None for one half of the dev set."""
    demos: int
    """Demonstrations in the prompt, at most."""
    candidates: int
    propose: int
    """Instructions that a model writes."""
    max_calls: int
    """Of the whole search, replayed calls among them."""
    teacher: bool
    """Whether another model's right answers become the demonstrations."""
    calls_an_answer: int
    """Most that one answer takes."""
    objective: tuple[str, ...]
    """The metrics whose mean is searched for."""
    demo_score: float
    """Least score, by each of them, of an answer that becomes a demonstration."""


def read_search(spec: RungSpec, metrics: Sequence[str], gated: Sequence[str]) -> Search:
    """Read and check the keys of a rung.

    Args:
        spec: The rung.
        metrics: Names of the ladder's metrics.
        gated: Those that have a threshold: the objective where the rung names none.

    Raises:
        InvalidFile: a key that cannot be used, or not together with another.
    """
    optimizer = options.choice(spec, "optimizer", BOOTSTRAP, OPTIMIZERS)
    repairs = options.whole(spec, "repair_attempts", DEFAULT_REPAIRS, least=0) if "output" in spec.options else 0
    found = Search(
        optimizer=optimizer,
        prompt=options.text(spec, "prompt"),
        instructions=_names(spec, "instructions"),
        examples=options.text(spec, "examples") if "examples" in spec.options else None,
        demos=options.whole(spec, "demos", DEFAULT_DEMOS, least=0),
        candidates=options.whole(spec, "candidates", DEFAULT_CANDIDATES, least=2),
        propose=options.whole(spec, "propose", 0, least=0),
        max_calls=options.whole(spec, "max_calls", DEFAULT_CALLS, least=1),
        teacher="teacher" in spec.options,
        calls_an_answer=1 + repairs,
        objective=_objective(spec, metrics, gated),
        demo_score=float(spec.options.get("demo_score", 1.0)),
    )
    _check_together(spec, found)
    return found


def _names(spec: RungSpec, key: str) -> tuple[str, ...]:
    value = spec.options.get(key, [])
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise InvalidFile(message(spec.at(key), "it is not a list of texts", got=value, expected='["NAME", ...]'))
    return tuple(dict.fromkeys(value))


def _objective(spec: RungSpec, metrics: Sequence[str], gated: Sequence[str]) -> tuple[str, ...]:
    written = spec.options.get("objective")
    names = (written,) if isinstance(written, str) else _names(spec, "objective") or tuple(gated)
    for name in names:
        if name not in metrics:
            raise InvalidFile(message(spec.at("objective"), "no such metric", got=name, expected=" | ".join(metrics)))
    return names


def _check_together(spec: RungSpec, search: Search) -> None:
    for key in ("k", "select"):
        if key in spec.options:
            step = "set `demos`, the most demonstrations of a prompt"
            raise InvalidFile(message(spec.at(key), "a search chooses the demonstrations itself", next_step=step))
    if search.optimizer != BOOTSTRAP:
        _refuse(spec, _OWN_SEARCH, f"`{search.optimizer}` does not read this key", f'`optimizer = "{BOOTSTRAP}"`')
    elif not search.propose:
        _refuse(spec, ("proposer", "proposer_options"), "nothing is proposed", "`propose`, the instructions to write")
    if not search.demos:
        _refuse(
            spec,
            ("examples", "teacher", "teacher_options", "demo_score"),
            "there are no demonstrations",
            "`demos` above 0",
        )
    if "teacher_options" in spec.options:
        _needs(spec, "teacher_options", "teacher")
    if search.optimizer == BOOTSTRAP and not (search.demos or search.instructions or search.propose):
        fault, expected = "there is nothing to search", "`demos` above 0, `instructions`, or `propose`"
        raise InvalidFile(message(spec.at(), fault, expected=expected))


def _refuse(spec: RungSpec, keys: Sequence[str], fault: str, expected: str) -> None:
    for key in keys:
        if key in spec.options:
            raise InvalidFile(message(spec.at(key), fault, expected=expected))


def _needs(spec: RungSpec, key: str, other: str) -> None:
    if other not in spec.options:
        raise InvalidFile(message(spec.at(key), f"no {other} is named", expected=f'`{other} = "MODEL"`'))


def build_optimize(spec: RungSpec, kit: Kit) -> System:
    """A system over the prompt that the rung's `prompt` names: the one that the search wrote."""
    return Chat(read_template(spec, kit), Fixed(), kit, read_output(spec, kit))


def build_candidate(text: str, spec: RungSpec, kit: Kit) -> System:
    """The same over a prompt that is not in a file yet."""
    return Chat(PromptTemplate(text, spec.at("prompt")), Fixed(), kit, read_output(spec, kit))
