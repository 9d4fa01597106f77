"""ladder.toml: what is accepted, and how each fault is named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

from pytest_ladder.core.prices import Price
from pytest_ladder.core.rungs import REQUIRED, Kind
from pytest_ladder.core.scores import MetricSpec
from pytest_ladder.errors import InvalidFile
from pytest_ladder.store.schema_rungs import RUNG_TABLES
from pytest_ladder.store.spec import ladder_json_schema, read_ladder

LEAST = """\
schema = 1
name = "support"
evalset = "cases.jsonl"
model = "models.py:answer"
model_options = { temperature = 0.0, max_tokens = 64 }
[metrics.answer]
scorer = "exact_match"
[thresholds]
answer = { all = 0.9 }
[rungs.prompt]
prompt = "prompts/answer.md"
"""

WHOLE = """\
schema = 1
name = "support"
task = "Answer."
evalset = "cases.jsonl"
dev = "dev.jsonl"
holdout = "holdout.jsonl"
model = "openai/gpt-4.1-mini"
model_options = { temperature = 0.0 }
repeats = 2
seed = 17

[profile]
knowledge_changes = "weekly"
query_volume = 100000
training_examples = 0
narrow = true
stable = true
allowed_evidence = ["kb.jsonl"]
abstention_rule = "say that you do not know"
disallowed = []

[metrics.answer]
scorer = "exact_match"
[metrics.note]
scorer = "json_schema"
options = { schema = "note.schema.json" }

[thresholds]
answer = { all = 0.90, "policy-edge" = 0.80 }
note = { all = 1 }

[limits]
cost_per_case = 0.01
latency_p95 = 2

[decision]
rule = "confident"
confidence = 0.9
min_effect = 0.02
max_error_rate = 0.1
stop = "certain"
undecided = "allow"
de_escalate = "fail"
confirm = "holdout"

[budget]
cost_usd = 1
[recordings]
store = "local"
[privacy]
show = "ids"
redact = ["redact.py:names"]

[gate]
required = ["prompt", "rag"]
min_form_share = 0
max_age_days = 30
policy_change = "fail"
[gate.effort]
prompt = 3
[gate.exempt]
rag = "the task needs no facts"

[rungs.fine_tune]
method = "lora"
train = "train.jsonl"
base = "local:models/base"
regression = "base-suite.jsonl"
out_of_distribution = "ood.jsonl"
[rungs.decompose]
strategy = "query_decomposition"
system = "app.systems:decompose"
depends = ["src/app/*.py"]
[rungs.advanced_rag]
retriever = "hybrid"
embedder = "e"
reranker = "r"
query_rewrite = true
contextual = true
agentic = false
[rungs.rag_v2]
kind = "rag"
prompt = "prompts/grounded.md"
corpus = "kb.jsonl"
retriever = "bm25"
retriever_options = { k1 = 1.2 }
top_k = 4
chunk_size = 500
chunk_overlap = 50
[rungs.rag]
model = "local:tiny"
model_options = { temperature = 1, since = 2026-01-31 }
[rungs.optimize]
select = "bm25"
[rungs.few_shot]
prompt = "prompts/answer.md"
examples = "examples.jsonl"
k = 4
[rungs.prompt]
prompt = "prompts/answer.md"
"""


def read(tmp_path: Path, text: str):
    path = tmp_path / "evals/ladder.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_ladder(path, tmp_path)


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(InvalidFile) as caught:
        read(tmp_path, text)
    return str(caught.value).splitlines()


def test_the_least_ladder_has_the_defaults_of_the_contract(tmp_path: Path):
    found = read(tmp_path, LEAST)

    assert (found.repeats, found.seed, found.budget_usd, found.store, found.show) == (1, 0, 5.0, "commit", "text")
    assert found.gate.required == REQUIRED
    assert found.gate.effort == {Kind.PROMPT: 2}
    assert (found.decision.rule, found.decision.confidence, found.decision.undecided) == ("point", 0.95, "refuse")
    assert (found.limits.cost_per_case, found.limits.latency_p95) == (None, None)
    assert found.folder == tmp_path / "evals"


def test_every_key_of_the_contract_is_read(tmp_path: Path):
    found = read(tmp_path, WHOLE)

    assert (found.dev, found.holdout, found.repeats, found.seed) == ("dev.jsonl", "holdout.jsonl", 2, 17)
    assert found.metrics[1] == MetricSpec("note", "json_schema", {"schema": "note.schema.json"})
    assert found.thresholds == {"answer": {"all": 0.9, "policy-edge": 0.8}, "note": {"all": 1.0}}
    assert (found.limits.cost_per_case, found.limits.latency_p95) == (0.01, 2.0)
    assert (found.decision.stop, found.decision.confirm, found.decision.de_escalate) == ("certain", "holdout", "fail")
    assert found.gate.exempt == {"rag": "the task needs no facts"}
    assert (found.gate.effort_of(Kind.PROMPT), found.gate.effort_of(Kind.RAG)) == (3, 1)
    assert (found.store, found.show, found.redact) == ("local", "ids", ("redact.py:names",))
    assert found.profile["knowledge_changes"] == "weekly"


def test_rungs_go_by_kind_and_then_as_written(tmp_path: Path):
    assert [rung.id for rung in read(tmp_path, WHOLE).rungs] == [
        "prompt", "few_shot", "optimize", "rag_v2", "rag", "advanced_rag", "decompose", "fine_tune"
    ]  # fmt: skip


def test_a_rung_takes_over_the_ladder_s_model_and_overlays_its_options(tmp_path: Path):
    found = read(tmp_path, WHOLE)

    assert found.rung("prompt").model == "openai/gpt-4.1-mini"
    assert found.rung("rag").model == "local:tiny"
    assert found.rung("rag").model_options == {"temperature": 1, "since": "2026-01-31"}
    assert found.rung("prompt").model_options == {"temperature": 0.0}


def test_a_rung_keeps_its_table_as_written_and_its_own_keys_apart(tmp_path: Path):
    rung = read(tmp_path, WHOLE).rung("decompose")

    assert rung.table == tomllib.loads(WHOLE)["rungs"]["decompose"]
    assert rung.options == {"strategy": "query_decomposition"}
    assert (rung.system, rung.depends) == ("app.systems:decompose", ("src/app/*.py",))


ONE_FAULT = [
    ("schema = 1\n", "", 1, "schema: the key is missing"),
    ("schema = 1", "schema = 2", 1, "schema: wrong value, got 2; expected 1"),
    ('name = "support"', 'name = "../x"', 2, "name: not a plain name"),
    ('name = "support"', 'nam = "support"', 2, "nam: unknown key, got 'nam'.*Did you mean 'name'"),
    ('evalset = "cases.jsonl"', "evalset = 1", 3, "evalset: wrong value, got 1; expected string"),
    ('evalset = "cases.jsonl"', 'evalset = "../../x.jsonl"', 3, "evalset: the path leaves the rootdir"),
    ('evalset = "cases.jsonl"', 'evalset = "/x.jsonl"', 3, "evalset: the path is absolute"),
    ('scorer = "exact_match"', "", 6, r"\[metrics.answer\] scorer: the key is missing"),
    ('scorer = "exact_match"', 'scorer = "x"\nopts = {}', 8, r"\[metrics.answer\] opts: unknown key.*'options'"),
    ("answer = { all = 0.9 }", "answr = { all = 0.9 }", 9, "metric that does not exist, got 'answr'.*'answer'"),
    ("answer = { all = 0.9 }", "answer = { all = 1.5 }", 9, r"\[thresholds\] answer.all: .* got 1.5.*less than or"),
    ("answer = { all = 0.9 }", "answer.all = nan", 9, r"\[thresholds\] answer.all: nan is not a number"),
    ("answer = { all = 0.9 }", 'answer = { all = "0.9" }', 9, "got '0.9'"),
    ("answer = { all = 0.9 }", "answer = { all = true }", 9, "got True"),
    ("answer = { all = 0.9 }", "answer = {}", 8, r"\[thresholds\]: no threshold"),
    ("[rungs.prompt]", "[rungs.promt]", 10, "the id is no kind.*got 'promt'.*fine_tune. Did you mean 'prompt'"),
    ("[rungs.prompt]", '[rungs."a/b"]\nkind = "prompt"', 10, "the id is not a plain name, got 'a/b'"),
    ("[rungs.prompt]", '[rungs.".."]\nkind = "prompt"', 10, "the id is not a plain name"),
    ("[rungs.prompt]", '[rungs.v2]\nkind = "promt"', 11, r"\[rungs.v2\] kind: unknown kind, got 'promt'"),
    ("[rungs.prompt]", "[rungs.prompt]\ntop_k = 4", 11, r"\[rungs.prompt\] top_k: unknown key"),
    ("[rungs.prompt]", "[rungs.prompt]\nk = 0", 11, r"\[rungs.prompt\] k: .* got 0.*greater than or equal to 1"),
    ("[rungs.prompt]", '[rungs.prompt]\nselect = "last"', 11, "'first' or 'bm25'"),
    ("[rungs.prompt]", '[rungs.prompt]\nsystem = "systems.py"', 11, "not a reference to a function"),
    ("[rungs.prompt]", "[rungs.prompt]\ndepends = 'x'", 11, r"depends: .*expected list"),
    ('prompt = "prompts/answer.md"', 'prompt = "/etc/hosts"', 11, r"\[rungs.prompt\] prompt: the path is absolute"),
    ("[thresholds]", "[decision]\nconfidence = 0.5\n[thresholds]", 9, "confidence: .*greater than 0.5"),
    ("[thresholds]", "[decision]\nrule = 'sure'\n[thresholds]", 9, "rule: .*'point' or 'confident'"),
    ("[thresholds]", "[decision]\nconfirm = 'holdout'\n[thresholds]", 9, "there is no hold-out set"),
    ("[thresholds]", "[limits]\nlatency_p95 = -1\n[thresholds]", 9, "latency_p95: .*greater than or equal to 0"),
    ("[thresholds]", "[limits]\nlatency_p99 = 1\n[thresholds]", 9, "Did you mean 'latency_p95'"),
    ("[thresholds]", "[gate]\nmax_age_days = 0\n[thresholds]", 9, "max_age_days"),
    ("[thresholds]", "[gate]\nrequired = ['ragg']\n[thresholds]", 9, r"\[gate\] required\[0\]: unknown name.*'rag'"),
    ("[thresholds]", "[gate]\nrequired = ['fine_tune']\n[thresholds]", 9, "cannot be required"),
    ("[thresholds]", "[gate.effort]\nragg = 1\n[thresholds]", 9, r"\[gate.effort\] ragg: unknown name.*'rag'"),
    ("[thresholds]", "[gate.exempt]\nrag = ' '\n[thresholds]", 9, r"\[gate.exempt\] rag: the text is empty"),
    ("[thresholds]", "[recordings]\nstore = 's3://b'\n[thresholds]", 9, "not supported in this version"),
    ("[thresholds]", "[recordings]\nstore = 'git'\n[thresholds]", 9, "expected commit or local"),
    ("[thresholds]", "[budget]\ncost_usd = -1\n[thresholds]", 9, "cost_usd"),
    ("[thresholds]", "[profile]\nknowledge_changes = 'often'\n[thresholds]", 9, "'never', 'yearly'"),
    ("[thresholds]", "[profil]\n[thresholds]", 8, "unknown key, got 'profil'.*Did you mean 'profile'"),
    ("[thresholds]", "[prizes]\n[thresholds]", 8, "unknown key, got 'prizes'.*Did you mean 'prices'"),
    ("max_tokens = 64", "max_tokens = 9007199254740993", 5, r"beyond 2\*\*53"),
    ("[thresholds]", "[prices.m]\ninput = -1\noutput = 1\n[thresholds]", 9, "input"),
    ("[thresholds]", "[prices.m]\ninput = 1\n[thresholds]", 8, "the key is missing"),
    ("max_tokens = 64", "top_p = inf", 5, "inf is not a number that can be used"),
]


@pytest.mark.parametrize(("old", "new", "line", "fault"), ONE_FAULT)
def test_a_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, line: int, fault: str):
    assert old in LEAST

    found = faults(tmp_path, LEAST.replace(old, new))

    assert any(one.startswith(f"evals/ladder.toml:{line}: ") for one in found)
    with pytest.raises(InvalidFile, match=fault):
        read(tmp_path, LEAST.replace(old, new))


def test_all_faults_are_told_at_once_in_the_order_of_their_lines(tmp_path: Path):
    text = WHOLE.replace("seed =", "sed =").replace('rule = "conf', 'rule = "con').replace("top_k = 4", 'top_k = "4"')

    found = faults(tmp_path, text)

    assert [one.split(": ")[1] for one in found] == ["sed", "[decision] rule", "[rungs.rag_v2] top_k"]


PRICE = '[prices."{}"]\ninput = 0.4\noutput = 1.6\n'


def test_prices_are_by_the_models_name(tmp_path: Path):
    text = LEAST.replace("models.py:answer", "openai/gpt-4.1-mini") + PRICE.format("openai/gpt-4.1-mini")

    assert read(tmp_path, text).prices == {"openai/gpt-4.1-mini": Price(0.4, 1.6)}


@pytest.mark.parametrize(
    ("model", "name", "fault"),
    [
        ("openai/gpt-4.1-mini", "openai/gpt-4.1", "no rung asks.*Did you mean 'openai/gpt-4.1-mini'"),
        ("models.py:answer", "models.py:answer", "a function says itself what it cost"),
        ("local:model", "local:model", "a local model costs nothing"),
    ],
)
def test_a_price_that_would_change_nothing_is_a_fault(tmp_path: Path, model: str, name: str, fault: str):
    (told,) = faults(tmp_path, LEAST.replace("models.py:answer", model) + PRICE.format(name))

    assert re.search(rf"^evals/ladder\.toml:12: .*{fault}", told)


def test_no_rungs_is_a_fault(tmp_path: Path):
    text = LEAST.split("[rungs.prompt]")[0]

    assert "rungs: the key is missing" in faults(tmp_path, text)[0]
    assert "rungs: no rungs" in faults(tmp_path, text.replace("[metrics.", "rungs = {}\n[metrics."))[0]


@pytest.mark.parametrize(
    ("text", "place", "fault"),
    [
        ("schema = 1\nname = \n", "2", "not TOML at column 8"),
        ("schema = 1\nname = 'a", "2", "not TOML at column|not TOML at the end"),
        ('a = """\n\n', "1|2|3", "not TOML"),
        ("a = 1\na = 2\n", "2", "not TOML"),
        ("<<<<<<< HEAD\nschema = 1\n", "1", "a conflict marker of git"),
    ],
)
def test_what_is_not_toml_is_named_by_line_and_column(tmp_path: Path, text: str, place: str, fault: str):
    with pytest.raises(InvalidFile, match=rf"^evals/ladder\.toml:({place}): ({fault})"):
        read(tmp_path, text)


def test_a_key_without_a_line_of_its_own_falls_back_to_its_table(tmp_path: Path):
    text = LEAST.replace("[rungs.prompt]\nprompt =", "[rungs]\nprompt.k = 0\nprompt.prompt =")
    inline = LEAST.replace('[rungs.prompt]\nprompt = "prompts/answer.md"', "[rungs]\nprompt = { k = 0 }")

    assert faults(tmp_path, text)[0].startswith("evals/ladder.toml:11: [rungs] prompt.k: ")
    assert faults(tmp_path, inline)[0].startswith("evals/ladder.toml:11: [rungs] prompt.k: ")


def test_texts_that_look_like_tables_mislead_no_one(tmp_path: Path):
    text = LEAST.replace("[metrics", 'task = """\n[rungs.prompt]\nk = 0\n"""\n[metrics') + "k = 0\n"

    assert faults(tmp_path, text)[0].startswith("evals/ladder.toml:16: [rungs.prompt] k: ")


def test_every_kind_has_its_table():
    assert list(RUNG_TABLES) == [str(kind) for kind in Kind]


def test_a_rung_with_a_system_may_carry_the_keys_of_its_kind(tmp_path: Path):
    text = LEAST + '[rungs.rag]\nsystem = "systems.py:rag"\ncorpus = "kb.jsonl"\ntop_k = 4\n'

    assert read(tmp_path, text).rung("rag").options == {"corpus": "kb.jsonl", "top_k": 4}


@pytest.mark.parametrize("text", [LEAST, WHOLE.replace(", since = 2026-01-31", "")])
def test_the_json_schema_takes_what_the_reader_takes(text: str):
    schema = ladder_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.Draft202012Validator(schema).validate(tomllib.loads(text))


SEEN_BY_READER_ONLY = (
    "does not exist",
    "no threshold",
    "hold-out",
    "leaves the",
    "absolute",
    "beyond",
    "is not a number",
)
SEEN_BY_READER_ONLY += ("not a reference", "the text is empty", "cannot be required")


SEEN_BY_BOTH = [one for one in ONE_FAULT if not any(part in one[3] for part in SEEN_BY_READER_ONLY)]


@pytest.mark.parametrize(("old", "new", "line", "fault"), SEEN_BY_BOTH)
def test_the_json_schema_refuses_what_the_reader_refuses(old: str, new: str, line: int, fault: str):
    validator = jsonschema.Draft202012Validator(ladder_json_schema())

    assert not validator.is_valid(tomllib.loads(LEAST.replace(old, new)))


def test_the_json_schema_describes_every_key():
    schema = ladder_json_schema()
    tables = {"": schema, **schema["$defs"]}
    properties = {
        f"{table}.{key}": item
        for table, parts in tables.items()
        if table != "rung"
        for key, item in parts["properties"].items()
    }

    assert len(properties) > 100
    assert [key for key, item in properties.items() if not {"description", "$ref"} & set(item)] == []


def test_the_json_schema_completes_the_keys_of_each_kind():
    definitions = ladder_json_schema()["$defs"]

    for kind, table in RUNG_TABLES.items():
        assert set(definitions[f"rung_{kind}"]["properties"]) == set(table.keys())
