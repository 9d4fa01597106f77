"""The HTML report where it is read: in a browser, by mouse, keyboard and address, at two widths, with harmful texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.case_summary import CaseSummary, Details, RungCase
from pytest_ladder.core.summary import RunSummary
from pytest_ladder.report.html.render import render_html
from tests.browser import Browser, needs_browser
from tests.summaries import run
from tests.tracing import AGENT, DECOMPOSED, GUARDED, OWN
from tests.unit.test_report_html import DETAILS, FULL
from tests.unit.test_report_html_hostile import HOSTILE, everywhere

pytestmark = [pytest.mark.slow, needs_browser]
SLICES = (("bikes",), ("policy-edge",), ("bikes", "policy-edge"))


WRONG = {"prompt": (0, 1), "rag": (1, 2)}
"""Rung -> of every three cases those it fails."""


def case(number: int) -> CaseSummary:
    rungs = {rung: answer(number, rung, number % 3 in wrong) for rung, wrong in WRONG.items()}
    return CaseSummary(f"c-{number:03}", SLICES[number % 3], rungs, f"How long may I keep bicycle {number}?", "Tuesday")


def answer(number: int, rung: str, wrong: bool) -> RungCase:
    kind = ("facts" if number % 2 else "unknown") if wrong else ""
    text = f"You may keep bicycle {number} until {'Tuesday' if rung == 'rag' else 'Monday'}."
    return RungCase({"answer": float(not wrong)}, wrong, kind, text)


CASES = tuple(map(case, range(120)))
SHOWN = "document.querySelectorAll('.case').length"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture(autouse=True)
def quiet(browser: Browser) -> Iterator[None]:
    """No page complains, and none asks for anything but itself."""
    browser.complaints.clear()
    browser.asked.clear()
    yield
    browser.run("1")
    assert browser.complaints == []
    assert {url.partition(":")[0] for url in browser.asked} <= {"file", "about"}
    assert len({url.partition("#")[0] for url in browser.asked if url.startswith("file")}) <= 1


def written(folder: Path, summary: RunSummary) -> Path:
    path = folder / "report.html"
    path.write_text(render_html(summary), encoding="utf-8")
    return path


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return written(tmp_path, run(replace(FULL, details=replace(DETAILS, cases=CASES))))


def ids(browser: Browser) -> list[str]:
    return browser.texts(".case .id")


def test_cases_come_in_pages_of_fifty(browser: Browser, report: Path):
    browser.open(report)

    assert browser.texts(".count") == ["120 failing cases."]
    assert ids(browser) == [f"c-{n:03}" for n in range(50)]
    browser.run("document.querySelector('[name=after]').click(); document.querySelector('[name=after]').click()")
    assert ids(browser) == [f"c-{n:03}" for n in range(100, 120)]
    assert browser.run("document.querySelector('[name=after]').disabled")
    assert "page=3" in browser.run("location.hash")


@pytest.mark.parametrize(("view", "fits"), [
    ("rung=prompt", lambda n: n % 3 in (0, 1)),
    ("rung=rag&kind=facts", lambda n: n % 3 in (1, 2) and n % 2),
    ("slice=policy-edge", lambda n: n % 3 in (1, 2)),
    ("q=BICYCLE+7%3F", lambda n: n == 7),
    ("a=prompt&b=rag&flip=won", lambda n: n % 3 == 0),
    ("a=prompt&b=rag&flip=lost", lambda n: n % 3 == 2),
    ("a=prompt&b=rag&flip=failing", lambda n: n % 3 == 1),
    ("rung=rag&slice=bikes&q=c-00", lambda n: n % 3 == 2 and n < 10),
    ("rung=nonsense&q=nothing+like+it", lambda n: False),
])  # fmt: skip
def test_a_view_can_be_sent_as_an_address(browser: Browser, report: Path, view: str, fits):
    browser.open(report, f"#ladder=support&{view}")

    wanted = [f"c-{n:03}" for n in range(120) if fits(n)]
    assert ids(browser) == wanted[:50]
    assert browser.texts(".count") == [f"{len(wanted)} of 120 failing cases."]


def test_a_filter_changes_the_list_and_the_address_and_clear_undoes_it(browser: Browser, report: Path):
    browser.open(report)

    browser.run("{const f = document.forms[0]; f.rung.value = 'rag'; f.q.value = 'bicycle 1';"
                "f.dispatchEvent(new Event('input', {bubbles: true}))}")  # fmt: skip
    browser.wait("location.hash === '#ladder=support&rung=rag&q=bicycle+1'")
    assert set(ids(browser)) == {f"c-{n:03}" for n in range(120) if n % 3 and str(n).startswith("1")}
    browser.run("document.querySelector('[type=reset]').click()")
    browser.wait(f"{SHOWN} === 50")
    assert browser.run("location.hash") == "#ladder=support"


def test_two_answers_stand_side_by_side_with_their_differences_marked(browser: Browser, report: Path):
    browser.open(report, "#ladder=support&case=c-061&a=prompt&b=rag")

    assert browser.texts(".case[open] .id") == ["c-061"]
    assert [text.partition("answer ")[0] for text in browser.texts(".side h4")] == ["prompt", "rag"]
    assert browser.texts(".side .text") == [
        "You may keep bicycle 61 until Monday.",
        "You may keep bicycle 61 until Tuesday.",
    ]
    assert browser.texts("del") == ["Monday"]
    assert browser.texts("ins") == ["Tuesday"]


def test_an_answer_can_be_held_against_what_was_expected(browser: Browser, report: Path):
    browser.open(report, "#ladder=support&case=c-001&a=%3D&b=rag")

    assert browser.texts(".side .text") == ["Tuesday", "You may keep bicycle 1 until Tuesday."]
    assert browser.texts("del") == []
    assert "".join(browser.texts("ins")) == "You may keep bicycle 1 until ."


def test_the_keyboard_alone_filters_and_opens(browser: Browser, report: Path):
    browser.open(report)
    browser.call("Page.bringToFront")

    browser.run("document.forms[0].q.focus()")
    browser.write("bicycle 77")
    browser.wait(f"{SHOWN} === 1")
    for _ in range(12):
        if browser.run("document.activeElement.tagName") == "SUMMARY":
            break
        browser.press("Tab")
    outline = browser.run("getComputedStyle(document.activeElement).outlineStyle")
    browser.press("Enter")

    assert outline == "solid"
    browser.wait("document.querySelectorAll('.case[open] .side').length === 2")


@pytest.mark.parametrize("width", [360, 400, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_runs_out_of_the_window_and_every_text_can_be_read(
    browser: Browser, report: Path, width: int, dark: bool
):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.call("Emulation.setEmulatedMedia", features=[scheme])
    browser.open(report, "#ladder=support&case=c-001")

    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run(CONTRAST) == []


CONTRAST = """(() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, part, i) => {
    const v = c[i] / 255;
    return sum + part * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  }, 0);
  const behind = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const c = rgb(getComputedStyle(at).backgroundColor);
      if (c[3] === 255) return c;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility() || e.closest("script,title,:disabled,.spot")) continue;
    const style = getComputedStyle(e);
    const a = light(rgb(e.closest("svg") ? style.fill : style.color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.add(`${e.tagName}.${e.getAttribute("class")}: ${ratio.toFixed(2)}`);
  }
  return [...found];
})()"""


@pytest.mark.parametrize("text", [*HOSTILE, "x" * 5000, "a\u202eb\u2028c\0d", "שלום עולם"])
def test_a_hostile_text_runs_nothing(browser: Browser, tmp_path: Path, text: str):
    path = written(tmp_path, run(everywhere(text)))

    browser.open(path)
    browser.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    browser.wait("document.querySelector('.case .inside')")

    assert browser.run("document.querySelectorAll('script').length") == 2
    assert browser.run("document.querySelectorAll('img, x, .case svg').length") == 0
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")


@pytest.fixture
def traced(tmp_path: Path) -> Path:
    """A report whose cases have answers with steps: of an agent, of a question taken apart, and hostile ones."""
    hostile = tuple({"step": "tool", "name": text, "arguments": {text: text}, "result": text} for text in HOSTILE)
    answers = {"c-agent": (AGENT, GUARDED), "c-parts": (DECOMPOSED, OWN), "c-hostile": (Answer("x", steps=hostile),)}
    cases = tuple(traced_case(name, found) for name, found in answers.items())
    titles = {"KB-1876": "Order 5316: the Vista lamp " * 4, "KB-2210": HOSTILE[0]}
    return written(tmp_path, run(replace(FULL, details=replace(DETAILS, cases=cases, documents=titles))))


def traced_case(name: str, answers: tuple[Answer, ...]) -> CaseSummary:
    rungs = {
        "prompt": RungCase({"answer": 0.0}, True, "tool_use", "I refunded it.", "", answers[:1]),
        "rag": RungCase({"answer": 0.0}, True, "facts", "24 months.", "", answers[-1:]),
    }
    return CaseSummary(name, (), rungs, "How long is order 5316 covered?", "24 months", ("KB-1876", "KB-2210"))


def test_the_steps_of_both_answers_stand_below_them(browser: Browser, traced: Path):
    browser.open(traced, "#ladder=support&case=c-agent&a=prompt&b=rag")

    left = ".side:first-child .step"
    assert browser.texts(f"{left} .what")[:3] == ["call", "refused call", "failed call"]
    assert browser.texts(f"{left} .said")[0] == (
        'look_up(fields=["state", "days"], order="8")→ {"state": "lost", "days": 0}'
    )
    assert browser.texts(f"{left}.refused .code") == ['refund(amount=250, order="8")']
    assert browser.texts(".side:last-child .step .what")[0] == "route"


def test_documents_have_id_title_and_score_and_evidence_is_marked(browser: Browser, traced: Path):
    browser.open(traced, "#ladder=support&case=c-parts&a=prompt&b=rag")

    found = "[...document.querySelectorAll('.side:first-child .documents li')]"
    assert browser.run(f"{found}.map(e => [...e.children].map(c => c.textContent))")[:2] == [
        ["✓ evidence: ", "KB-1876", "Order 5316: the Vista lamp " * 3 + "Order 5316: the Vista lamp", "10.56"],
        ["", "KB-4703", "", "5.316"],
    ]
    assert browser.texts(".texts .documents b") == ["KB-1876", "KB-2210"]


def test_steps_fold_by_the_keyboard_and_stay_folded_in_the_next_case(browser: Browser, traced: Path):
    browser.open(traced, "#ladder=support&case=c-agent&a=prompt&b=rag")
    browser.call("Page.bringToFront")

    browser.run("document.querySelector('.steps summary').focus()")
    assert browser.run("document.querySelector('.steps').open")
    browser.press("Enter")
    browser.wait("!document.querySelector('.steps').open")
    browser.run("document.querySelectorAll('.case')[1].querySelector('summary').click()")
    browser.wait("document.querySelectorAll('.case')[1].querySelectorAll('.steps').length === 2")

    assert browser.run("[...document.querySelectorAll('.case')[1].querySelectorAll('.steps')].map(e => e.open)") == [
        False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["look_up", "greater than the maximum", "days"])
def test_a_search_finds_words_of_the_steps(browser: Browser, traced: Path, word: str):
    browser.open(traced, f"#ladder=support&q={word.replace(' ', '+')}")

    assert ids(browser) == ["c-agent"]


@pytest.mark.parametrize("width", [360, 400, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_steps_stay_in_the_window_and_can_be_read(browser: Browser, traced: Path, width: int, dark: bool):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.call("Emulation.setEmulatedMedia", features=[scheme])
    browser.open(traced)
    browser.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    browser.wait("document.querySelectorAll('.case .inside').length === 3")

    assert browser.run("document.documentElement.scrollWidth") <= width
    said = "[...document.querySelectorAll('.said *')]"
    assert browser.run(f"{said}.every(e => e.getBoundingClientRect().right <= innerWidth)")
    assert browser.run(CONTRAST) == []
    assert browser.run("document.querySelectorAll('script').length") == 2
    assert browser.run("document.querySelectorAll('img, x, .case svg').length") == 0


def test_without_a_script_the_main_story_is_there(report: Path):
    with Browser(script=False) as plain:
        plain.open(report)
        found = plain.call("DOMSnapshot.captureSnapshot", computedStyles=[])

        assert plain.complaints == []
    shown = {found["strings"][at] for page in found["documents"] for at in page["layout"]["text"] if at >= 0}
    for text in ("rag", "The climb", "c-019"):
        assert text in shown | {s.strip() for s in shown}
    assert "c-020" not in shown


def test_ten_thousand_cases_open_in_three_seconds(browser: Browser, tmp_path: Path):
    from benchmarks.html_report import summary_of

    path = written(tmp_path, summary_of(10_000))

    assert path.stat().st_size <= 20_000_000
    assert min(browser.open(path) for _ in range(3)) <= 3.0
    assert browser.texts(".count") == ["10,000 failing cases."]
    assert browser.run(SHOWN) == 50


def test_a_report_of_ids_opens(browser: Browser, tmp_path: Path):
    shown = replace(FULL, show="ids", details=Details(cases=CASES, entries=DETAILS.entries))
    browser.open(written(tmp_path, run(shown)), "#ladder=support&case=c-001")

    assert browser.texts(".case[open] .text") == []
    assert len(browser.texts(".case[open] .side")) == 2
