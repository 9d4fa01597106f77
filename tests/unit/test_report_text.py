"""Texts of unknown origin on a screen."""

from __future__ import annotations

from pytest_ladder.report.text import cut, one_line


def test_line_ends_tabs_and_controls_become_one_space():
    assert one_line(" a\r\n\tb\x1b\x00\u2028c\x85 ") == "a b c"


def test_invisible_marks_and_half_pairs_go():
    assert one_line("a\u200b\u202eb\ud800c") == "abc"


def test_ascii_spells_out_common_signs_and_escapes_the_rest():
    assert one_line("a ≥ b … “ä”", unicode=False) == 'a >= b ... "\\xe4"'


def test_a_long_text_ends_in_an_ellipsis_at_the_width():
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdefg", 6) == "abcde…"
    assert cut("abcdefg", 6, unicode=False) == "abc..."
    assert cut("abcdefg", 0) == ""


def test_wide_signs_count_two_cells():
    assert cut("語語語", 5) == "語語…"
