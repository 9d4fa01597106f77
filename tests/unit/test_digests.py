"""Fingerprints and contracts."""

from __future__ import annotations

import json.decoder
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ladder.core.ladder import DecisionPolicy, Ladder, Limits
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.core.scores import MetricSpec
from pytest_ladder.errors import InvalidFile
from pytest_ladder.store.artifacts import artifact_path
from pytest_ladder.store.digests import contract, fingerprint, version_digest

FILES = {
    "evals/prompts/a.md": "Answer {{ input }}\n",
    "evals/kb.jsonl": '{"id":"d","text":"x"}\n',
    "evals/examples.jsonl": '{"input":"a","expected":"b"}\n',
    "evals/adapter/weights.bin": "w\0\r\n",
    "evals/adapter/deep/config.json": "{}\n",
    "evals/systems.py": "import json\n\ndef answer(case):\n    return 'x'\n",
    "evals/models.py": "def model(request):\n    return 'x'\n",
    "evals/helper.py": "X = 1\nanswer = str\n",
    "evals/scorers.py": "def score(scored):\n    return 1.0\n",
    "evals/note.schema.json": "{}\n",
    "src/app/__init__.py": "",
    "src/app/main.py": "def answer(case):\n    return 'x'\n",
    "src/app/other.py": "Y = 1\n",
    "plain/sub/main.py": "def answer(case):\n    return 'x'\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return tmp_path


def rung(**table: object) -> RungSpec:
    """A RAG rung; common keys go where the reader puts them."""
    common = {key: table[key] for key in ("system", "model", "depends") if key in table}
    options = {key: value for key, value in table.items() if key not in common}
    return RungSpec("rag", Kind.RAG, options=options, table=table, **common)


def ladder(root: Path, **parts: object) -> Ladder:
    metrics = (MetricSpec("answer", "exact_match"),)
    whole = {"metrics": metrics, "thresholds": {"answer": {"all": 0.9}}, "rungs": (), **parts}
    return Ladder("support", root / "evals/ladder.toml", root, "Answer.", "cases.jsonl", **whole)


def edit(path: Path, text: str = "edited\n") -> None:
    path.write_bytes(text.encode())


def test_the_files_of_the_table_are_the_artifacts(root: Path):
    found = fingerprint(ladder(root), rung(prompt="prompts/a.md", corpus="kb.jsonl", examples="examples.jsonl"))

    assert list(found.artifacts) == ["examples.jsonl", "kb.jsonl", "prompts/a.md"]
    assert found.warnings == ()


@pytest.mark.parametrize("name", ["prompts/a.md", "kb.jsonl", "examples.jsonl"])
def test_a_file_of_the_table_that_changes_is_another_version(root: Path, name: str):
    spec = rung(prompt="prompts/a.md", corpus="kb.jsonl", examples="examples.jsonl")
    before = fingerprint(ladder(root), spec)

    edit(root / "evals" / name)

    assert fingerprint(ladder(root), spec).digest != before.digest


CHANGES: dict[str, Callable[[Ladder, RungSpec], tuple[Ladder, RungSpec]]] = {
    "table": lambda spec, one: (spec, replace(one, table={**one.table, "top_k": 5})),
    "model": lambda spec, one: (spec, replace(one, model="other")),
    "options": lambda spec, one: (spec, replace(one, model_options={"temperature": 1})),
    "seed": lambda spec, one: (replace(spec, seed=1), one),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_answers_is_another_version(root: Path, name: str):
    before = ladder(root), rung(prompt="prompts/a.md")

    assert fingerprint(*CHANGES[name](*before)).digest != fingerprint(*before).digest


def test_what_changes_no_answer_is_the_same_version(root: Path):
    before = fingerprint(ladder(root), rung(prompt="prompts/a.md"))
    edit(root / "evals/prompts/a.md", FILES["evals/prompts/a.md"].replace("\n", "\r\n"))
    other = ladder(root, repeats=3, thresholds={"answer": {"all": 0.1}}, limits=Limits(1.0))

    assert fingerprint(other, replace(rung(prompt="prompts/a.md"), id="rag2")) == before


def test_the_version_is_the_same_in_another_place(root: Path, tmp_path_factory: pytest.TempPathFactory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "deep"
    spec = rung(prompt="prompts/a.md", system="systems.py:answer", depends=("src/app/*.py",))
    before = fingerprint(ladder(root), spec)

    root.rename(elsewhere)

    assert fingerprint(ladder(elsewhere), spec) == before


def test_a_version_holds_the_rungs_it_refers_to(root: Path):
    rag = replace(rung(prompt="prompts/a.md", corpus="kb.jsonl"), id="rag")
    plain = replace(rung(system="systems.py:answer"), id="plain")
    rungs = (rag, plain, replace(rung(router=[{"to": "rag"}]), id="routed"), replace(rung(fallback="routed"), id="far"))
    whole = ladder(root, rungs=rungs)
    found = {one.id: fingerprint(whole, one) for one in rungs}
    assert list(found["far"].artifacts) == list(found["routed"].artifacts) == ["kb.jsonl", "prompts/a.md"]
    assert version_digest(whole, rungs[3], found["far"].artifacts) == found["far"].digest

    edit(root / "evals/kb.jsonl")
    edit(root / "evals/systems.py", "answer = str\n")
    after = {one.id: fingerprint(whole, one) for one in rungs}
    assert {name for name in found if after[name] != found[name]} == set(found)
    other = replace(whole, rungs=(replace(rag, model="other"), *rungs[1:]))
    now = {one.id: fingerprint(other, one).digest for one in other.rungs}
    assert {name for name in after if now[name] != after[name].digest} == {"rag", "routed", "far"}


def test_every_file_below_an_adapter_counts_byte_for_byte(root: Path):
    before = fingerprint(ladder(root), rung(adapter="adapter"))
    edit(root / "evals/adapter/weights.bin", "w\0\n")

    after = fingerprint(ladder(root), rung(adapter="adapter"))

    assert set(before.artifacts) == {"adapter/weights.bin", "adapter/deep/config.json"}
    assert after.digest != before.digest


def test_an_adapter_that_is_not_trained_yet_is_no_error(root: Path):
    assert fingerprint(ladder(root), rung(adapter="later")).artifacts == {}


@pytest.mark.parametrize(
    ("reference", "file"),
    [
        ("systems.py:answer", "systems.py"),
        ("../src/app/main.py:answer", "../src/app/main.py"),
        ("src.app.main:answer", "../src/app/main.py"),
        ("plain.sub.main:answer", "../plain/sub/main.py"),
        ("helper:answer", "helper.py"),
    ],
)
def test_the_file_of_a_system_counts(root: Path, reference: str, file: str):
    before = fingerprint(ladder(root), rung(system=reference))

    edit(root / "evals" / file, "def answer(case): ...\n")

    assert list(before.artifacts) == [file]
    assert fingerprint(ladder(root), rung(system=reference)).digest != before.digest


def test_the_file_of_a_model_counts(root: Path):
    assert list(fingerprint(ladder(root), rung(model="models.py:model")).artifacts) == ["models.py"]
    assert fingerprint(ladder(root), rung(model="openai/gpt:x")).artifacts == {}


def test_finding_a_module_does_not_import_it(root: Path):
    edit(root / "src/app/__init__.py", "raise SystemExit\n")

    assert fingerprint(ladder(root), rung(system="src.app.main:answer")).artifacts


def test_an_installed_module_counts_by_its_file(root: Path):
    found = fingerprint(ladder(root), rung(system="json.decoder:JSONDecoder"))

    assert list(found.artifacts) == ["installed:json/decoder.py"]
    assert artifact_path("installed:json/decoder.py", root).samefile(json.decoder.__file__)


def test_an_installed_module_is_the_same_version_wherever_it_is_installed(root: Path, tmp_path: Path, monkeypatch):
    found = []
    for place in ("a/site-packages", "elsewhere/b/site-packages"):
        (tmp_path / place / "acme").mkdir(parents=True)
        edit(tmp_path / place / "acme/answers.py", "def answer(case): ...\n")
        with monkeypatch.context() as patch:
            patch.syspath_prepend(str(tmp_path / place))
            found.append(fingerprint(ladder(root), rung(system="acme.answers:answer")))

    assert found[0] == found[1]
    assert list(found[0].artifacts) == ["installed:acme/answers.py"]


def test_depends_adds_files_and_quiets_the_warning(root: Path):
    edit(root / "evals/systems.py", "import helper\nfrom src.app import other\n\ndef answer(case): ...\n")

    alone = fingerprint(ladder(root), rung(system="systems.py:answer"))
    told = fingerprint(ladder(root), rung(system="systems.py:answer", depends=("src/app/*.py", "evals/helper.py")))

    assert len(alone.warnings) == 1
    assert "evals/systems.py imports evals/helper.py, src/app/__init__.py, src/app/other.py" in alone.warnings[0]
    assert told.warnings == ()
    assert set(told.artifacts) > {"../src/app/main.py", "helper.py", "systems.py"}


@pytest.mark.parametrize(
    "line", ["from . import other", "from .other import Y", "from ..app import other", "import app.other"]
)
def test_imports_of_every_form_are_seen(root: Path, line: str):
    edit(root / "src/app/main.py", f"def answer(case):\n    {line}\n")

    found = fingerprint(ladder(root), rung(system="src.app.main:answer"))

    assert "src/app/other.py" in found.warnings[0]


def test_compiled_files_never_count(root: Path):
    (root / "src/app/__pycache__").mkdir()
    edit(root / "src/app/__pycache__/main.cpython-311.pyc")

    found = fingerprint(ladder(root), rung(system="systems.py:answer", depends=("src/**/*",)))

    assert not [path for path in found.artifacts if "pycache" in path]


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"prompt": "gone.md"}, r"\[rungs.rag\] prompt: there is no such file, got 'gone.md'"),
        ({"corpus": "../../kb.jsonl"}, r"\[rungs.rag\] corpus: the path leaves the rootdir"),
        ({"system": "gone.py:f"}, r"\[rungs.rag\] system: there is no such file, got 'gone.py'"),
        ({"system": "no_such_package.x:f"}, r"\[rungs.rag\] system: there is no module 'no_such_package'"),
        ({"system": "src.app.gone:f"}, "there is no module 'src.app.gone'"),
        ({"system": "nothing"}, "not a reference"),
        ({"depends": ("src/app/*.txt",)}, r"\[rungs.rag\] depends: the pattern matches no file"),
        ({"depends": ("/etc/host*",)}, "the pattern matches no file"),
        ({"depends": ("",)}, "the pattern matches no file"),
    ],
)
def test_a_file_that_is_not_there_is_named(root: Path, table: dict[str, object], fault: str):
    with pytest.raises(InvalidFile, match=rf"^evals/ladder\.toml: .*{fault}"):
        fingerprint(ladder(root), rung(**table))


def test_a_glob_may_not_leave_the_rootdir(root: Path):
    (root.parent / "outside.py").touch()

    with pytest.raises(InvalidFile, match="leaves the rootdir"):
        fingerprint(ladder(root), rung(depends=("../outside.py",)))


def test_further_files_may_count(root: Path):
    assert list(fingerprint(ladder(root), rung(), [root / "evals/helper.py"]).artifacts) == ["helper.py"]


CONTRACTS: dict[str, Callable[[Ladder], Ladder]] = {
    "task": lambda spec: replace(spec, task="Other."),
    "scorer": lambda spec: replace(spec, metrics=(MetricSpec("answer", "contains"),)),
    "options": lambda spec: replace(spec, metrics=(MetricSpec("answer", "exact_match", {"strip": True}),)),
    "threshold": lambda spec: replace(spec, thresholds={"answer": {"all": 0.8}}),
    "limits": lambda spec: replace(spec, limits=Limits(0.1)),
    "decision": lambda spec: replace(spec, decision=DecisionPolicy(rule="confident")),
}


@pytest.mark.parametrize("name", CONTRACTS)
def test_what_changes_the_grading_is_another_contract(root: Path, name: str):
    assert contract(CONTRACTS[name](ladder(root)), root) != contract(ladder(root), root)


def test_what_changes_answers_is_the_same_contract(root: Path):
    other = ladder(root, model="x", seed=3, rungs=(rung(),), budget_usd=1.0)

    assert contract(other, root) == contract(ladder(root), root)


def test_the_order_of_metrics_is_the_same_contract(root: Path):
    metrics = MetricSpec("a", "x"), MetricSpec("b", "y")

    assert contract(ladder(root, metrics=metrics), root) == contract(ladder(root, metrics=metrics[::-1]), root)


@pytest.mark.parametrize(
    ("metric", "file"),
    [
        (MetricSpec("answer", "scorers.py:score"), "scorers.py"),
        (MetricSpec("answer", "json_schema", {"schema": "note.schema.json"}), "note.schema.json"),
    ],
)
def test_a_file_that_a_metric_uses_belongs_to_the_contract(root: Path, metric: MetricSpec, file: str):
    spec = ladder(root, metrics=(metric,))
    before = contract(spec, root)
    edit(root / "evals" / file, FILES[f"evals/{file}"].replace("\n", "\r\n"))
    assert contract(spec, root) == before

    edit(root / "evals" / file)

    assert contract(spec, root) != before


def test_a_scorer_file_that_is_missing_is_named(root: Path):
    with pytest.raises(InvalidFile, match=r"\[metrics.answer\] scorer: there is no such file"):
        contract(ladder(root, metrics=(MetricSpec("answer", "gone.py:f"),)), root)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("def anwser(case): ...\n", r"evals/ladder\.toml: \[rungs\.rag\] system: own\.py has no function 'answer'\. "
                                    r"Did you mean 'anwser'\?"),
        ("def f():\n    def answer(case): ...\n", "has no function 'answer'"),
        ("class A:\n    answer = 1\n", "has no function 'answer'"),
        ("def answer(:\n", r"^evals/own\.py:1: not Python"),
        ("\0", "^evals/own\\.py"),
    ],
)  # fmt: skip
def test_a_system_that_its_file_does_not_define_is_told_without_running_it(root: Path, text: str, fault: str):
    edit(root / "evals/own.py", "raise SystemExit\n" * (text[:3] == "def" and ":\n" not in text) + text)

    with pytest.raises(InvalidFile, match=fault):
        fingerprint(ladder(root), rung(system="own.py:answer"))


def test_so_is_a_model_that_its_file_does_not_define(root: Path):
    with pytest.raises(InvalidFile, match=r"\[rungs\.rag\] model: models\.py has no function 'modle'.*'model'"):
        fingerprint(ladder(root), rung(model="models.py:modle"))


@pytest.mark.parametrize(
    "text",
    [
        "async def answer(case): ...",
        "class answer: ...",
        "from helper import answer",
        "from helper import other as answer",
        "from helper import *",
        "import answer.inner",
        "answer = lambda case: 'x'",
        "first, (answer, *rest) = make()",
        "answer: object = make()",
        "try:\n    import fast\nexcept ImportError:\n    def answer(case): ...",
        "if True:\n    def answer(case): ...",
        "with open('x') as answer: ...",
        "def __getattr__(name): ...",
        "globals()['answer'] = str",
        "(answer := str)",
    ],
)
def test_every_way_to_define_a_system_counts(root: Path, text: str):
    edit(root / "evals/own.py", text + "\n")

    assert "own.py" in fingerprint(ladder(root), rung(system="own.py:answer")).artifacts


def test_a_file_that_is_not_there_is_told_with_the_nearest_one_that_is(root: Path):
    with pytest.raises(InvalidFile, match=r"no such file, got 'prompt/a\.md'\. Did you mean 'prompts/a\.md'\?"):
        fingerprint(ladder(root), rung(prompt="prompt/a.md"))


TOOLS = ["systems.py:answer", "src.app.main:answer"]


def test_the_files_of_the_tools_are_artifacts_but_those_of_installed_packages(root: Path):
    found = fingerprint(ladder(root), rung(tools=[*TOOLS, "json:dumps", "jinja2.sandbox:safe_range"]))

    assert set(found.artifacts) == {"../src/app/main.py", "systems.py"}


@pytest.mark.parametrize("path", ["evals/systems.py", "src/app/main.py"])
def test_a_tool_that_changes_is_another_version(root: Path, path: str):
    before = fingerprint(ladder(root), rung(tools=TOOLS))

    edit(root / path, "def answer(case):\n    return 'y'\n")

    assert fingerprint(ladder(root), rung(tools=TOOLS)).digest != before.digest


def test_each_file_of_tools_warns_of_its_imports_once(root: Path):
    edit(root / "evals/systems.py", "import helper\n\ndef answer(case):\n    pass\n\ndef other(case):\n    pass\n")
    edit(root / "src/app/main.py", "from src.app import other\n\ndef answer(case):\n    pass\n")
    spec = rung(tools=["systems.py:answer", "systems.py:other", "src.app.main:answer"])

    first, second = fingerprint(ladder(root), spec).warnings

    assert "evals/systems.py imports evals/helper.py: a change there is not noticed" in first
    assert "src/app/main.py imports src/app/__init__.py, src/app/other.py" in second
    assert fingerprint(ladder(root), rung(**spec.options, depends=("evals/helper.py",))).warnings == ()


@pytest.mark.parametrize(
    ("tool", "told"),
    [("none.py:answer", "there is no such file"), ("systems.py:anwer", "Did you mean 'answer'"),
     ("src.app.none:answer", "there is no module 'src.app.none'"), ("../../x.py:answer", "leaves")],
)  # fmt: skip
def test_a_tool_that_is_nowhere_is_told_with_its_key(root: Path, tool: str, told: str):
    with pytest.raises(InvalidFile, match=told) as caught:
        fingerprint(ladder(root), rung(tools=[tool]))
    assert "tools" in str(caught.value)
