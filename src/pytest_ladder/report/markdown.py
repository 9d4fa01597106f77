"""A run as Markdown, fit for a comment on a merge request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from pytest_ladder.core.gains import Gain
from pytest_ladder.core.summary import LadderSummary, Miss, RungRow, RunSummary
from pytest_ladder.report import base, numbers
from pytest_ladder.report.base_table import columns_of_base, lost_of, moved, unmoved_lines
from pytest_ladder.report.columns import FROM_LOG, SLICES_HEADING, Cell, Column, Columns, columns_of, columns_of_slices
from pytest_ladder.report.comparison import columns_of_comparison, flips_of, gain_words
from pytest_ladder.report.drift import drift_facts, drift_words
from pytest_ladder.report.figures import asked_words, rule_words, versions_words
from pytest_ladder.report.judged import judged_words
from pytest_ladder.report.requests import HEADING as REQUESTS_HEADING
from pytest_ladder.report.requests import PARTS_HEADING, columns_of_parts, columns_of_requests, known_of
from pytest_ladder.report.searching import searched_words
from pytest_ladder.report.selftest import HEADING, columns_of_selftest, selftest_lines
from pytest_ladder.report.text import one_line
from pytest_ladder.report.texts import failure_words, gate_title, texts_of

_MOST_SIGNS = 300
"""Longer texts of a case are cut."""
_MOST_FLIPS = 100
"""Of more won or lost cases the number is told."""
_MOST_ROWS = 15
"""Of more comparisons with a git ref the rest is folded up."""
_BOLD = ("bold green", "bold red")


def render_markdown(summary: RunSummary) -> str:
    """Write a run as GitHub-flavoured Markdown: a heading, a table and the decision for each ladder.

    Texts of cases stand in code spans, all other texts are escaped: nothing in them becomes markup, a link or a
    mention.
    """
    blocks = [block for ladder in summary.ladders for block in _ladder(ladder)]
    blocks += _list("Ladders that are gone", map(prose, summary.gone))
    stamp = f"<sub>pytest-ladder {code(summary.version)}, {code(summary.at)}</sub>"
    return "\n\n".join([*blocks, stamp]) + "\n"


def _ladder(ladder: LadderSummary) -> Iterator[str]:
    yield f"## Ladder {escape(ladder.name)}"
    if ladder.task:
        yield prose(ladder.task)
    if ladder.rows:
        yield _table(ladder)
    yield f"<sub>{code(ladder.where)}, {_facts(ladder)}</sub>"
    yield from _list("Fails", map(prose, ladder.failures))
    yield f"**Decided:** {prose(ladder.decided)}"
    if ladder.recommendation:
        yield f"**Next:** {prose(ladder.recommendation)}"
    for _, line in ladder.looks:
        yield f"**Hold-out:** {prose(line)}"
    for drift in ladder.drifts:
        yield f"**Drift:** {prose('; '.join(filter(None, [drift_words(drift), drift_facts(drift)])))}"
    yield from _list("Judged by a model", (prose(judged_words(judge)) for judge in ladder.judges))
    if tried := versions_words(ladder):
        yield f"**Tried:** {prose(tried)}"
    yield from _gate(ladder)
    yield from _base(ladder)
    yield from _selftest(ladder)
    yield from _list("Too few cases to decide", map(prose, ladder.too_few))
    yield from _list("Warnings", map(prose, ladder.notes))
    yield from _list("Waivers in force", map(prose, ladder.waivers))
    yield from _list("Rungs", _rung_notes(ladder))
    yield from _slices(ladder)
    if any(row.misses for row in ladder.rows):
        yield _worst(ladder)
    yield from (_gain(row, row.gain) for row in ladder.rows if row.gain)
    yield from _requests(ladder)


def _facts(ladder: LadderSummary) -> str:
    logged = f"; {FROM_LOG}: not measured in this run" if any(row.from_log for row in ladder.rows) else ""
    return escape(f"{numbers.plural(ladder.cases, 'case')}, {rule_words(ladder)}{logged}")


def _table(ladder: LadderSummary) -> str:
    columns = columns_of(ladder, unicode=True)
    shown = [columns.rung, columns.state, *columns.figures, *columns.limits, *columns.usage]
    return _grid(shown)


def _grid(shown: Sequence[Column]) -> str:
    rows = zip(*(column.cells for column in shown), strict=True)
    body = [_row(_cell(cell) for cell in cells) for cells in rows]
    return "\n".join([_row(_head(c) for c in shown), _row("---:" if c.right else "---" for c in shown), *body])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _head(column: Column) -> str:
    return "<br>".join(escape(line) for line in column.header if line)


def _cell(cell: Cell) -> str:
    return "<br>".join(f"**{text}**" if piece.style in _BOLD else text for piece in cell
                       if (text := escape(piece.text)))  # fmt: skip


def _gate(ladder: LadderSummary) -> Iterator[str]:
    title, _ = gate_title(ladder)
    if title:
        yield f"**{title[0].upper()}{title[1:]}**"
    if ladder.refusals:
        lines = (f"- {code(r.code)}: {prose(r.reason)}\n  - {prose(r.mend)}" for r in ladder.refusals)
        yield "\n".join(lines)
    if title:
        yield from _list("Checklist", (f"{prose(k)}: {prose(v)}" for k, v in ladder.checklist.items()))


def _base(ladder: LadderSummary) -> Iterator[str]:
    if ladder.base is None:
        return
    heading, shown = base.heading(ladder.base), moved(ladder.base)
    first, rest = shown[:_MOST_ROWS], shown[_MOST_ROWS:]
    yield f"**{prose(f'{heading[0].upper()}{heading[1:]}')}**"
    yield from _lines(map(_told, base.history(ladder.base)))
    if first:
        yield _grid(columns_of_base(first))
    quiet = [*lost_of(first), *unmoved_lines(ladder.base), *map(_told, base.rules(ladder.base))]
    yield from _lines(quiet if quiet or first or ladder.base.rewritten else ["nothing changed"])
    if rest:
        told = "\n\n".join([_grid(columns_of_base(rest)), *_lines(lost_of(rest, first))])
        title = numbers.plural(len(rest), "further comparison")
        yield f"<details>\n<summary>{title}</summary>\n\n{told}\n\n</details>"


def _told(line: base.Line) -> str:
    return f"{line.label}: {line.text}"


def _lines(texts: Iterable[str]) -> Iterator[str]:
    lines = [f"- {prose(text)}" for text in texts]
    if lines:
        yield "\n".join(lines)


def _selftest(ladder: LadderSummary) -> Iterator[str]:
    found = ladder.selftest
    if found is None:
        return
    yield f"**{prose(HEADING[0].upper() + HEADING[1:])}**"
    if found.rungs:
        columns = columns_of_selftest(found, unicode=True)
        yield _grid([columns.rung, columns.state, *columns.figures])
    yield "\n".join(f"- {prose(label)}: {prose(text)}" for label, text, _ in selftest_lines(found))


def _list(title: str, items: Iterable[str]) -> Iterator[str]:
    lines = [f"- {item}" for item in items]
    if lines:
        yield f"**{title}**"
        yield "\n".join(lines)


def _rung_notes(ladder: LadderSummary) -> Iterator[str]:
    for row in ladder.rows:
        if row.note:
            yield f"{prose(row.id)}: {prose(row.note)}"
        if asked := asked_words(row):
            yield f"{prose(row.id)}: {escape(asked)}"
        if searched := searched_words(row):
            yield f"{prose(row.id)}: {prose(searched)}"
        if row.entry and row.entry.diagnosis:
            yield f"{prose(row.id)}: failures: {escape(failure_words(row.entry.diagnosis))}"
        if row.gain:
            yield f"{prose(row.id)}: {escape(gain_words(row.gain))}"


def _gain(row: RungRow, gain: Gain) -> str:
    """The comparison with the best cheaper rung, slice by slice, and the cases that were lost and won."""
    blocks = []
    for metric, found in gain.metrics.items():
        columns = columns_of_comparison(found, (gain.over, row.id), unicode=True, effect=True)
        flips = (f"- {escape(label)}: {escape(text)}" for label, text in flips_of(found, _MOST_FLIPS))
        shown = [columns.rung, columns.state, *columns.figures, *columns.usage]
        blocks += [f"**{escape(metric)}**", _grid(shown), "\n".join(flips)]
    told = "\n\n".join(filter(None, blocks))
    return f"<details>\n<summary>{escape(row.id)} against {escape(gain.over)}</summary>\n\n{told}\n\n</details>"


def _slices(ladder: LadderSummary) -> Iterator[str]:
    """The slices that no threshold asks about, folded up."""
    columns = columns_of_slices(ladder, unicode=True)
    if columns.figures:
        yield f"<details>\n<summary>{escape(SLICES_HEADING)}</summary>\n\n{_figures_grid(columns)}\n\n</details>"


def _requests(ladder: LadderSummary) -> Iterator[str]:
    """The model calls of each rung, folded up."""
    known = known_of(ladder.rows)
    if not known:
        return
    blocks = [_figures_grid(columns_of_requests(known, unicode=True))]
    if any(figures.parts for _, figures in known):
        blocks += [f"**{prose(PARTS_HEADING)}**", _figures_grid(columns_of_parts(known, unicode=True))]
    told = "\n\n".join(blocks)
    yield f"<details>\n<summary>{escape(REQUESTS_HEADING)}</summary>\n\n{told}\n\n</details>"


def _figures_grid(columns: Columns) -> str:
    return _grid([columns.rung, columns.state, *columns.figures])


def _worst(ladder: LadderSummary) -> str:
    blocks = [line for row in ladder.rows if row.misses for line in _row_misses(row, ladder.show)]
    number = numbers.plural(sum(len(row.misses) for row in ladder.rows), "worst case")
    return "\n".join([f"<details>\n<summary>{number}</summary>\n", *blocks, "\n</details>"])


def _row_misses(row: RungRow, show: str) -> Iterator[str]:
    yield f"- {prose(row.id)}"
    for miss in row.misses:
        yield f"  - {_miss(miss)}"
        for name, text in texts_of(miss, show).items():
            yield f"    - {name}: {code(text)}"


def _miss(miss: Miss) -> str:
    return f"{code(miss.case)} {escape(miss.metric)} {'unscored' if miss.score is None else numbers.score(miss.score)}"


def code(text: str) -> str:
    """A text as a code span on one line, cut if it is long; in it nothing is markup, a link or a mention."""
    flat = one_line(text)
    flat = flat if len(flat) <= _MOST_SIGNS else f"{flat[: _MOST_SIGNS - 1]}…"
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", flat)), default=0))
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}" if flat else "(empty)"


_BREAK = "\u200b"
"""A space without width: it ends a word for whatever looks for links and mentions, and is not seen."""
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", **{sign: f"\\{sign}" for sign in "\\`*_[]|~"}})
_LINKED = re.compile(r"[@#!%~](?=\w)|:(?=//|[a-z+]\w*:)|\bwww(?=\.)")
_BLOCK = re.compile(r"^(\d*)([-+#=>.)])(?=[-+#=>\s]|$)")


def escape(text: str) -> str:
    """A text on one line in which no sign is markup, also inside a table; links, mentions and references are broken."""
    return _escaped(one_line(text))


def _escaped(flat: str) -> str:
    return _LINKED.sub(rf"\g<0>{_BREAK}", flat).translate(_MARKUP)


def prose(text: str) -> str:
    """A sentence, escaped, that may begin a line; what stands between backticks in it is a code span."""
    parts = re.split(r"`([^`]+)`", one_line(text))
    whole = "".join(code(part) if at % 2 else _escaped(part) for at, part in enumerate(parts))
    return _BLOCK.sub(r"\1\\\2", whole)
