"""What a rung may cost, told before it is asked: the fewest and the most calls of its table, at their prices."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from tests.extras import needs
from tests.loopback import OK, Act, Loopback, Seen, saying
from tests.plugin.bench import Bench

needs("aiohttp", "http", module=True)

import aiohttp  # noqa: E402, F401  loaded here, once: an inner run forgets what it was the first to import

CASES = 4
PRICE = 1000
"""USD per million tokens, of questions and of answers."""
MOST_TOKENS = 8
USED = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
"""What the server says that a call used."""
CORPUS = [{"id": "kb-1", "text": "x" * 40}, {"id": "kb-2", "text": "y" * 80}]
ANSWER = "user:\nANSWER {{ input }}\n"
FILES = {
    "answer.md": ANSWER,
    "first.md": "FIRST {{ input }}",
    "second.md": "SECOND {{ input }} {{ previous }}",
    "verify.md": "VERIFY {{ input }} {{ answer }}",
    "route.md": "ROUTE {{ input }}",
    "plan.md": "PLAN {{ input }}",
    "step.md": "STEP {{ input }} {{ step }}",
    "merge.md": "MERGE {{ input }} {{ results }}",
    "rewrite.md": "REWRITE {{ input }}",
    "line.md": "LINE {{ chunk }}",
    "grounded.md": "ANSWER {{ input }} FROM {{ context }}",
    "schema.json": '{"type": "object"}',
    "tools.py": 'def told(told: str) -> str:\n    """Tell."""\n    return "nothing"\n',
}


@dataclass(frozen=True)
class Declared:
    """A rung's table, and what an answer of it takes."""

    table: str
    least: int
    most: int
    short: Mapping[str, str]
    """First word of a prompt -> the reply with which the fewest calls are made."""
    long: Mapping[str, str]
    """The same for the most; a word that is not there gets a tool call where tools are offered."""


PLAIN = dict.fromkeys(("ANSWER", "FIRST", "SECOND", "STEP", "MERGE", "REWRITE", "LINE"), "answer 1")
CHAIN = 'kind = "decompose"\nstrategy = "prompt_chain"\nchain = ["first.md", "second.md"]\n'
PLANNED = 'kind = "decompose"\nmax_steps = 3\nplan_prompt = "plan.md"\n'
TABLES = {
    "prompt_chain": Declared(CHAIN, 2, 2, PLAIN, PLAIN),
    "output": Declared(
        'kind = "prompt"\nprompt = "answer.md"\noutput = "schema.json"\noutput_mode = "prompt"\nrepair_attempts = 2\n',
        1, 3, {"ANSWER": "{}"}, {"ANSWER": "no", "This": "no"},
    ),
    "samples": Declared(
        'kind = "prompt"\nprompt = "answer.md"\nsamples = 3\nmodel_options = { temperature = 1.0 }\n',
        3, 3, PLAIN, PLAIN,
    ),
    "verified": Declared(
        'kind = "prompt"\nprompt = "answer.md"\nverify_prompt = "verify.md"\nretries = 2\nfallback = "plain"\n'
        "model_options = { temperature = 1.0 }\n",
        2, 8, {"ANSWER": "answer 1", "VERIFY": "yes"}, {"VERIFY": "no"},
    ),
    "query_decomposition": Declared(
        f'{PLANNED}strategy = "query_decomposition"\nprompt = "grounded.md"\nmerge_prompt = "merge.md"\n'
        'corpus = "kb.jsonl"\nquery_rewrite = true\nrewrite_prompt = "rewrite.md"\n',
        3, 8, PLAIN | {"PLAN": "What?"}, PLAIN | {"PLAN": "What?\nWho?\nWhere?\nWhen?"},
    ),
    "plan_and_execute": Declared(
        f'{PLANNED}strategy = "plan_and_execute"\nstep_prompt = "step.md"\nanswer_prompt = "merge.md"\n',
        3, 5, PLAIN | {"PLAN": "1. Look."}, PLAIN | {"PLAN": "1. Look.\n2. Ask.\n3. Think.\n4. Wait."},
    ),
    "tool_agent": Declared(
        'kind = "decompose"\nstrategy = "tool_agent"\nprompt = "answer.md"\ntools = ["tools.py:told"]\nmax_steps = 2\n',
        1, 3, PLAIN, {},
    ),
    "agentic": Declared(
        'kind = "advanced_rag"\nprompt = "grounded.md"\ncorpus = "kb.jsonl"\nagentic = true\nmax_steps = 2\n',
        2, 3, PLAIN | {"You": "DONE"}, PLAIN | {"You": "SEARCH"},
    ),
    "router": Declared(
        'kind = "decompose"\nrouter = "classifier"\nroutes = ["plain", "chained"]\ndefault_route = "plain"\n'
        'router_prompt = "route.md"\n',
        2, 3, PLAIN | {"ROUTE": "plain"}, PLAIN | {"ROUTE": "chained"},
    ),
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as made:
        yield made


def scripted(server: Loopback, replies: Mapping[str, str]) -> None:
    """Let the server reply by the first word of all that is sent; what is asked of one case is asked of no other."""

    def act(seen: Seen) -> Act:
        words = {str(part["content"] or "").split(" ")[0] for part in seen.body["messages"]}
        said = next((reply for word, reply in replies.items() if word in words), None)
        if said is None and not seen.body.get("tools"):
            said = f"draw {seen.number}"
        if said is None:
            return OK
        if said == "SEARCH":
            said += f": words {seen.number}"
        question = re.search("question [0-9]+", str(seen.body["messages"]))
        return saying(said.replace("?", f" of {question[0]}?") if question else said, usage=USED)

    server.script = act


def hosted(bench: Bench, server: Loopback, table: str, *, tables: str = "", budget: int = 1000) -> Bench:
    """A ladder with the rung `asked`, and two that it may refer to."""
    bench.make(
        {}, cases=CASES, tables=f'[prices."{server.model}"]\ninput = {PRICE}\noutput = {PRICE}\n{tables}',
        head=f'model = "{server.model}"\nmodel_options = {{ max_tokens = {MOST_TOKENS} }}\nbudget.cost_usd = {budget}',
    )  # fmt: skip
    others = f'[rungs.plain]\nkind = "prompt"\nprompt = "answer.md"\n[rungs.chained]\n{CHAIN}'
    bench.write("ladder.toml", f"{bench.toml.read_text(encoding='utf-8')}{others}[rungs.asked]\n{table}")
    for name, text in FILES.items():
        bench.write(name, text)
    bench.write("kb.jsonl", "".join(json.dumps(line) + "\n" for line in CORPUS))
    return bench


def told(bench: Bench, rung: str = "asked", *args: str) -> str:
    """What is said before a rung is asked."""
    ran = bench.run(f"--ladder-rung={rung}", *args)
    found = [line for line in ran.lines if line.startswith(f"support {rung}: ") and " to ask" in line]
    assert len(found) == 1, ran.text
    return found[0]


def call(*texts: str, price: int = PRICE) -> float:
    """USD of one call that shows these texts and the question, and is answered at length."""
    return (sum(map(len, texts)) / 4 + len("question 0") / 4 + MOST_TOKENS) * price / 1e6


@pytest.mark.parametrize("extreme", ["short", "long"])
@pytest.mark.parametrize("name", TABLES)
def test_as_many_calls_are_made_as_were_told_at_least_or_at_most(
    bench: Bench, server: Loopback, name: str, extreme: str
):
    declared = TABLES[name]
    scripted(server, getattr(declared, extreme))

    line = told(hosted(bench, server, declared.table))

    least, most = CASES * declared.least, CASES * declared.most
    calls = f"{least}" if least == most else f"{least} to {most}"
    assert line.startswith(f"support asked: {CASES} answers to ask, {calls} calls, about "), line
    bound = "" if least == most else "; the most is what its limits allow, not what is usual"
    assert f" USD by the length of its prompts and `max_tokens`{bound}; 1000.00 USD of the budget are left" in line
    made = len(server.requests)
    assert made == (least if extreme == "short" else most)


def test_each_model_is_priced_by_its_own_price_and_each_prompt_by_what_it_shows(bench: Bench, server: Loopback):
    scripted(server, TABLES["plan_and_execute"].short)
    strong = server.model.replace("#tiny", "#strong")
    table = (
        f'{TABLES["plan_and_execute"].table}planner = "{strong}"\nplanner_options = {{ max_tokens = {MOST_TOKENS} }}\n'
    )
    prices = f'[prices."{strong}"]\ninput = 9000\noutput = 9000\n'

    line = told(hosted(bench, server, table, tables=prices))

    plan, step, merge = (FILES[name] for name in ("plan.md", "step.md", "merge.md"))
    replied = "x" * 4 * MOST_TOKENS
    least = call(plan, price=9000) + call(step) + call(merge)
    most = call(plan, price=9000) + 3 * call(step, 2 * replied) + call(merge, 3 * replied)
    assert f"12 to 20 calls, about {usd(CASES * least)} to {usd(CASES * most)} USD by " in line


def test_a_router_costs_between_the_cheapest_and_the_dearest_of_its_routes(bench: Bench, server: Loopback):
    scripted(server, PLAIN)
    table = 'kind = "decompose"\nescalation = "A person will."\nrouter = [{ matches = "1", to = "escalate" }, '
    line = told(hosted(bench, server, table + '{ matches = "2", to = "plain" }, { to = "chained" }]\n'))

    dearest = call(FILES["first.md"]) + call(FILES["second.md"], "x" * 4 * MOST_TOKENS)
    assert f"0 to 8 calls, about 0.00 to {usd(CASES * dearest)} USD by the length of its prompts" in line
    assert len(server.requests) == 1 + 2 * 2


WORDY = 'def told(told: str) -> str:\n    """Tell."""\n    return "z" * 9000\n'
AGENT = TABLES["tool_agent"].table
BETWEEN = re.compile(r"about ([0-9.]+) to ([0-9.]+) USD by ")


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ("max_tool_calls = 1\n", 2),
        ("tool_rules = { told = { at_most = 1 } }\n", 2),
        ('tool_mode = "text"\n', 3),
        ("max_tool_calls = 2\n", 4),
    ],
)
def test_the_most_of_an_agent_is_what_its_bounds_allow_and_no_request_shows_what_comes_later(
    bench: Bench, server: Loopback, keys: str, shown: int
):
    line = told(hosted(bench, server, AGENT + keys))

    least, most = map(float, BETWEEN.search(line).groups())  # type: ignore[union-attr]
    results = CASES * shown * 8000 / 4 * PRICE / 1e6
    assert CASES * call(ANSWER) < least < 1.5
    assert results < most < results + 8


@pytest.mark.parametrize(
    ("keys", "results"),
    [
        ("", 8000 + 15 * 2 * len("[kb-2]\n\n\n" + "y" * 80)),
        ("contextual = true\n", 16 * 8000),
    ],
)
def test_a_search_of_an_agent_gives_no_more_than_the_corpus_has(
    bench: Bench, server: Loopback, keys: str, results: int
):
    table = f'{AGENT}corpus = "kb.jsonl"\ntop_k = 2\ntool_rules = {{ told = {{ at_most = 1 }} }}\n{keys}'

    line = told(hosted(bench, server, table))

    _, most = map(float, BETWEEN.search(line).groups())  # type: ignore[union-attr]
    bound = CASES * 2 * results / 4 * PRICE / 1e6
    assert bound < most < bound + 12


def test_an_agent_that_asks_for_as_much_as_it_may_keeps_within_what_was_told(bench: Bench, server: Loopback):
    bench = hosted(bench, server, f"{AGENT}max_tool_calls = 1\n")
    bench.write("tools.py", WORDY)

    line = told(bench)

    assert len(server.requests) == 3 * CASES
    sent = sum(len(json.dumps(seen.body)) for seen in server.requests)
    most = float(BETWEEN.search(line)[2])  # type: ignore[index]
    asked = (sent / 4 + 3 * CASES * MOST_TOKENS) * PRICE / 1e6
    assert asked < most < 1.2 * asked


def test_the_cost_that_an_agent_may_reach_bounds_what_is_told(bench: Bench, server: Loopback):
    scripted(server, PLAIN)

    whole = told(hosted(bench, server, AGENT))
    capped = told(hosted(bench, server, f"{AGENT}max_cost = 0.05\n"), "asked", "--ladder-record=all")

    results = CASES * 2 * 16 * 8000 / 4 * PRICE / 1e6
    most = float(BETWEEN.search(whole)[2])  # type: ignore[index]
    assert results < most < results + 8
    assert (found := re.search(r"1 call an answer; at most 12 calls, about ([0-9.]+) USD", capped))
    assert most < float(found[1]) + 8


def usd(amount: float) -> str:
    """An amount of at least 0.01 USD as it is told."""
    return f"{amount:.2f}" if amount >= 0.995 else f"{amount:.2g}"


def test_the_lines_of_an_index_are_told_until_they_are_on_record(bench: Bench, server: Loopback):
    scripted(server, PLAIN)
    table = 'kind = "advanced_rag"\nprompt = "grounded.md"\ncorpus = "kb.jsonl"\ncontextual = true\n'
    table += 'context_prompt = "line.md"\n'

    line = told(hosted(bench, server, table))

    shown = sum(len(one["text"]) for one in CORPUS)
    answers = CASES * call(FILES["grounded.md"], "x" * shown)
    lines = (2 * len("LINE ") + shown) / 4 * PRICE / 1e6 + 2 * MOST_TOKENS * PRICE / 1e6
    assert line.startswith(
        f"support asked: 4 answers to ask and 2 lines of its index, about {usd(answers + lines)} USD by "
    )
    assert len(server.requests) == CASES + 2
    bench.write("kb.jsonl", (bench.folder / "kb.jsonl").read_text(encoding="utf-8") + '{"id": "kb-3", "text": "zz"}\n')
    assert "4 answers to ask and 1 line of its index, about " in told(bench)
    bench.write("grounded.md", "ANSWER {{ input }} NOW FROM {{ context }}")
    assert told(bench).startswith("support asked: 4 answers to ask, about ")


def test_what_the_last_version_used_goes_before_the_bound_and_both_are_told(bench: Bench, server: Loopback):
    declared = TABLES["plan_and_execute"]
    scripted(server, declared.short)
    told(hosted(bench, server, declared.table))
    used = bench.log[0]["usage"]
    bench.write("step.md", "STEP {{ input }} and {{ step }}")

    line = told(bench)

    assert used["calls"] == CASES * 3
    assert (
        f"4 answers to ask, about {usd(used['cost_usd'])} USD by what its last version used, 3 calls an answer; "
        in line
    )
    assert "; at most 20 calls, about " in line


def test_what_an_earlier_version_used_does_not_count_where_the_table_allows_it_no_more(bench: Bench, server: Loopback):
    scripted(server, PLAIN)
    told(hosted(bench, server, 'kind = "prompt"\nprompt = "answer.md"\n'))
    bench.edit("ladder.toml", 'kind = "prompt"\nprompt = "answer.md"\n[rungs.chained]', f"{CHAIN}[rungs.chained]")
    assert bench.toml.read_text(encoding="utf-8").count("[rungs.asked]") == 1
    hosted(bench, server, TABLES["samples"].table)

    assert "4 answers to ask, 12 calls, about " in told(bench)


def test_replies_of_a_cheaper_rung_tell_how_long_an_answer_is(bench: Bench, server: Loopback):
    scripted(server, PLAIN)
    hosted(bench, server, 'kind = "few_shot"\nprompt = "answer.md"\nexamples = "examples.jsonl"\nk = 1\n')
    example = {"input": "say one", "expected": "answer one"}
    bench.write("examples.jsonl", f"{json.dumps(example)}\n" * 3)
    bench.run("--ladder-rung=plain")

    line = told(bench)

    tokens = (len(ANSWER) + len("question 0") + len("say one" + "answer one")) / 4 + USED["completion_tokens"]
    assert (
        f"about {usd(CASES * tokens * PRICE / 1e6)} USD by the length of its prompt and of what plain answered" in line
    )


@pytest.mark.parametrize(("budget", "said"), [(2, ""), (0.5, "it may not last"), (0.05, "it will not last")])
def test_a_budget_that_the_most_would_not_keep_is_told_of(bench: Bench, server: Loopback, budget: float, said: str):
    scripted(server, TABLES["query_decomposition"].short)

    line = told(hosted(bench, server, TABLES["query_decomposition"].table), "asked", f"--ladder-max-cost={budget}")

    end = f"USD of the budget are left; {said} to the end" if said else "USD of the budget are left"
    assert line.endswith(end), line


def test_of_a_system_of_ones_own_only_what_was_measured_is_told(bench: Bench, server: Loopback):
    scripted(server, PLAIN)
    hosted(bench, server, 'kind = "decompose"\nsystem = "own.py:answer"\n')
    bench.write("own.py", "def answer(case, llm):\n    llm.chat('FIRST ' + case.input)\n"
                          "    return llm.chat('STEP ' + case.input).text\n")  # fmt: skip
    assert "to ask" not in bench.run("--ladder-rung=asked").text
    bench.write("own.py", (bench.folder / "own.py").read_text(encoding="utf-8") + "# another version\n")

    line = told(bench)

    cost = bench.log[0]["usage"]["cost_usd"]
    assert f"4 answers to ask, about {usd(cost)} USD by what its last version used, 2 calls an answer; 1000" in line
