"""The HTML report: what it shows, how it is built, and that it needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest

from pytest_ladder.core.answers import Usage
from pytest_ladder.core.case_summary import CaseSummary, Details, RungCase
from pytest_ladder.core.entries import DecisionEntry
from pytest_ladder.core.summary import LadderSummary, State
from pytest_ladder.core.tradeoff import tradeoffs
from pytest_ladder.report.html.render import render_html
from tests.pages import Page
from tests.summaries import FEW_SHOT, LADDER, PROMPT, RAG, REFUSALS, SKIPPED, figure, run

ENTRIES = tuple(row.entry for row in (PROMPT, FEW_SHOT, RAG) if row.entry)
CASES = (
    CaseSummary(
        "c-017", ("policy-edge",),
        {
            "prompt": RungCase({"answer": 0.0, "note": 1.0}, True, "facts", "For one week.", "answer: not the same"),
            "few_shot": RungCase({"answer": 0.0, "note": 1.0}, True, "unknown", "For two weeks."),
            "rag": RungCase({"answer": 1.0, "note": 1.0}, False, "", "until Tuesday"),
        },
        "How long may I keep a rented bicycle?", "until Tuesday",
    ),
    CaseSummary(
        "c-023", (), {"rag": RungCase({"answer": None, "note": None}, True, "error", None, "model: 500")},
        "May I pay later?", "14 days",
    ),
)  # fmt: skip
DECISION = DecisionEntry("support", "rag", tuple(e.id for e in ENTRIES), "ship rag", "it meets").sealed("2026-10-05")
DETAILS = Details(CASES, tradeoffs(ENTRIES, ("answer", "note")), ENTRIES, DECISION)
FULL = replace(LADDER, details=DETAILS)


def page(ladder: LadderSummary = FULL, **parts: object) -> Page:
    return Page(render_html(run(replace(ladder, **parts))))


def test_the_page_is_well_formed_and_every_reference_leads_somewhere():
    read = page()

    assert read.faults == []
    ids = [e.attributes["id"] for e in read.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    named = [e.attributes["aria-labelledby"] for e in read.elements if "aria-labelledby" in e.attributes]
    links = [e.attributes["href"].removeprefix("#") for e in read.all("a")]
    assert {*named, *links} <= {*ids}


def test_the_page_loads_nothing_and_runs_only_its_own_script():
    read = page()

    sources = [name for e in read.elements for name in e.attributes if name in ("src", "srcset", "action", "style")]
    assert sources == []
    assert [name for e in read.elements for name in e.attributes if name.startswith("on")] == []
    assert read.all("link") == []
    assert "url(" not in read.one("style").text
    assert "@import" not in read.one("style").text
    own = [e for e in read.all("script") if e.attributes.get("type") != "application/json"]
    for element, directive in ((own[0], "script-src"), (read.one("style"), "style-src")):
        digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in read.policy
    assert len(own) == 1
    assert read.policy.startswith("default-src 'none'")
    assert "unsafe" not in read.policy


def test_same_records_same_bytes():
    assert render_html(run(FULL)) == render_html(run(FULL))
    assert not re.search(r"\d{2}:\d{2}:\d{2}(?<!12:00:00)", re.sub(r"<script.*?</script>", "", render_html(run(FULL))))


def test_the_decision_stands_at_the_top():
    read = page(notes=("evidence of prompt is 80 days old",), failures=("rung rag: 2 answers are not on record",))

    text = read.text
    assert text.index("Decision rag Rag is the lowest rung that meets every threshold") < text.index("The climb")
    assert "Next Ship rag" in text
    for told in ("evidence of prompt is 80 days old", "rung rag: 2 answers are not on record", "expires 2027-03-31"):
        assert text.index(told) < text.index("The climb")
    assert DECISION.id[7:19] in text


def test_without_a_lever_it_says_so():
    assert "Decision No lever" in page(selected=None).text


def test_refusals_are_listed_with_their_mends():
    text = page(requested=True, refusals=REFUSALS).text

    assert "Fine-tuning refused: 2 reasons" in text
    assert re.search(r"met ?Rung rag already meets the target\. ?Use rag, or raise the thresholds", text)


def test_what_stands_before_fine_tuning_is_told_where_nobody_asked():
    assert re.search("What stands before fine-tuning ?2 reasons", page(obstacles=REFUSALS).text)
    assert "What stands before fine-tuning" not in page(obstacles=REFUSALS, refusals=REFUSALS, requested=True).text


def test_each_place_has_a_picture_that_is_told_in_words():
    read = page()

    told = [e.text for e in read.all("title") if e.within("svg", role="img")]
    (edge,) = [text for text in told if text.startswith("answer, policy-edge")]
    assert edge == (
        "answer, policy-edge, threshold ≥ 0.80: prompt 0.411 [0.37, 0.45] short; few_shot 0.500 [0.46, 0.54] short; "
        "rag 0.911 [0.87, 0.95] met; advanced_rag not needed, no score"
    )
    assert [text.partition(", threshold")[0] for text in told[:3]] == [
        "answer, all cases", "answer, policy-edge", "note, all cases"
    ]  # fmt: skip


def test_a_picture_is_climbed_from_below_and_a_higher_score_stands_further_right():
    read = page()

    (figure, *_) = [e for e in read.all("figure") if "panel" in e.classes]
    dots = [e for e in read.elements if e.tag in ("circle", "path") and "dot" in e.classes and figure in e.parents]
    places = [(float(d.attributes["cy"]), float(d.attributes["cx"]), d.classes[-1]) for d in dots]
    assert places == sorted(places)
    assert [x for _, x, _ in places] == sorted((x for _, x, _ in places), reverse=True)
    assert [look for *_, look in places] == ["met", "short", "short"]


def test_the_figures_of_the_terminal_are_there_as_a_table():
    rows = page().table("Figures of support")

    assert rows[0] == ["rung", "state", "answerall≥ 0.90", "answerpolicy-edge≥ 0.80", "noteall≥ 0.99"]
    assert rows[3][:3] == ["rag", "selected", "0.963 ✓[0.92, 1.00]"]


def test_the_heat_map_has_every_slice_by_every_measured_rung():
    rows = page().table("answer by rung and slice")

    assert rows[0] == ["slice", "n", "prompt", "few_shot", "rag"]
    assert [row[0] for row in rows[1:]] == ["all cases ≥ 0.90", "policy-edge ≥ 0.80"]
    assert rows[2][2].startswith("0.411 ✗")
    shades = [e.classes[-1] for e in page().elements if "sq" in e.classes]
    assert shades[:3] == ["h6", "h7", "h10"]


def test_slices_without_a_threshold_have_their_line_and_as_many_pictures_as_fit():
    scores = {"answer": {"all": figure(0.5), **{f"topic-{n:02}": figure(0.5) for n in range(20)}}}
    row = replace(RAG, entry=replace(ENTRIES[2], scores=scores))
    read = page(rows=(row,), thresholds={"answer": {"all": 0.9}})

    assert len(read.table("answer by rung and slice")) == 1 + 21
    assert len([e for e in read.all("figure") if "panel" in e.classes]) == 9
    assert "12 further slices in the heat map below." in read.text


def test_cost_against_quality_names_the_frontier():
    cheap = replace(ENTRIES[0], usage=Usage(218, 1, 1, 0.1))
    points = tradeoffs((cheap, *ENTRIES[1:]), ("answer",))
    rows = page(details=replace(DETAILS, tradeoffs=points)).table("answer by USD a case")

    assert rows[1:] == [
        ["1", "prompt", "0.612", "$0.00046", "yes"],
        ["2", "few_shot", "0.688", "$0.0020", "–"],
        ["3", "rag", "0.963", "$0.0020", "yes"],
    ]


def test_where_every_answer_was_free_latency_stands_for_cost():
    free = tuple(replace(entry, usage=Usage(218)) for entry in ENTRIES)

    text = page(details=replace(DETAILS, tradeoffs=tradeoffs(free, ("answer",)))).text

    assert "Every answer was free: latency stands for cost." in text
    assert "answer by median seconds of an answer" in text


def test_failing_cases_are_data_for_the_script():
    data = page().data()

    assert data["rungs"] == ["prompt", "few_shot", "rag"]
    assert data["kinds"] == ["error", "facts", "unknown"]
    assert data["slices"] == ["policy-edge"]
    assert data["selected"] == 2
    first, second = data["cases"]
    assert first[:2] == ["c-017", [0]]
    texts = data["texts"]
    assert [texts[first[4][rung][2]] for rung in range(3)] == ["For one week.", "For two weeks.", "until Tuesday"]
    assert texts[first[3]] == "until Tuesday"
    assert first[3] == first[4][2][2]  # each text stands once
    assert [one[0] for one in first[4]] == [1, 2, -1]
    assert second[4][0] is None
    assert second[4][2][:3] == [0, [None, None], -1]
    assert texts[second[4][2][3]] == "model: 500"


def test_without_a_script_the_first_cases_are_shown():
    many = tuple(replace(CASES[0], case=f"c-{n}") for n in range(30))

    (told,) = page(details=replace(DETAILS, cases=many)).all("noscript")

    assert "these are the first 20" in told.text
    assert "c-19" in told.text
    assert "c-20" not in told.text
    assert "For one week." in told.text


def test_the_evidence_is_named_by_its_digests():
    read = page()

    assert [row[0] for row in read.table("Entries of the log")[1:]] == ["prompt", "few_shot", "rag"]
    for entry in ENTRIES:
        assert entry.id in read.text
    assert "rests on 3 entries" in read.text
    assert "prompt failures: facts 31, unknown 2" in read.text


@pytest.mark.parametrize("ladder", [
    LADDER,
    replace(LADDER, rows=(), thresholds={}, selected=None),
    replace(LADDER, rows=(SKIPPED,), details=Details()),
    replace(LADDER, rows=(replace(RAG, entry=None, state=State.ERROR),), details=Details()),
], ids=["no details", "no rungs", "nothing measured", "an error"])  # fmt: skip
def test_little_to_tell_is_told(ladder: LadderSummary):
    read = page(ladder)

    assert read.faults == []
    assert "support" in read.text


def test_a_run_without_ladders_says_so():
    read = Page(render_html(replace(run(), ladders=(), gone=("evals/old/ladder.toml (old) is gone",))))

    assert "No ladder was run." in read.text
    assert "evals/old/ladder.toml (old) is gone" in read.text


def test_several_ladders_have_their_own_parts():
    read = Page(render_html(run(FULL, replace(FULL, name="billing"))))

    assert read.faults == []
    assert [e.text for e in read.all("h1")] == ["support", "billing"]
    assert [e.attributes["href"] for e in read.all("a") if e.within("nav")] == ["#l0", "#l1"]
    assert read.data(1)["ladder"] == "billing"


def test_a_keyboard_reaches_what_scrolls_and_what_folds():
    read = page()

    assert all(e.attributes.get("tabindex") == "0" for e in read.elements if "scroll" in e.classes)
    assert all(e.attributes.get("aria-label") for e in read.elements if "scroll" in e.classes)
    fields = [e for e in read.elements if e.tag in ("select", "input")]
    assert fields
    assert all(field.within("label") for field in fields)
    assert ":focus-visible" in read.one("style").text
    assert read.one("html").attributes["lang"] == "en"
