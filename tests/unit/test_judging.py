"""What counts as a judge's word, and as a person's."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ladder.core.entries import RungEntry, Verdict
from pytest_ladder.core.judged import class_of, classes_of, is_judged
from pytest_ladder.core.judging import Scale
from pytest_ladder.core.rungs import Kind
from pytest_ladder.core.scores import MetricSpec
from pytest_ladder.errors import InvalidFile
from pytest_ladder.store.judgements import read_judgements

THREE = Scale(("wrong", "partly", "right"))
LINE = '"case": "a", "rung": "rag", "metric": "quality", "by": "ada"'


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("right", 2),
        (" **Partly**.\n", 1),
        ('"WRONG"', 0),
        ('{"verdict": "right"}', 2),
        ('```json\n{"verdict": "Partly", "reason": "half"}\n```', 1),
        ("It is right.", None),
        ("", None),
        ("[]", None),
        ('{"verdict": 2}', None),
        ('{"verdict": "rightish"}', None),
        ('{"verdict": "right"', None),
    ],
)
def test_a_word_alone_or_in_json(text: str, place: int | None):
    found = THREE.read(text)

    assert (found.place if found else None) == place


def test_words_score_at_equal_distances_and_the_reason_is_the_note():
    verdict = THREE.read('{"verdict": "partly", "reason": "half of it"}')

    assert [THREE.value(place) for place in range(3)] == [0, 0.5, 1]
    assert verdict is not None
    assert (THREE.score(verdict).value, THREE.score(verdict).note) == (0.5, "partly: half of it")


@pytest.mark.parametrize("words", [(), ("yes",), ("yes", "Yes."), ("yes", " ")])
def test_a_scale_needs_two_words_that_can_be_told_apart(words: tuple[str, ...]):
    with pytest.raises(ValueError, match="two or more different words"):
        Scale(words)


def test_only_what_asks_a_model_is_judged():
    metrics = [
        MetricSpec("a", "judge"),
        MetricSpec("b", "deepeval:GEval", {"model": "m"}),
        MetricSpec("c", "deepeval:ExactMatchMetric"),
        MetricSpec("d", "exact_match"),
    ]

    assert [is_judged(metric) for metric in metrics] == [True, True, False, False]


def test_scores_fall_into_the_classes_of_their_metric():
    three = MetricSpec("a", "judge", {"scale": ["wrong", "partly", "right"]})
    graded = MetricSpec("b", "deepeval:GEval", {"model": "m", "threshold": 0.7})

    assert classes_of(three) == ("wrong", "partly", "right")
    assert [class_of(three, score) for score in (0, 0.5, 1)] == [0, 1, 2]
    assert classes_of(graded) == ("fail", "pass")
    assert [class_of(graded, score) for score in (0.69, 0.7)] == [0, 1]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f'{{{LINE}, "at": "2026-01-31"}}', "a label has either a 'score' or a 'verdict'"),
        (
            f'{{{LINE}, "at": "2026-01-31", "score": 1, "verdict": "yes"}}',
            "a label has either a 'score' or a 'verdict'",
        ),
        (f'{{{LINE}, "at": "2026-01-31", "score": 2}}', "wrong 'score', got 2; expected a number from 0 to 1"),
        (f'{{{LINE}, "at": "2026-01-31", "score": true}}', "wrong 'score', got True"),
        (f'{{{LINE}, "at": "soon", "score": 1}}', "wrong 'at', got 'soon'; expected an ISO 8601 date or time"),
        (f'{{{LINE}, "at": "2026-01-31", "score": 1, "repeat": -1}}', "wrong 'repeat', got -1"),
        (f'{{{LINE}, "at": "2026-01-31", "score": 1, "fingerprnt": "ab"}}', "Did you mean 'fingerprint'?"),
        ('{"case": "a", "at": "2026-01-31", "score": 1}', "the key 'rung' is missing"),
    ],
)
def test_a_line_that_is_no_label_is_told_with_its_place(tmp_path: Path, line: str, told: str):
    path = tmp_path / "judgements.jsonl"
    path.write_text("\n" + line + "\n", encoding="utf-8")

    with pytest.raises(InvalidFile) as caught:
        read_judgements(path, tmp_path)

    assert str(caught.value).startswith("judgements.jsonl:2: ")
    assert told in str(caught.value)


def test_a_date_is_the_end_of_its_day_and_a_time_without_zone_is_utc(tmp_path: Path):
    path = tmp_path / "judgements.jsonl"
    ats = ("2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00:00+02:00")
    path.write_text("".join(f'{{{LINE}, "at": "{at}", "verdict": "yes"}}\n' for at in ats), encoding="utf-8")

    found = [label.at.isoformat() for label in read_judgements(path, tmp_path)]

    assert found == ["2026-01-31T23:59:59.999999+00:00", "2026-01-31T12:00:00+00:00", "2026-01-31T10:00:00+00:00"]
    assert read_judgements(tmp_path / "none.jsonl", tmp_path) == ()


@pytest.mark.parametrize(
    ("at", "fingerprint", "version"),
    [
        ("2026-01-01T09:59:59", "", ""),
        ("2026-01-01T10:00:00", "", "sha256:aa11"),
        ("2026-01-01", "", "sha256:bb22"),
        ("2026-01-03", "", "sha256:bb22"),
        ("2020-01-01", "aa1", "sha256:aa11"),
        ("2020-01-01", "sha256:bb", "sha256:bb22"),
        ("2026-01-03", "cc", ""),
    ],
)
def test_a_label_is_of_the_version_that_the_log_had_last_when_it_was_made(
    tmp_path: Path, at: str, fingerprint: str, version: str
):
    path = tmp_path / "judgements.jsonl"
    more = f', "fingerprint": "{fingerprint}"' if fingerprint else ""
    path.write_text(f'{{{LINE}, "at": "{at}", "score": 1{more}}}\n', encoding="utf-8")
    moments = {"sha256:aa11": "2026-01-01T10:00:00Z", "sha256:bb22": "2026-01-01T12:00:00Z"}
    entries = [
        RungEntry("support", "rag", Kind.RAG, "e", "c", name, "a", 1, 1, {}, Verdict.MET, at=moment)
        for name, moment in moments.items()
    ]

    [label] = read_judgements(path, tmp_path)

    assert label.version(entries) == version
