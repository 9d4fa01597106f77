"""What an eval set's looks say of its fitness to decide."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from pytest_ladder.core.cases import Case, EvalSet
from pytest_ladder.core.health import Note, Trait, health, label_conflicts, normal_text, production_share, tokens
from pytest_ladder.core.ladder import DecisionPolicy
from pytest_ladder.core.near import near_duplicates
from pytest_ladder.core.rungs import Kind, RungSpec
from tests.builders import evalset, ladder

POINT = ladder({"answer": {"all": 0.5}})


def cases(*inputs: object, expected: str | None = "yes") -> EvalSet:
    return EvalSet(tuple(Case(f"c{i}", given, expected) for i, given in enumerate(inputs)))


def notes(found: tuple[Note, ...], trait: Trait) -> list[Note]:
    return [note for note in found if note.trait is trait]


def words(n: int, *more: str) -> str:
    return " ".join([*(f"w{i}" for i in range(n)), *more])


def test_a_set_of_200_unlike_cases_is_healthy() -> None:
    assert health(POINT, evalset(200)) == ()


def test_fewer_than_200_cases_are_few() -> None:
    (note,) = health(POINT, evalset(199, slices=("odd",)))

    assert (note.trait, note.warns, note.cases) == (Trait.FEW_CASES, True, ())
    assert "199 cases are few" in note.text


def test_few_cases_without_slices_or_a_word_of_production_are_a_demonstration() -> None:
    (note,) = notes(health(POINT, evalset(199)), Trait.DEMO_SET)

    assert (note.warns, note.cases) == (True, ())
    assert note.text.startswith("demo-to-production cliff: few cases, no slices, and none said to come from production")


@pytest.mark.parametrize(
    "rows", [evalset(200), evalset(50, slices=("odd",)), evalset(50, metadata={"source": "production"})]
)
def test_many_cases_or_slices_or_cases_from_production_are_more_than_that(rows: EvalSet) -> None:
    assert not notes(health(POINT, rows), Trait.DEMO_SET)


def test_a_slice_too_small_for_its_threshold_cannot_decide() -> None:
    spec = ladder({"answer": {"all": 0.9, "edge": 0.9, "wide": 0.9}})
    rows = EvalSet(
        tuple(Case(f"c{i}", f"q{i}", slices=("edge",) * (i < 28) + ("wide",) * (i > 99)) for i in range(200))
    )

    (note,) = notes(health(spec, rows), Trait.SMALL_SLICE)

    assert (note.slice, len(note.cases)) == ("edge", 28)
    assert note.text == "28 cases cannot show answer[edge] >= 0.9 at 95 %: with every case right it takes 29"


def test_a_confidence_shared_among_rungs_needs_larger_slices() -> None:
    spec = ladder({"answer": {"all": 0.9}})

    assert not notes(health(spec, evalset(30)), Trait.SMALL_SLICE)
    six = tuple(RungSpec(f"r{i}", Kind.PROMPT) for i in range(6))
    assert notes(health(replace(spec, rungs=six, decision=DecisionPolicy("confident")), evalset(30)), Trait.SMALL_SLICE)


def test_no_number_of_cases_confirms_one() -> None:
    (note,) = notes(health(ladder({"answer": {"all": 1.0}}), evalset(300)), Trait.SMALL_SLICE)

    assert note.text.endswith("no number does")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where is it?", "  where IS\n it? "),
        ("ﬁne café", "fine café"),
        ({"a": 1, "b": "X y"}, {"b": "x  y", "a": 1}),
    ],
)
def test_inputs_that_differ_in_form_alone_are_the_same(one: object, other: object) -> None:
    assert normal_text(one) == normal_text(other)


def test_the_same_input_with_different_answers_is_a_conflict() -> None:
    rows = EvalSet((Case("a", "Where?", "here"), Case("b", "where? ", "there"), Case("c", "Who?", "here")))

    assert label_conflicts(rows) == (("a", "b"),)
    assert notes(health(POINT, rows), Trait.LABEL_CONFLICT)[0].cases == ("a", "b")


def test_the_same_input_with_the_same_or_no_answer_is_none() -> None:
    rows = EvalSet((Case("a", "Where?", {"x": 1}), Case("b", "where?", {"x": 1}), Case("c", "Where?")))

    assert label_conflicts(rows) == ()


def test_texts_that_share_nine_tenths_of_their_words_are_near_duplicates() -> None:
    like, unlike = words(19, "x"), words(18, "z", "q")

    (note,) = notes(health(POINT, cases(words(19, "y"), like, unlike)), Trait.NEAR_DUPLICATES)

    assert note.cases == ("c0", "c1")
    assert note.text.startswith("near-duplicates: 1 of ")


def test_order_case_and_punctuation_make_no_difference_between_near_duplicates() -> None:
    assert tokens("Dogs, bite men!") == tokens("men bite dogs")


def test_scripts_without_spaces_are_compared_by_character() -> None:
    assert tokens("東京はどこ") == frozenset("東京はどこ")
    assert tokens("где Токио") == {"где", "токио"}


def test_texts_without_words_are_no_duplicates() -> None:
    assert near_duplicates([frozenset(), frozenset()]) == ()


def test_a_group_is_found_whatever_the_order() -> None:
    base = [frozenset(f"w{i}" for i in range(20)) | {f"x{k}"} for k in range(5)]
    others = [frozenset(f"{k}-{i}" for i in range(20)) for k in range(50)]
    texts = base + others
    order = random.Random(2).sample(range(len(texts)), len(texts))

    (group,) = near_duplicates([texts[i] for i in order])

    assert sorted(order[place] for place in group) == [0, 1, 2, 3, 4]


def test_every_pair_that_comparing_each_with_each_finds_is_in_a_group() -> None:
    rng = random.Random(6)
    first = [rng.sample([f"w{i}" for i in range(400)], rng.randint(5, 40)) for _ in range(200)]
    changed = [[*row[rng.randint(0, 2) :], *(f"x{i}" for i in range(rng.randint(0, 2)))] for row in first]
    texts = [frozenset(row) for row in first + changed]
    grouped = {place for group in near_duplicates(texts) for place in group}

    alike = {
        place
        for place, text in enumerate(texts)
        for other in texts[:place] + texts[place + 1 :]
        if len(text & other) >= 0.9 * len(text | other)
    }
    assert 100 < len(alike) < 400
    assert grouped == alike


def test_thousands_of_cases_of_one_template_are_one_group() -> None:
    texts = [frozenset(words(30, f"number{i}").split()) for i in range(3000)]

    assert [len(group) for group in near_duplicates(texts)] == [3000]


def test_the_share_from_production_is_told_and_is_no_warning() -> None:
    rows = EvalSet(tuple(
        Case(f"c{i}", f"q{i}", metadata={"source": "production" if i < 50 else "synthetic"}) for i in range(200)
    ))  # fmt: skip

    (note,) = health(POINT, rows)

    assert (note.trait, note.warns) == (Trait.PRODUCTION_SHARE, False)
    assert note.text == "50 of 200 cases (25 %) come from production"


def test_no_source_means_no_share() -> None:
    assert production_share(evalset(5)) is None
