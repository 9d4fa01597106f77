"""The picture of cost against quality where it is read: numbers that can be read, wherever the rungs stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ladder.report.html.render import render_html
from tests.browser import Browser, needs_browser
from tests.summaries import run
from tests.unit.test_report_html_tags import CROWD, TWINS, Told, ladder_of

pytestmark = [pytest.mark.slow, needs_browser]

HIDDEN = """[...document.querySelectorAll('.spot text')].filter((e) => {
  e.scrollIntoView({block: 'center'});
  const own = e.getBoundingClientRect();
  const inside = [...e.parentElement.querySelectorAll('rect')].some((mark) => {
    const box = mark.getBoundingClientRect();
    return box.left <= own.left + 1 && own.right - 1 <= box.right && box.top <= own.top + 1;
  });
  return !inside || [0.1, 0.5, 0.9].some((share) => {
    const top = document.elementFromPoint(own.left + share * own.width, own.top + own.height / 2);
    return !e.parentElement.contains(top);
  });
}).map((e) => e.textContent)"""
"""The numbers that something else covers, or that reach out of their mark."""
RATIO = """(() => {
  const context = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const light = (colour) => {
    context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => v / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
      .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  };
  return Math.min(...[...document.querySelectorAll('.spot text')].map((e) => {
    const mark = e.parentElement.querySelector('rect');
    const both = [e, mark].map((one) => light(getComputedStyle(one).fill));
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  }));
})()"""


@pytest.mark.parametrize("told", [TWINS, CROWD], ids=["one point", "crowd"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_number_can_be_read(tmp_path: Path, told: tuple[Told, ...], dark: bool, width: int):
    path = tmp_path / "report.html"
    path.write_text(render_html(run(ladder_of(*told))), encoding="utf-8")

    with Browser(width=width, dark=dark) as browser:
        browser.open(path)

        assert browser.run("document.querySelectorAll('.spot text').length") > 1
        assert browser.run(HIDDEN) == []
        assert browser.run(RATIO) > 4.5
        assert browser.complaints == []
