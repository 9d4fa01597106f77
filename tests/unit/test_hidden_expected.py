"""Nothing that answers sees the answers."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import gc
import pickle
from typing import Any

import pytest

from pytest_ladder.core.cases import Case, Question
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.errors import InvalidFile
from pytest_ladder.rungs.own import OwnSystem
from pytest_ladder.rungs.prompting.template import VARIABLES, PromptTemplate

SECRET = "the gold answer"
HIDDEN = ("expected", "evidence", "evidence_needed", "steps", "tools", "slices")


def case() -> Case:
    return Case(
        "c1", {"question": "Why?"}, SECRET, slices=(f"slice {SECRET}",), evidence=(f"id {SECRET}",),
        steps=({"input": SECRET, "expected": SECRET},), tools=({"name": SECRET},), metadata={"lang": {"code": "en"}},
    )  # fmt: skip


def seen_by(probe: Any, given: Case) -> Any:
    """What a system finds with a probe of its argument."""
    found = []

    def system(argument):
        found.append(probe(argument))
        return "x"

    asyncio.run(OwnSystem(system, RungSpec("own", Kind.PROMPT), None).answer(given.question))  # type: ignore[arg-type]
    return found[0]


def attributes(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in dir(value) if not name.startswith("__")}


PROBES = {
    "repr": repr,
    "attributes": attributes,
    "fields": lambda value: [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)],
    "asdict": dataclasses.asdict,
    "slots": lambda value: [getattr(value, name) for name in value.__slots__],
    "referents": gc.get_referents,
}


@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES)
def test_no_look_at_the_argument_shows_what_is_hidden(probe):
    found = repr(seen_by(probe, case()))
    assert "Why?" in found
    assert SECRET not in found


@pytest.mark.parametrize("name", HIDDEN)
def test_the_argument_has_no_such_attribute(name):
    assert seen_by(lambda value: hasattr(value, name), case()) is False


@pytest.mark.parametrize("name", HIDDEN)
def test_whoever_asks_for_it_is_told_that_a_system_never_sees_it(name):
    with pytest.raises(AttributeError, match=f"a system never sees a case's `{name}`: it gets its `id`, `input` and"):
        getattr(case().question, name)


def test_any_other_attribute_is_missing_as_usual_and_a_question_can_be_copied():
    with pytest.raises(AttributeError, match="'Question' object has no attribute 'question'"):
        _ = case().question.question  # type: ignore[attr-defined]
    assert copy.deepcopy(case().question) == pickle.loads(pickle.dumps(case().question)) == case().question


def test_the_argument_is_a_question_without_a_dict_that_could_lead_back():
    assert seen_by(type, case()) is Question
    with pytest.raises(TypeError):
        vars(case().question)


def test_what_refers_to_the_argument_is_not_the_case():
    given = case()
    referrers = seen_by(lambda value: [other for other in gc.get_referrers(value) if isinstance(other, dict)], given)
    assert not [other for other in referrers if SECRET in repr(other.get("expected"))]


def test_a_system_that_changes_its_argument_changes_no_case():
    given = case()
    before = given.as_dict()

    def spoil(argument):
        argument.input["question"] = "Other?"
        argument.metadata["lang"]["code"] = "de"

    seen_by(spoil, given)
    assert given.as_dict() == before == case().as_dict()


@pytest.mark.parametrize("name", HIDDEN)
def test_a_template_that_names_what_is_hidden_is_refused(name):
    with pytest.raises(InvalidFile, match=f"undefined name, got '{name}'"):
        PromptTemplate(f"{{{{ input }}}} {{{{ {name} }}}}", "p.md")


def test_nothing_hidden_is_among_the_variables():
    assert not set(VARIABLES) & set(HIDDEN)


def test_a_key_of_the_input_that_is_not_there_is_refused():
    with pytest.raises(InvalidFile, match="has no attribute 'expected'"):
        PromptTemplate("{{ input.expected }}", "p.md").render(input=case().question.input)
