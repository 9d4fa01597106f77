"""What a rung, or a judge, cannot be asked with is told at collection: its models, its index and its weights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ladder.backends.hosted_options import check_sent
from tests.extras import needs
from tests.loopback import Loopback
from tests.plugin.bench import MODEL, Bench, case
from tests.plugin.judging import HOSTED, PRICE, asked_judge, judged, with_model

HEAD = """\
schema = 1
name = "support"
evalset = "cases.jsonl"
dev = "dev.jsonl"
model = "models.py:reply"
[metrics.answer]
scorer = "exact_match"
[thresholds]
answer = { all = 0.5 }
[rungs.prompt]
prompt = "answer.md"
"""
FEW = '[rungs.few_shot]\nprompt = "answer.md"\nexamples = "examples.jsonl"\nk = 1\n'
RAG = '[rungs.rag]\nprompt = "grounded.md"\ncorpus = "kb.jsonl"\n'
ADVANCED = '[rungs.advanced_rag]\nprompt = "grounded.md"\ncorpus = "kb.jsonl"\n'
DECOMPOSE = "[rungs.decompose]\n"
OPTIMIZE = '[rungs.optimize]\nprompt = "answer.md"\n'
ROUTER = 'router = "classifier"\nroutes = ["prompt"]\ndefault_route = "prompt"\n'
VERIFIED = 'verify_prompt = "verify.md"\nfallback = "prompt"\n'

UNPRICED = "openai/of-nobody-9"
"""A name of a provider that there is, of a model that there is not."""
LAZY = """\
import sys

import pytest


@pytest.mark.ladder
def test_support(rung):
    rung.check()
    assert "litellm" not in sys.modules
"""


@pytest.fixture
def ladder(bench: Bench) -> Bench:
    """A cheap rung that is right, and the files of dearer ones."""
    bench.make({}, cases=4)
    bench.write("models.py", MODEL)
    bench.write("answer.md", "{{ input }}")
    bench.write("verify.md", "{{ input }} {{ answer }}")
    bench.write("grounded.md", "{{ context }} {{ input }}")
    bench.write("kb.jsonl", '{"id": "k", "text": "a fact"}\n')
    bench.write("examples.jsonl", '{"input": "what is 77", "expected": "answer 77"}\n')
    bench.write("dev.jsonl", "".join(json.dumps(case(number)) + "\n" for number in range(100, 130)))
    bench.write("empty/readme.txt", "the weights are elsewhere")
    return bench


def refused(ladder: Bench, table: str, *flags: str) -> str:
    """What a run tells that ends at collection, before anything is asked."""
    ladder.write("ladder.toml", HEAD + table)
    ran = ladder.run(*flags)
    assert ran.status == 4, ran.text
    assert ladder.asked() == []
    return ran.flat


# --- models of LiteLLM -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def litellm() -> None:
    """LiteLLM, loaded once: an inner run forgets what it was the first to import."""
    needs("litellm", "llm")
    from pytest_ladder.backends.litellm_lm import library

    library()


@pytest.mark.usefixtures("litellm")
@pytest.mark.parametrize(
    ("table", "line"),
    [
        (FEW + f'model = "{UNPRICED}"\n', "16: [rungs.few_shot] model"),
        (FEW + f'{VERIFIED}verifier = "{UNPRICED}"\n', "18: [rungs.few_shot] verifier"),
        (DECOMPOSE + f'{ROUTER}classifier = "{UNPRICED}"\n', "16: [rungs.decompose] classifier"),
        (DECOMPOSE + f'strategy = "plan_and_execute"\nplanner = "{UNPRICED}"\n', "14: [rungs.decompose] planner"),
        (OPTIMIZE + f'demos = 1\nteacher = "{UNPRICED}"\n', "15: [rungs.optimize] teacher"),
        (OPTIMIZE + f'propose = 1\nproposer = "{UNPRICED}"\n', "15: [rungs.optimize] proposer"),
    ],
    ids=["model", "verifier", "classifier", "planner", "teacher", "proposer"],
)
def test_a_model_whose_price_nobody_knows_is_told_with_the_key_that_names_it(ladder: Bench, table: str, line: str):
    told = refused(ladder, table)

    assert f"evals/support/ladder.toml:{line}: model {UNPRICED}: no price is known" in told
    assert f'Declare [prices."{UNPRICED}"] with `input` and `output`' in told


@pytest.mark.usefixtures("litellm")
@pytest.mark.parametrize("name", ["of-nobody-9", "opnai/gpt-4.1-mini", "deepseek-chat"])
def test_a_name_that_no_provider_has_is_told(ladder: Bench, name: str):
    assert f"model {name}: no provider of this name is known" in refused(ladder, FEW + f'model = "{name}"\n')


@pytest.mark.usefixtures("litellm")
def test_a_rung_that_is_not_run_needs_no_price(ladder: Bench):
    ladder.write("ladder.toml", f'{HEAD}{FEW}model = "{UNPRICED}"\n')

    assert ladder.run("--ladder-rung=prompt").status == 0


@pytest.mark.usefixtures("litellm")
def test_a_rung_to_which_one_of_the_run_refers_needs_its_price(ladder: Bench):
    other = f'[rungs.dear]\nkind = "prompt"\nprompt = "answer.md"\nmodel = "{UNPRICED}"\n'
    routed = DECOMPOSE + ROUTER.replace('"prompt"', '"dear"')

    told = refused(ladder, other + routed, "--ladder-rung=decompose")

    assert f"[rungs.dear] model: model {UNPRICED}: no price is known" in told


@pytest.mark.usefixtures("litellm")
def test_a_judge_whose_price_nobody_knows_is_told(bench: Bench):
    ran = with_model(bench, UNPRICED, price=False).run()

    assert ran.status == 4
    assert f"[metrics.quality] options: model {UNPRICED}: no price is known" in ran.flat
    assert bench.asked() == []


@pytest.fixture
def no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing asks for a login, nor prepares one."""
    folder = tmp_path / "tokens"
    with Loopback() as server:
        for name in ("DEVICE_CODE", "ACCESS_TOKEN", "API_KEY"):
            monkeypatch.setenv(f"GITHUB_COPILOT_{name}_URL", f"{server.url}/login")
        for name in ("GITHUB_COPILOT", "CHATGPT"):
            monkeypatch.setenv(f"{name}_TOKEN_DIR", str(folder))
        yield
        assert (server.requests, folder.exists()) == ([], False)


@pytest.mark.usefixtures("litellm", "no_login")
@pytest.mark.parametrize("name", ["github_copilot/of-nobody-9", "github_copilot/gpt-4o", "chatgpt/gpt-5.4"])
def test_a_model_behind_a_login_is_looked_up_in_the_list_alone(ladder: Bench, name: str):
    assert f"model {name}: no price is known" in refused(ladder, f'{FEW}model = "{name}"\n')

    ladder.write("ladder.toml", f'{HEAD}{FEW}model = "{name}"\n{PRICE.format(model=name)}')
    assert ladder.run().status == 0


@pytest.mark.parametrize("name", ["openai/gpt-4.1-mini", "gpt-4.1-mini"])
def test_a_model_of_the_list_that_is_not_needed_imports_no_litellm(ladder: Bench, name: str):
    needs("litellm", "llm")
    ladder.write("ladder.toml", f'{HEAD}{FEW}model = "{name}"\n')
    ladder.write("test_support.py", LAZY)

    ran = ladder.spawn("-v")

    assert ran.returncode == 0, ran.stdout
    assert "[few_shot] NOT NEEDED" in ran.stdout


def test_a_run_that_asks_nothing_of_it_imports_no_litellm_and_needs_no_price(ladder: Bench, monkeypatch):
    needs("litellm", "llm")
    with Loopback() as server:
        options = f'model_options = {{ api_base = "{server.url}", api_key_env = "LOOPBACK_AUTH" }}\n'
        price = PRICE.format(model=UNPRICED)
        ladder.write("ladder.toml", HEAD.replace('"models.py:reply"', f'"{UNPRICED}"\n{options}') + price)
        monkeypatch.setenv("LOOPBACK_AUTH", "a key")
        asked = ladder.spawn()
        assert asked.returncode == 0, asked.stdout
        assert len(server.requests) == 4
    ladder.edit("ladder.toml", price, "")
    ladder.write("test_support.py", LAZY)

    for flags in ([], ["--ladder-record=none"]):
        ran = ladder.spawn(*flags)
        assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("name", [UNPRICED, "github_copilot/of-nobody-9"])
def test_without_litellm_the_rung_names_the_extra_in_its_turn(ladder: Bench, name: str):
    ladder.ini("pythonpath = library")
    (ladder.pytester.path / "library").mkdir()
    (ladder.pytester.path / "library/litellm.py").write_text("raise ImportError('not here')")
    ladder.system("prompt", 0)
    cheap = HEAD.replace('prompt = "answer.md"', 'system = "prompt.py:answer"')
    ladder.write("ladder.toml", f'{cheap}{FEW}model = "{name}"\n')

    ran = ladder.spawn("-v")

    assert ran.returncode == 1
    assert len(ladder.asked("prompt")) == 4
    assert 'pip install "pytest-ladder[llm]"' in " ".join(ran.stdout.split())


def test_a_package_that_cannot_be_loaded_names_the_extra_and_leaves_the_report_whole(ladder: Bench):
    ladder.ini("pythonpath = library")
    (ladder.pytester.path / "library").mkdir()
    (ladder.pytester.path / "library/torch.py").write_text("raise ImportError('libcudart.so is not here')")
    (ladder.pytester.path / "library/transformers.py").write_text("")
    ladder.write("empty/model.safetensors", "1")
    ladder.write("ladder.toml", HEAD.replace('"models.py:reply"', '"local:empty"'))

    ran = ladder.spawn()

    told = " ".join(ran.stdout.split())
    assert ran.returncode == 1
    assert ran.stderr == ""
    assert "the package `torch` cannot be imported (libcudart.so is not here)" in told
    assert 'Install it: `pip install "pytest-ladder[local]"`' in told
    assert "prompt error" in told


# --- other models ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ('model = "local:./nowhere"', "model local:./nowhere: there is no such folder"),
        ('model = "local:empty"', "model local:empty: there are no weights in this folder"),
        ('model = "no.such.module:reply"', "[rungs.few_shot] model: no.such.module cannot be imported"),
        ('model = "json:nothing"', "[rungs.few_shot] model: json has no function 'nothing'"),
        (
            'model = "local:empty"\nmodel_options = { threads = "4" }',
            "model_options: `threads` cannot be used, got '4'; expected a whole number from 1",
        ),
        (
            'model = "local:empty"\nmodel_options = { dtype = "float8" }',
            "model_options: `dtype` cannot be used, got 'float8'; expected float32 | bfloat16 | float16",
        ),
        (
            'model = "openai/gpt-4.1-mini"\nmodel_options = { temprature = 1 }',
            "model openai/gpt-4.1-mini: model_options: unknown option, got 'temprature'. Did you mean `temperature`?",
        ),
        (
            'model = "openai/gpt-4.1-mini"\nmodel_options = { temperature = "hot" }',
            "model openai/gpt-4.1-mini: model_options: `temperature` cannot be used, got 'hot'; expected a number",
        ),
        (
            f'{VERIFIED}verifier = "openai/gpt-4.1-mini"\nverifier_options = {{ max_tokens = 0.5 }}',
            "18: [rungs.few_shot] verifier: model openai/gpt-4.1-mini: model_options: `max_tokens` cannot be used",
        ),
    ],
)  # fmt: skip
def test_a_model_that_cannot_be_asked_is_told(ladder: Bench, keys: str, told: str):
    if "local:" in keys:
        needs("torch", "local")
    assert told in refused(ladder, f"{FEW}{keys}\n")


def test_an_option_that_only_its_provider_knows_goes_along(ladder: Bench):
    needs("litellm", "llm")
    options = "model_options = { min_tokens = 1, top_k = 3, some_new_thing = true }"
    ladder.write("ladder.toml", f'{HEAD}{FEW}model = "openai/gpt-4.1-mini"\n{options}\n')

    assert ladder.run().status == 0


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (FEW + 'output_mode = "prompt"', "16: [rungs.few_shot] output_mode: nothing here uses it. Set `output` too"),
        (RAG + "repair_attempts = 2", "15: [rungs.rag] repair_attempts: nothing here uses it. Set `output` too"),
        (RAG + "k = 2", "15: [rungs.rag] k: nothing here uses it. Set `examples` too"),
        (ADVANCED + 'select = "bm25"', "15: [rungs.advanced_rag] select: nothing here uses it. Set `examples` too"),
    ],
)
def test_a_key_that_nothing_uses_is_told(ladder: Bench, table: str, told: str):
    assert f"evals/support/ladder.toml:{told}" in refused(ladder, f"{table}\n")


def test_a_chain_whose_first_prompt_shows_the_reply_before_it_is_told(ladder: Bench):
    ladder.write("first.md", "user:\n{{ input }}\n{{ previous }}\n")
    ladder.write("second.md", "{{ previous }}")
    table = f'{DECOMPOSE}strategy = "prompt_chain"\nchain = ["first.md", "second.md"]\n'

    told = refused(ladder, table)

    assert "evals/support/first.md:3: the first prompt of the chain shows `{{ previous }}`, and there is no" in told


# --- the options of a judge ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["speed", "min_new_tokens", "n_predict", "keep_alive", "typical"])
def test_an_option_that_some_server_takes_is_no_slip(option: str):
    check_sent({option: 1}, "openai/gpt-4.1-mini")


@pytest.mark.parametrize("model", ["openai/gpt-4.1-mini", "openai_compatible:http://127.0.0.1:9/v1#tiny"])
@pytest.mark.parametrize(("slip", "meant"), [("temprature", "temperature"), ("max_token", "max_tokens")])
def test_a_misspelt_option_of_a_judge_is_told(bench: Bench, model: str, slip: str, meant: str):
    with_model(bench, model, f", model_options = {{ {slip} = 1 }}")

    ran = bench.run()

    assert ran.status == 4
    assert f"model {model}: model_options: unknown option, got '{slip}'. Did you mean `{meant}`?" in ran.flat
    assert "[metrics.quality] options" in ran.flat
    assert bench.asked() == []


def test_replaying_takes_no_well_spelt_option(bench: Bench):
    model = "openai_compatible:http://127.0.0.1:9/v1#tiny"
    judged(bench, {"prompt": 10}, metric="")
    assert bench.run().status == 0
    metric = HOSTED.format(model=model, more=", model_options = { temprature = 1 }")
    bench.edit("ladder.toml", "[thresholds]", f"{metric}[thresholds]")

    assert "unknown option" not in bench.run("--ladder-record=none").flat


# --- the index and the weights ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (RAG + "retriever_options = { k1 = -1 }", "retriever bm25: `k1` cannot be used, got -1; expected a number abo"),
        (RAG + "retriever_options = { bb = 1 }", "retriever bm25: unknown option, got 'bb'; expected b | k1"),
        (
            RAG + 'retriever = "bm25s"\nretriever_options = { method = "okapi" }',
            "evals/support/ladder.toml:15: [rungs.rag] retriever: retriever bm25s: `method` cannot be used, got "
            "'okapi'; expected lucene | robertson | atire | bm25l | bm25+",
        ),
        (
            RAG + 'retriever = "bm25s"\nretriever_options = { b = "x" }',
            "retriever bm25s: `b` cannot be used, got 'x'; expected a number from 0 to 1",
        ),
        (
            RAG + 'retriever = "bm25s"\nretriever_options = { metod = "lucene" }',
            "retriever bm25s: unknown option, got 'metod'; expected b | k1 | method | numba. Did you mean `method`?",
        ),
        (RAG + 'retriever = "bm52"', "there is no retriever of this name, got 'bm52'; expected bm25 | bm25s | dense"),
        (RAG + 'retriever = "dense"', "retriever dense: no `embedder` is named"),
        (
            RAG + 'retriever = "dense"\nretriever_options = { embedder = "local:nowhere" }',
            "[rungs.rag] retriever: embedder local:nowhere: there is no such folder, got 'local:nowhere'; expected a "
            "folder with a model's weights, `*.safetensors` or `*.bin`",
        ),
        (
            RAG + 'retriever = "dense"\nretriever_options = { embedder = "local:empty" }',
            "embedder local:empty: there are no weights in this folder",
        ),
        (
            ADVANCED + 'retriever = "hybrid"\nembedder = "local:empty"\nretriever_options = { rrf_k = 0 }',
            "retriever hybrid: `rrf_k` cannot be used, got 0",
        ),
        (
            ADVANCED + 'reranker = "local:nowhere"',
            "[rungs.advanced_rag] reranker: reranker local:nowhere: there is no such folder",
        ),
        (ADVANCED + 'reranker = "local:empty"', "reranker local:empty: there are no weights in this folder"),
        (
            ADVANCED + 'reranker = "local:empty"\nreranker_options = { batchsize = 2 }',
            "unknown option, got 'batchsize'; expected batch_size | device. Did you mean `batch_size`?",
        ),
    ],
)  # fmt: skip
def test_an_index_or_a_reranker_that_cannot_be_made_is_told(ladder: Bench, table: str, told: str):
    assert told in refused(ladder, f"{table}\n")


@pytest.fixture
def recorded(ladder: Bench) -> Bench:
    """A rung of its own reranker, whose answers are on record and whose weights are not here any more."""
    ladder.write("tools.py", 'def look(key: str) -> str:\n    """Look a key up."""\n    return key\n')
    ladder.write("weights/model.safetensors", "1")
    agent = 'strategy = "tool_agent"\nprompt = "answer.md"\ntools = ["tools.py:look"]\n'
    table = DECOMPOSE + agent + 'corpus = "kb.jsonl"\nreranker = "local:weights"\n'
    ladder.write("ladder.toml", HEAD + table)
    ran = ladder.run("--ladder-climb=all")
    assert ran.status == 0, ran.text
    (ladder.folder / "weights/model.safetensors").unlink()
    ladder.asked()
    return ladder


def test_answers_on_record_need_no_weights(recorded: Bench):
    ran = recorded.run("--ladder-climb=all")

    assert ran.status == 0, ran.text
    assert recorded.asked() == []


def test_answers_that_are_to_be_asked_again_need_the_weights(recorded: Bench):
    ran = recorded.run("--ladder-climb=all", "--ladder-record=all")

    assert ran.status == 4
    assert "reranker local:weights: there are no weights in this folder" in ran.flat
    assert recorded.asked() == []


# --- a budget that ends ----------------------------------------------------------------------------------------------


def test_a_budget_that_ends_while_answers_are_asked_is_told_first(ladder: Bench):
    judged(ladder, {"prompt": 10}, head='model = "models.py:reply"')
    ladder.write("prompt.py", "def answer(case, llm):\n    return llm.chat(case.input).text\n")

    ran = ladder.run("--ladder-max-calls=6", "--ladder-concurrency=1", "--ladder-report=ladder.md")

    told = (
        "rung prompt: the budget ended while answers were asked: 6 answers were given in this run, 6 of 10 are on "
        "record; not asked: c6, c7, c8, c9. budget: 6 model calls are made. Run again to go on from what is recorded, "
        "or raise `--ladder-max-calls`. 6 answers have no verdict yet of the judge of quality. To go on: `pytest "
        "--ladder --ladder-record=new`"
    )
    assert ran.status == 1
    assert told in ran.flat
    assert told in ladder.pytester.path.joinpath("ladder.md").read_text(encoding="utf-8").replace("\\", "")
    ladder.asked()
    assert ladder.run("--ladder-record=new").status == 0
    assert len(asked_judge(ladder)) == 10


def test_what_else_went_wrong_is_told_after_the_budget(ladder: Bench):
    ladder.make({"prompt": 10}, head='model = "models.py:reply"')
    ladder.write(
        "prompt.py",
        "def answer(case, llm):\n    if case.id == 'c1':\n        raise ValueError('no luck')\n"
        "    return llm.chat(case.input).text\n",
    )

    ran = ladder.run("--ladder-max-calls=3", "--ladder-concurrency=1")

    assert "3 answers were given in this run, 3 of 10 are on record; not asked: c4, c5, c6, c7, c8, ..." in ran.flat
    assert ran.flat.index("the budget ended") < ran.flat.index("ValueError: no luck")
