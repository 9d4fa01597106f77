"""What each rung brought over the best cheaper one."""

from __future__ import annotations

from dataclasses import replace

from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.differences import Difference
from pytest_ladder.core.entries import Verdict
from pytest_ladder.core.evaluation import Evaluation
from pytest_ladder.core.gains import form_plateau, gains
from pytest_ladder.core.ladder import DecisionPolicy, Ladder
from pytest_ladder.core.rungs import Kind, RungSpec
from tests.builders import case, graded, ladder

CASES = EvalSet(tuple(case(f"c{i}", slices=("odd",) if i % 2 else ()) for i in range(200)))


def rung(id_: str, right: int, spec: Ladder | None = None, wrong: tuple[int, ...] = ()) -> Evaluation:
    values = {f"c{i}": float(i < right and i not in wrong) for i in range(200)}
    return replace(graded(values, spec, CASES), rung=id_)


def test_each_rung_is_compared_with_the_best_before_it() -> None:
    found = gains(ladder(), [rung("prompt", 100), rung("few_shot", 60), rung("rag", 190)], {})

    assert {id_: gain.over for id_, gain in found.items()} == {"few_shot": "prompt", "rag": "prompt"}
    worse, better = (found[id_].metrics["answer"].slices["all"] for id_ in ("few_shot", "rag"))
    assert (worse.verdict, worse.difference) == (Difference.WORSE, -0.2)
    assert (better.verdict, better.difference, better.wins) == (Difference.BETTER, 0.45, 90)
    assert found["rag"].slices(Difference.BETTER) == (("answer", "odd"),)


def test_of_two_equal_ones_the_cheaper_is_the_best() -> None:
    found = gains(ladder(), [rung("prompt", 60), rung("few_shot", 60), rung("rag", 190)], {})

    assert found["rag"].over == "prompt"


def test_a_rung_that_meets_more_is_better_than_one_with_a_higher_mean() -> None:
    spec = ladder({"answer": {"all": 0.1, "odd": 0.9}})
    odd, high = rung("prompt", 200, spec, wrong=tuple(range(0, 200, 2))), rung("few_shot", 170, spec)

    assert gains(spec, [odd, high, rung("rag", 200, spec)], {})["rag"].over == "prompt"


def test_a_rung_in_error_is_neither_compared_nor_compared_with() -> None:
    broken = replace(rung("few_shot", 150), verdict=Verdict.ERROR)

    found = gains(ladder(), [rung("prompt", 100), broken, rung("rag", 190)], {})

    assert {id_: gain.over for id_, gain in found.items()} == {"rag": "prompt"}


def test_metrics_without_a_threshold_are_left_out_and_slices_are_all_there_are() -> None:
    found = gains(ladder(), [rung("prompt", 100), rung("rag", 190)], {})["rag"]

    assert list(found.metrics) == ["answer"]
    assert list(found.metrics["answer"].slices) == ["all", "odd"]


def test_a_gain_that_has_levelled_off_is_a_plateau_where_a_gain_would_have_shown() -> None:
    same = rung("few_shot", 99)
    for least, levelled in ((0.0, False), (0.01, False), (0.1, True)):
        spec = ladder(decision=DecisionPolicy(min_effect=least))

        found = gains(spec, [rung("prompt", 100), same], {})["few_shot"]

        assert found.plateau is levelled
        assert found.plateaus("answer") == (("all", "odd") if levelled else ())


def test_a_gain_is_no_plateau() -> None:
    spec = ladder(decision=DecisionPolicy(min_effect=0.5))

    assert not gains(spec, [rung("prompt", 100), rung("rag", 120)], {})["rag"].plateau


def test_only_shared_cases_are_compared() -> None:
    some = replace(rung("rag", 190), cases=rung("rag", 190).cases[:50])

    found = gains(ladder(), [rung("prompt", 20), some], {})["rag"].metrics["answer"]

    assert found.slices["all"].n == 50
    assert gains(ladder(), [rung("prompt", 20), replace(some, cases=())], {}) == {}


def test_clusters_count_as_one() -> None:
    joined = {f"c{i}": str(i // 20) for i in range(200)}

    found = gains(ladder(), [rung("prompt", 100), rung("rag", 140)], joined)["rag"].metrics["answer"]

    assert (found.slices["all"].units, found.slices["all"].moved) == (10, 2)
    assert found.slices["all"].verdict is Difference.TOO_FEW


def rungs(*kinds: Kind) -> Ladder:
    specs = tuple(RungSpec(str(kind), kind) for kind in kinds)
    return ladder(decision=DecisionPolicy(min_effect=0.1), rungs=specs)


def test_prompting_has_levelled_off_where_the_last_rung_of_words_is_a_plateau() -> None:
    spec = rungs(Kind.PROMPT, Kind.FEW_SHOT, Kind.RAG)

    found = gains(spec, [rung("prompt", 100), rung("few_shot", 99), rung("rag", 190)], {})

    assert form_plateau(spec, found) == "few_shot brought no more than prompt"


def test_it_has_not_where_a_later_one_still_gained() -> None:
    spec = rungs(Kind.PROMPT, Kind.FEW_SHOT, Kind.OPTIMIZE, Kind.RAG)

    found = gains(spec, [rung("prompt", 100), rung("few_shot", 99), rung("optimize", 150), rung("rag", 150)], {})

    assert form_plateau(spec, found) == ""
    assert form_plateau(spec, {}) == ""


def test_a_plateau_of_retrieval_says_nothing_of_prompting() -> None:
    spec = rungs(Kind.PROMPT, Kind.RAG)

    assert form_plateau(spec, gains(spec, [rung("prompt", 100), rung("rag", 100)], {})) == ""
