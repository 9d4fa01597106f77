"""Prompt files and their versions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ladder.core.canonical import digest
from pytest_ladder.core.entries import DecisionEntry, RungEntry, Verdict
from pytest_ladder.core.rungs import Kind
from pytest_ladder.errors import InvalidFile
from pytest_ladder.store.content import file_digest
from pytest_ladder.store.prompt_file import PromptFile, check_versions, prompt_version, read_prompt

TEXT = "---\nversion: 3\ndescription: 'Short: answers'\n---\nAnswer {{ input }}\n"


def read(tmp_path: Path, text: str) -> PromptFile:
    (tmp_path / "a.md").write_bytes(text.encode())
    return read_prompt(tmp_path / "a.md", "prompts/a.md")


def test_front_matter_is_parted_from_the_template(tmp_path: Path):
    found = read(tmp_path, TEXT)

    assert (found.version, found.description, found.body) == ("3", "Short: answers", "Answer {{ input }}\n")
    assert found.digest == file_digest(tmp_path / "a.md", "a.md")


def test_line_ends_do_not_matter(tmp_path: Path):
    assert read(tmp_path, TEXT.replace("\n", "\r\n")) == read(tmp_path, TEXT)


@pytest.mark.parametrize("text", ["Answer\n", "Answer\n---\nversion: 1\n---\n", "--- x\n---\n"])
def test_a_text_without_front_matter_is_all_template(tmp_path: Path, text: str):
    assert (read(tmp_path, text).version, read(tmp_path, text).body) == (None, text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("---\nversion: 1\nverison: 2\n---\nx", ":3: unknown front matter key, got 'verison'.*'version'"),
        ("---\nversion: 1\nversion: 2\n---\nx", ":3: the key `version` comes twice"),
        ("---\nversion\n---\nx", ":2: the front matter cannot be read, got 'version'"),
        ("---\nversion:\n---\nx", ":2: the front matter cannot be read"),
        ("---\nversion: 1\n---\n \n", ": the prompt is empty"),
        ("---\nno end\n", ":1: the front matter has no end"),
        ("", ": the file is empty"),
    ],
)
def test_a_bad_prompt_is_named_by_line(tmp_path: Path, text: str, fault: str):
    with pytest.raises(InvalidFile, match=rf"^prompts/a\.md{fault}"):
        read(tmp_path, text)


def test_a_text_tells_its_version():
    assert prompt_version(TEXT) == "3"
    assert prompt_version("Answer") is None


def entry(version: str, content: str) -> RungEntry:
    return RungEntry(
        "support", "prompt", Kind.PROMPT, "e", "c", "f", "a", 1, 1, {}, Verdict.MET, artifacts={"p.md": content},
        environment={"prompt_versions": {"p.md": version}},
    ).sealed("2026-01-31T10:00:00Z")  # fmt: skip


TODAY = PromptFile("3", "x", digest("today"))


def test_a_text_that_changed_under_its_version_is_refused():
    with pytest.raises(InvalidFile, match=r"^p\.md: the text changed, and its version is still '3', as measured 2026"):
        check_versions({"p.md": TODAY}, [entry("3", digest("before"))])


def test_it_is_called_as_the_user_would_type_it():
    today = replace(TODAY, where="evals/support/p.md")
    with pytest.raises(InvalidFile, match=r"^evals/support/p\.md: the text changed"):
        check_versions({"p.md": today}, [entry("3", digest("before"))])


@pytest.mark.parametrize(
    ("today", "log"),
    [
        (TODAY, [entry("3", TODAY.digest), entry("2", digest("before"))]),
        (TODAY, [DecisionEntry("support", None, (), "", "")]),
        (replace(TODAY, version=None), [entry("3", digest("before"))]),
        (TODAY, [replace(entry("3", digest("before")), environment={})]),
        (TODAY, [replace(entry("3", digest("before")), artifacts={})]),
    ],
)
def test_everything_else_passes(today: PromptFile, log: list[RungEntry | DecisionEntry]):
    check_versions({"p.md": today}, log)
