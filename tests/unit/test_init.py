"""What `ladder init` writes: whole, consistent, and never over somebody's files."""

from __future__ import annotations

import json
import re
import runpy
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pytest_ladder.backends.model_check import check_model
from pytest_ladder.cli.init import init
from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Case
from pytest_ladder.core.scorers import build_scorer
from pytest_ladder.core.scores import Scored
from pytest_ladder.errors import InvalidRequest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    init(tmp_path / "evals", "bike-shop")
    return tmp_path / "evals"


@pytest.fixture
def spec(folder: Path) -> dict:
    return tomllib.loads((folder / "ladder.toml").read_text(encoding="utf-8"))


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def model(folder: Path, text: str) -> str:
    return runpy.run_path(str(folder / "models.py"))["answer"]([{"role": "user", "content": text}], temperature=0.0)


def share(folder: Path, spec: dict, context: str) -> float:
    """Share of the cases that the model gets right with these articles in its prompt."""
    metric = spec["metrics"]["answer"]
    scorer = build_scorer(metric["scorer"], metric["options"])
    cases = [Case(row["id"], row["input"], row["expected"]) for row in lines(folder / "cases.jsonl")]
    answers = [model(folder, f"Articles:\n{context}\n\nQuestion: {case.input}") for case in cases]
    pairs = zip(cases, answers, strict=True)
    return sum(scorer(Scored(case, Answer(answer))).value for case, answer in pairs) / len(cases)


def test_the_written_files_are_returned(tmp_path: Path):
    written = init(tmp_path, "support")

    assert set(written) == {path for path in tmp_path.rglob("*") if path.is_file()}
    assert {path.name for path in written} >= {"ladder.toml", "test_support.py", ".gitattributes", ".gitignore"}


def test_the_name_is_put_in(folder: Path, spec: dict):
    assert spec["name"] == "bike-shop"
    assert "def test_bike_shop(rung)" in (folder / "test_bike_shop.py").read_text(encoding="utf-8")
    assert not [path for path in folder.rglob("*") if path.is_file() and b"LADDER_" in path.read_bytes()]


def test_every_file_that_the_ladder_names_is_there(folder: Path, spec: dict):
    named = [spec["evalset"], spec["model"].partition(":")[0]]
    named += [r[key] for r in spec["rungs"].values() for key in ("prompt", "examples", "corpus") if key in r]

    assert [name for name in named if not (folder / name).is_file()] == []


def test_cases_are_unique_and_their_slices_and_evidence_exist(folder: Path, spec: dict):
    cases, articles = lines(folder / "cases.jsonl"), {row["id"] for row in lines(folder / "kb.jsonl")}

    assert len(cases) >= 30
    assert len({case["id"] for case in cases}) == len({case["input"] for case in cases}) == len(cases)
    assert {row for case in cases for row in case.get("evidence", ())} <= articles
    assert set(spec["thresholds"]["answer"]) - {"all"} <= {name for case in cases for name in case["slices"]}


def test_no_example_is_a_case(folder: Path):
    examples = {row["input"] for row in lines(folder / "examples.jsonl")}

    assert len(examples) == 4
    assert examples.isdisjoint({case["input"] for case in lines(folder / "cases.jsonl")})


def test_the_model_reads_the_articles_and_admits_what_it_does_not_know(folder: Path):
    article = "[kb-10] Guarantee\nThe guarantee on a frame lasts 10 years. Wear is not covered."

    assert "10 years" in model(folder, f"Articles:\n{article}\n\nQuestion: How long does the guarantee last?")
    assert model(folder, "Question: How long does the guarantee last?") == "I do not know."
    assert model(folder, f"Articles:\n{article}\n\nQuestion: Who founded the firm?") == "I do not know."


def test_without_articles_the_target_is_missed_and_with_them_it_is_met(folder: Path, spec: dict):
    articles = "\n\n".join(f"{row['title']}\n{row['text']}" for row in lines(folder / "kb.jsonl"))
    least = spec["thresholds"]["answer"]["all"]

    assert share(folder, spec, "") < least
    assert share(folder, spec, articles) >= least


@pytest.mark.parametrize("name", ["prompts/answer.md", "prompts/grounded.md"])
def test_prompts_have_a_version_roles_and_the_question(folder: Path, name: str):
    text = (folder / name).read_text(encoding="utf-8")

    assert text.startswith("---\nversion: 1\n---\nsystem:\n")
    assert "\nuser:\n" in text
    assert "{{ input }}" in text
    assert ("{{ context }}" in text) is (name == "prompts/grounded.md")


def test_the_log_is_merged_by_union(folder: Path):
    rules = (folder / ".gitattributes").read_text(encoding="utf-8")

    assert "escalation.jsonl text eol=lf merge=union" in rules
    assert "recordings/** text eol=lf merge=union" in rules


@pytest.mark.parametrize("taken", ["cases.jsonl", "prompts/answer.md", ".gitignore"])
def test_an_existing_file_is_named_and_nothing_is_written(taken: str, tmp_path: Path):
    (tmp_path / taken).parent.mkdir(exist_ok=True)
    (tmp_path / taken).write_text("mine", encoding="utf-8")

    with pytest.raises(InvalidRequest, match=taken):
        init(tmp_path, "support")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / taken]
    assert (tmp_path / taken).read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["", "1st", "a b", "../x", 'a"b', "ä"])
def test_a_name_that_cannot_be_used_is_refused(name: str, tmp_path: Path):
    with pytest.raises(InvalidRequest, match="a letter first"):
        init(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path):
    (tmp_path / "file").touch()

    with pytest.raises(InvalidRequest, match="file: it cannot be written"):
        init(tmp_path / "file", "support")


class Provider(BaseHTTPRequestHandler):
    """A chat API that says what it was sent."""

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = f"{self.headers['Authorization']}, {sent['messages'][-1]['content']}, {sent['temperature']}"
        told = {"model": f"{sent['model']}-1", "choices": [{"message": {"content": said}}]}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_the_example_of_a_provider_works_once_its_marks_are_off(folder: Path, monkeypatch: pytest.MonkeyPatch):
    text = (folder / "models.py").read_text(encoding="utf-8")
    example = "\n".join(re.findall(r"(?m)^# ?(.*)$", text[text.index("# def provider") :]))
    monkeypatch.setenv("API_KEY", "secret")

    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        Thread(target=server.serve_forever).start()
        names: dict = {}
        exec(example.replace("https://HOST", f"http://127.0.0.1:{server.server_port}"), names)
        reply = names["provider"]([{"role": "user", "content": "Hello"}], temperature=0.5)
        server.shutdown()

    assert reply == {"text": "Bearer secret, Hello, 0.5", "model": "MODEL-1"}


def test_no_template_names_a_model_that_cannot_be_served(folder: Path):
    text = "".join((folder / name).read_text(encoding="utf-8") for name in ("models.py", "ladder.toml"))
    lines = [line for line in text.splitlines() if "model = " in line]
    named = [name for line in lines for name in re.findall(r'"([^"]+)"', line)]

    assert len(named) >= 3
    for name in named:
        if not name.startswith("local:PATH"):  # a place to fill in
            check_model(name, {}, None, folder, asked=True)
