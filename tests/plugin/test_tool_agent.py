"""The strategy `tool_agent` from ladder.toml to the recordings, with models that ask for tools by script."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from tests.plugin.bench import Bench, Ran

TOOLS = '''\
from pathlib import Path
from typing import Literal, Optional

ORDERS = {"7": {"state": "sent", "days": 3}, "8": {"state": "lost", "days": 0}}


def note(name, *values):
    with Path(__file__).with_name("called.txt").open("a", encoding="utf-8") as file:
        file.write(" ".join([name, *map(str, values)]) + "\\n")


def identify(case) -> str:
    """Say who is asking."""
    note("identify", case.metadata.get("customer"))
    hidden = [name for name in ("expected", "evidence", "steps", "tools", "slices") if hasattr(case, name)]
    return f"customer {case.metadata.get('customer')}{hidden or ''}"


async def order(number: str, fields: Optional[list[str]] = None) -> dict:
    """Look an order up.

    Args:
        number: The order's number,
            as on the bill.
        fields: What to tell of it.
    """
    note("order", number)
    return {key: value for key, value in ORDERS[number].items() if not fields or key in fields}


def refund(number: str, amount: float, reason: Literal["lost", "late"] = "lost") -> str:
    """Pay money back."""
    note("refund", number, amount)
    return f"refunded {amount}"
'''
MODEL = """\
import json
from pathlib import Path

SCRIPT = {script}


def reply(messages{parameter}):
    with Path(__file__).with_name("asked.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({{"messages": messages, "tools": {told}}}) + "\\n")
    turn = sum(part["role"] == "assistant" for part in messages)
    if callable(SCRIPT):
        return SCRIPT(messages, turn)
    said = SCRIPT[min(turn, len(SCRIPT) - 1)]
    return {{**({{"text": said}} if isinstance(said, str) else {{"text": "", "tool_calls": said}}), "cost_usd": 0.25}}
"""
RUNG = '[rungs.decompose]\nstrategy = "tool_agent"\nprompt = "agent.md"\n'
ALL = 'tools = ["tools.py:identify", "tools.py:order", "tools.py:refund"]\n'
CASE = {"id": "c7", "input": "Where is order 7?", "expected": "sent", "metadata": {"customer": "ada", "plan": "pro"}}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


LOOK = [call("order", number="7")]


def make(
    bench: Bench, *script: Any, keys: str = "", rules: str = "", tools: str = ALL, fields: bool = False,
    cases: Sequence[dict[str, Any]] = (CASE,), head: str = "", metrics: str = "",
) -> Bench:  # fmt: skip
    """A ladder whose model says these things, one a turn; with `fields` it takes `tools`."""
    bench.make({})
    bench.write("tools.py", TOOLS)
    parameter, told = (", tools=None, tool_choice=None", "tools") if fields else ("", "None")
    bench.write("models.py", MODEL.format(script=list(script), parameter=parameter, told=told))
    bench.write("agent.md", "system:\nBe brief.\nuser:\n{{ input }}\n")
    bench.cases(cases)
    bench.write("ladder.toml", "\n".join([
        "schema = 1", 'name = "support"', 'evalset = "cases.jsonl"', 'model = "models.py:reply"', head,
        '[metrics.answer]\nscorer = "exact_match"', metrics, "[thresholds]\nanswer = { all = 1.0 }",
        RUNG + tools + keys, rules, "",
    ]))  # fmt: skip
    return bench


def asked(bench: Bench) -> list[dict[str, Any]]:
    path = bench.folder / "asked.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return [json.loads(line) for line in lines]


def called(bench: Bench) -> list[str]:
    path = bench.folder / "called.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def answers(bench: Bench) -> list[dict[str, Any]]:
    """The recorded answers."""
    paths = [p for p in (bench.folder / "recordings" / "decompose").glob("*.jsonl") if p.name != "calls.jsonl"]
    return [json.loads(line)["answer"] for p in paths for line in p.read_text(encoding="utf-8").splitlines()]


def answer(bench: Bench) -> dict[str, Any]:
    """The one recorded answer."""
    (found,) = answers(bench)
    return found


def steps(bench: Bench, name: str) -> list[dict[str, Any]]:
    return [step for step in answer(bench)["steps"] if step["step"] == name]


def fails(ran: Ran, status: int, told: str) -> None:
    assert ran.status == status, ran.text
    assert re.search(told, ran.flat), ran.flat


@pytest.mark.parametrize("fields", [True, False], ids=["provider", "text"])
def test_a_tool_is_called_and_its_result_is_shown_to_the_model(bench: Bench, fields: bool):
    first = [call("order", number="7")] if fields else 'CALL order {"number": "7"}'
    make(bench, first, "sent", fields=fields)

    assert bench.run().status == 0

    assert called(bench) == ["order 7"]
    made = answer(bench)
    assert made["text"] == "sent"
    assert made["tool_calls"] == [{"name": "order", "arguments": {"number": "7"}}]
    assert made["validation"] is None
    tool, stop = made["steps"]
    result = '{"state": "sent", "days": 3}'
    assert tool == {"step": "tool", "name": "order", "arguments": {"number": "7"}, "result": result}
    mode = "provider" if fields else "text"
    assert stop == {"step": "stop", "reason": "answered", "mode": mode, "replies": 2, "calls": 1}
    opening, second = asked(bench)
    assert [tool["function"]["name"] for tool in opening["tools"] or ()] == (["identify", "order", "refund"] * fields)
    if fields:
        made, told = second["messages"][-2:]
        assert (made["content"], made["tool_calls"][0]["function"]["arguments"]) == (None, '{"number": "7"}')
        assert told == {"role": "tool", "tool_call_id": made["tool_calls"][0]["id"], "content": result}
    else:
        assert second["messages"][-1] == {"role": "user", "content": f"RESULT order: {result}"}
        assert second["messages"][-2] == {"role": "assistant", "content": 'CALL order {"number": "7"}'}


def test_the_text_prompt_tells_of_each_tool_under_the_system_message(bench: Bench):
    make(bench, "sent")
    bench.run()

    system, user = asked(bench)[0]["messages"]

    assert system["content"].startswith("Be brief.\n\nYou can call tools.")
    assert (
        '\n\norder: Look an order up.\n- number ({"type": "string"}): The order\'s number, as on the bill.\n'
        in (system["content"])
    )
    assert user["content"] == "Where is order 7?"


def test_a_prompt_of_ones_own_tells_of_the_tools(bench: Bench):
    make(bench, "sent", keys='tool_prompt = "tools.md"\n')
    bench.write("tools.md", "You have: {{ tools }}")
    bench.run()
    assert asked(bench)[0]["messages"][0]["content"].startswith("Be brief.\n\nYou have: identify: Say who is asking.")
    bench.write("tools.md", "You have nothing.")
    fails(bench.run(), 4, r"tools\.md: the prompt does not show `tools`")


def test_what_stands_behind_a_call_in_text_was_made_up_and_is_not_shown_again(bench: Bench):
    make(bench, 'I look.\n**CALL order** {"number":\n "7"}\nRESULT order: lost\nThe answer is lost.', "sent")

    assert bench.run().status == 0

    assert called(bench) == ["order 7"]
    assert asked(bench)[1]["messages"][-2]["content"] == 'I look.\nCALL order {"number": "7"}'


def test_a_call_behind_prose_that_looks_like_one_is_made(bench: Bench):
    make(bench, 'CALL us now, they say.\nCALL order {"number": "7"}', "sent")

    assert bench.run().status == 0
    assert called(bench) == ["order 7"]


def test_an_answer_that_speaks_of_a_call_is_an_answer(bench: Bench):
    said = "CALL us now, or CALL\nback later"
    make(bench, said, cases=[{**CASE, "expected": said}])

    assert bench.run().status == 0
    assert steps(bench, "refused") == []


def test_a_tool_gets_the_cases_metadata_where_it_asks_for_the_case_and_nothing_hidden(bench: Bench):
    hidden = {
        "slices": ["s"],
        "evidence": ["e"],
        "steps": [{"input": "x", "expected": "y"}],
        "tools": [{"name": "identify"}],
    }
    make(bench, [{"name": "identify", "arguments": None}], "sent", fields=True, cases=[{**CASE, **hidden}])

    assert bench.run().status == 0
    assert steps(bench, "tool")[0]["result"] == "customer ada"


@pytest.mark.parametrize(
    ("wanted", "rule", "told"),
    [
        (call("ordr", number="7"), "name", "there is no tool 'ordr' here; there are: identify, order, refund"),
        (call("order"), "parameters", r"the arguments cannot be used: \$ does not fit {\"required\""),
        (call("order", number=7), "parameters", r"\$\.number does not fit {\"type\": \"string\"}"),
        (call("order", number="7", days=1), "parameters", r"\$ does not fit {\"additionalProperties\": false}"),
        (call("order", number="7", fields="state"), "parameters", r"\$\.fields does not fit"),
        (call("refund", number="7", amount=1, reason="why"), "parameters", r"\$\.reason does not fit {\"enum\""),
        ({"name": "order", "arguments": "{broken"}, "parameters", "the arguments are not a JSON object"),
        ({"name": "order", "arguments": ["7"]}, "parameters", "the arguments are not a JSON object"),
        ({"name": "order"}, "parameters", "does not fit"),
        ({"name": "refund", "arguments": '{"number": "7", "amount": NaN}'}, "parameters", "not a JSON object: {"),
    ],
)  # fmt: skip
def test_a_call_that_cannot_be_made_is_an_error_to_the_model_and_stands_in_the_trace(
    bench: Bench, wanted: Any, rule: str, told: str
):
    make(bench, [wanted], "sent", fields=True)
    assert bench.run().status == 0

    assert called(bench) == []
    made = answer(bench)
    assert made["tool_calls"] == []
    (refused,) = steps(bench, "refused")
    assert (refused["name"], refused["rule"]) == (wanted["name"], rule)
    assert re.search(told, refused["error"])
    last = asked(bench)[1]["messages"][-1]
    assert last["role"] == "tool"
    assert last["content"] == f"ERROR: {refused['error']}"


@pytest.mark.parametrize("said", ["CALL order order 7", 'CALL order("7")', "CALL order", 'CALL ordr {"number": "7"}'])
def test_a_call_in_text_that_cannot_be_read_is_no_answer(bench: Bench, said: str):
    make(bench, said, "sent")

    assert bench.run().status == 0

    assert called(bench) == []
    assert len(steps(bench, "refused")) == 1
    assert asked(bench)[1]["messages"][-1]["content"].startswith(f"ERROR {steps(bench, 'refused')[0]['name']}: ")


@pytest.mark.parametrize(
    "said", ['CALL order({"number": "7"})', 'CALL order\n{"number": "7"}', '`CALL order {"number": "7"}`']
)
def test_a_call_in_text_that_can_be_read_is_made(bench: Bench, said: str):
    make(bench, said, "sent")

    assert bench.run().status == 0
    assert called(bench) == ["order 7"]


def test_what_a_tool_raises_is_told_to_the_model_and_to_the_trace(bench: Bench):
    make(bench, [call("order", number="9")], [call("order", number="7")], "sent", fields=True)

    assert bench.run().status == 0

    failed, worked = steps(bench, "tool")
    assert failed["error"] == "KeyError: '9'"
    assert re.fullmatch(r"tools\.py:\d+", failed["at"])
    assert "result" in worked
    assert [one["arguments"]["number"] for one in answer(bench)["tool_calls"]] == ["9", "7"]
    assert asked(bench)[1]["messages"][-1]["content"] == "ERROR: KeyError: '9'"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("raise SystemExit(3)", "RuntimeError: raised SystemExit(3)"),
        ("return object()", "TypeError: Object of type object is not JSON serializable"),
        ("raise TimeoutError", "TimeoutError"),
    ],
)
def test_a_tool_that_exits_or_returns_no_json_has_failed(bench: Bench, body: str, told: str):
    make(bench, [call("identify")], "sent", fields=True)
    bench.edit("tools.py", 'note("identify", case.metadata.get("customer"))', body)

    assert bench.run().status == 0
    assert steps(bench, "tool")[0]["error"] == told


def test_a_tool_that_hangs_is_given_up_with_its_answer(bench: Bench):
    make(bench, [call("identify")], "sent", fields=True)
    bench.edit("tools.py", 'note("identify", case.metadata.get("customer"))', "import time; time.sleep(30)")

    fails(bench.run("--ladder-timeout=0.5"), 1, "no answer within 0.5 s")
    assert answers(bench) == []


def test_a_name_that_no_provider_takes_is_not_sent_back_as_it_is(bench: Bench):
    make(bench, [call("functions.look up/order")], [call("")], "sent", fields=True)

    assert bench.run().status == 0

    assert [step["name"] for step in steps(bench, "refused")] == ["functions.look up/order", ""]
    sent = [part["tool_calls"][0]["function"]["name"] for part in asked(bench)[-1]["messages"] if "tool_calls" in part]
    assert sent == ["functions_look_up_order", "unknown"]


def test_an_error_of_the_set_up_ends_the_rung(bench: Bench):
    make(bench, [call("identify")], "sent", fields=True)
    raised = "from pytest_ladder.errors import InvalidFile\n    raise InvalidFile('orders.db: it is gone.')"
    bench.edit("tools.py", 'note("identify", case.metadata.get("customer"))', raised)

    fails(bench.run(), 1, "orders.db: it is gone")


def test_a_long_result_is_cut_and_says_so(bench: Bench):
    make(bench, [call("identify")], "sent", fields=True, keys="max_result = 20\n")
    bench.edit("tools.py", 'return f"customer', "return 'x' * 50 + f\"customer")

    assert bench.run().status == 0

    result = steps(bench, "tool")[0]["result"]
    assert result == "x" * 20 + "\n[cut: 20 of 62 characters]"
    assert asked(bench)[1]["messages"][-1]["content"] == result


# --- rules ---------------------------------------------------------------------------------------------------------

REFUND = call("refund", number="8", amount=5)


@pytest.mark.parametrize(
    ("rules", "calls", "rule", "made"),
    [
        ('after = ["identify"]', [REFUND], "after", []),
        ('after = ["identify", "order"]', [call("identify"), REFUND], "after", ["identify ada"]),
        ('after = ["order"]', [call("order", number="9"), REFUND], "after", ["order 9"]),
        ("at_most = 1", [REFUND, REFUND], "at_most", ["refund 8 5"]),
        ('when = { plan = "free" }', [REFUND], "when", []),
        ('when = { plan = ["free", "team"] }', [REFUND], "when", []),
        ('when = { plan = "pro", customer = "bob" }', [REFUND], "when", []),
        ("arguments = { properties = { amount = { maximum = 4 } } }", [REFUND], "arguments", []),
    ],
)  # fmt: skip
def test_a_call_that_breaks_a_rule_is_never_made(bench: Bench, rules: str, calls: Any, rule: str, made: list[str]):
    make(bench, *([one] for one in calls), "sent", fields=True, rules=f"[rungs.decompose.tool_rules.refund]\n{rules}")

    assert bench.run().status == 0

    assert called(bench) == made
    assert [step["rule"] for step in steps(bench, "refused")] == [rule]
    assert [one["name"] for one in answer(bench)["tool_calls"]] == [line.split()[0] for line in made]


@pytest.mark.parametrize(
    ("rules", "calls"),
    [
        ('after = ["identify", "order"]', [[call("identify"), call("order", number="8")], [REFUND]]),
        ('after = ["identify"]', [[call("identify"), REFUND]]),
        ("at_most = 2", [[REFUND], [REFUND]]),
        ('when = { plan = ["free", "pro"], customer = "ada" }', [[REFUND]]),
        ("arguments = { properties = { amount = { maximum = 5 } } }", [[REFUND]]),
    ],
)
def test_a_call_that_keeps_the_rules_is_made(bench: Bench, rules: str, calls: Any):
    make(bench, *calls, "sent", fields=True, rules=f"[rungs.decompose.tool_rules.refund]\n{rules}")

    assert bench.run().status == 0
    assert called(bench)[-1] == "refund 8 5"
    assert steps(bench, "refused") == []


def test_a_tool_that_is_not_for_a_case_is_not_offered(bench: Bench):
    cases = [CASE, {**CASE, "id": "c8", "metadata": {"customer": "bob", "plan": "free"}}]
    make(bench, "sent", fields=True, cases=cases, rules='[rungs.decompose.tool_rules.refund]\nwhen = { plan = "pro" }')
    bench.run()

    offered = [[tool["function"]["name"] for tool in one["tools"]] for one in asked(bench)]
    assert sorted(offered) == [["identify", "order"], ["identify", "order", "refund"]]


def test_the_rules_are_told_to_the_model(bench: Bench):
    rules = """[rungs.decompose.tool_rules.refund]
    after = ["identify", "order"]
    at_most = 1
    required = true
    arguments = { properties = { amount = { maximum = 5 } } }
    """
    make(bench, "sent", rules=rules)
    bench.run()

    told = (
        "refund: Pay money back. Only after identify and order has succeeded. At most 1 call. Its arguments must fit "
        '{"properties": {"amount": {"maximum": 5}}}. It must be called before you answer.'
    )
    assert told in asked(bench)[0]["messages"][0]["content"]


REQUIRED = "[rungs.decompose.tool_rules.order]\nrequired = true"


@pytest.mark.parametrize("fields", [True, False], ids=["provider", "text"])
def test_an_answer_before_a_required_call_is_sent_back(bench: Bench, fields: bool):
    looks = [call("order", number="7")] if fields else 'CALL order {"number": "7"}'
    make(bench, "lost", looks, "sent", fields=fields, rules=REQUIRED)

    assert bench.run().status == 0

    assert [step["step"] for step in answer(bench)["steps"]] == ["reminded", "tool", "stop"]
    assert steps(bench, "reminded") == [{"step": "reminded", "missing": ["order"]}]
    assert answer(bench)["validation"] == {"valid": True, "attempts": 2, "error": None}
    assert asked(bench)[1]["messages"][-1] == {"role": "user", "content": "Before you answer, call order."}


def test_an_answer_without_the_required_call_is_marked_and_the_run_goes_on(bench: Bench):
    make(bench, "sent", rules=REQUIRED)

    assert bench.run().status == 0

    assert len(steps(bench, "reminded")) == 2
    fault = "required, and not called: order"
    assert answer(bench)["validation"] == {"valid": False, "attempts": 3, "error": fault}
    assert len(asked(bench)) == 3


@pytest.mark.parametrize(
    ("rule", "valid"),
    [
        ('required = { plan = "pro" }', False), ('required = { plan = "free" }', None),
        ('required = true\nwhen = { plan = "free" }', None), ("required = false", None),
    ],
)  # fmt: skip
def test_a_tool_is_required_of_the_cases_that_the_rule_names(bench: Bench, rule: str, valid: bool | None):
    make(bench, "sent", rules=f"[rungs.decompose.tool_rules.order]\n{rule}")
    bench.run()

    validation = answer(bench)["validation"]
    assert (validation and validation["valid"]) == valid


# --- search beside tools ---------------------------------------------------------------------------------------------

KB = [{"id": f"kb-{n}", "text": f"The lamp number {n} has a warranty of {n} years."} for n in range(9)]


@pytest.mark.parametrize("fields", [True, False], ids=["provider", "text"])
def test_a_corpus_is_searched_by_a_tool(bench: Bench, fields: bool):
    looks = [call("search", query="lamp number 3")] if fields else 'CALL search {"query": "lamp number 3"}'
    metrics = '[metrics.found]\nscorer = "recall_at_k"\noptions = { k = 2 }'
    keys, cases = 'corpus = "kb.jsonl"\ntop_k = 2\n', [{**CASE, "evidence": ["kb-3"]}]
    make(bench, looks, "sent", fields=fields, keys=keys, cases=cases, metrics=metrics)
    bench.write("kb.jsonl", "".join(json.dumps(line) + "\n" for line in KB))

    assert bench.run().status == 0

    made = answer(bench)
    assert made["retrieved"][0] == "kb-3"
    assert made["tool_calls"] == [{"name": "search", "arguments": {"query": "lamp number 3"}}]
    tool, search, stop = made["steps"]
    assert (tool["step"], search["step"], stop["step"]) == ("tool", "search", "stop")
    assert tool["retrieved"] == made["retrieved"]
    assert "warranty" not in json.dumps(made["steps"])
    shown = asked(bench)[1]["messages"][-1]["content"]
    assert "[kb-3]\nThe lamp number 3 has a warranty of 3 years." in shown
    assert bench.log[0]["scores"]["found"]["all"]["mean"] == 1.0


def test_a_search_has_rules_like_any_tool_and_may_find_nothing(bench: Bench):
    rules = "[rungs.decompose.tool_rules.search]\nrequired = true\nat_most = 1"
    keys = 'corpus = "kb.jsonl"\n'
    script = "lost", 'CALL search {"query": "xyz"}', 'CALL search {"query": "lamp"}', "sent"
    make(bench, *script, keys=keys, rules=rules, tools="")
    bench.write("kb.jsonl", '{"id": "kb-1", "text": "The lamp."}\n')
    bench.edit("ladder.toml", keys, keys + 'retriever = "nothing"\n')
    (bench.pytester.path / "conftest.py").write_text(
        "class Nothing:\n    def search(self, query, top_k):\n        return []\n\n\n"
        "def pytest_ladder_retriever(name, options):\n    return lambda documents: Nothing()\n"
    )

    ran = bench.run()

    assert ran.status == 0, ran.text
    assert [step["step"] for step in answer(bench)["steps"]] == ["reminded", "tool", "search", "refused", "stop"]
    assert asked(bench)[2]["messages"][-1]["content"] == "RESULT search: nothing was found"


# --- answers that must fit a schema ---------------------------------------------------------------------------------

NOTE = {"type": "object", "required": ["state"], "properties": {"state": {"type": "string", "minLength": 2}}}
GOOD = '{"state": "sent"}'
JSON_CASE = {**CASE, "expected": {"state": "sent"}}
FORM = "\n\nYour answer, once you give it, must be one JSON value that fits this JSON Schema, and nothing else:\n\n"


def formed(bench: Bench, *script: Any, keys: str = "", **more: Any) -> Ran:
    make(bench, *script, keys=f'output = "note.json"\n{keys}', cases=[JSON_CASE], **more)
    bench.write("note.json", json.dumps(NOTE))
    bench.edit("ladder.toml", "exact_match", "json_schema")
    bench.edit("ladder.toml", '"json_schema"', '"json_schema"\noptions = { schema = "note.json" }')
    return bench.run()


@pytest.mark.parametrize("fields", [True, False], ids=["provider", "text"])
def test_an_answer_that_fits_the_schema_is_parsed(bench: Bench, fields: bool):
    looks = LOOK if fields else 'CALL order {"number": "7"}'

    assert formed(bench, looks, GOOD, fields=fields).status == 0

    assert answer(bench)["parsed"] == {"state": "sent"}
    assert answer(bench)["validation"] == {"valid": True, "attempts": 1, "error": None}
    opening = asked(bench)[0]["messages"][-1]["content"]
    assert opening == f"Where is order 7?{FORM}{json.dumps(NOTE, indent=2)}"


def test_one_that_does_not_is_sent_back_and_repaired(bench: Bench):
    assert formed(bench, LOOK, "sent", GOOD, fields=True).status == 0

    assert [step["step"] for step in answer(bench)["steps"]] == ["tool", "sent_back", "stop"]
    assert answer(bench)["validation"] == {"valid": True, "attempts": 2, "error": None}
    assert asked(bench)[-1]["messages"][-1]["content"].startswith(
        "This answer cannot be used: the answer is not JSON. "
    )


def test_it_is_sent_back_as_often_as_is_set(bench: Bench):
    assert formed(bench, "sent", '{"state": "s"}', "sent", keys="repair_attempts = 2\n").status == 1

    validation = answer(bench)["validation"]
    assert (validation["valid"], validation["attempts"]) == (False, 3)
    assert validation["error"] == "the answer is not JSON"
    assert answer(bench)["parsed"] is None


def test_a_call_that_is_missing_is_asked_for_before_the_form(bench: Bench):
    script = "lost", 'CALL order {"number": "7"}', "sent", GOOD
    assert formed(bench, *script, rules=REQUIRED).status == 0

    assert [step["step"] for step in answer(bench)["steps"]] == ["reminded", "tool", "sent_back", "stop"]
    assert answer(bench)["validation"] == {"valid": True, "attempts": 3, "error": None}


def test_a_mode_in_which_it_could_call_nothing_is_told(bench: Bench):
    ran = formed(bench, GOOD, keys='output_mode = "constrained"\n')

    fails(ran, 4, r"output_mode: it is not known, got 'constrained'; expected auto \| prompt")


def test_both_faults_are_told(bench: Bench):
    formed(bench, "lost", rules=REQUIRED, keys="repair_attempts = 0\n")

    assert answer(bench)["validation"]["error"] == "required, and not called: order; the answer is not JSON"


def test_a_template_may_show_the_schema_itself(bench: Bench):
    formed(bench, GOOD)
    asked(bench)
    bench.write("agent.md", "Fit {{ schema }}: {{ input }}")
    bench.run()

    content = asked(bench)[0]["messages"][0]["content"]
    assert content.endswith(f"Fit {json.dumps(NOTE, indent=2)}: Where is order 7?")
    assert FORM not in content


# --- limits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "script", "reason", "made", "replies"),
    [
        ("max_steps = 2\n", [LOOK, LOOK, "sent"], "max_steps", 2, 3),
        ("max_tool_calls = 1\n", [LOOK, LOOK, "sent"], "max_tool_calls", 1, 3),
        ("max_tool_calls = 2\n", [LOOK * 5, "sent"], "max_tool_calls", 2, 2),
        ("max_cost = 0.5\n", [LOOK, LOOK, "sent"], "max_cost", 2, 3),
        ("max_cost = 0.1\n", [LOOK, "sent"], "max_cost", 1, 2),
    ],
)  # fmt: skip
def test_at_a_limit_the_model_is_asked_for_its_answer_once(
    bench: Bench, keys: str, script: list[Any], reason: str, made: int, replies: int
):
    make(bench, *script, fields=True, keys=keys)

    assert bench.run().status == 0

    assert len(called(bench)) == made == len(answer(bench)["tool_calls"])
    assert steps(bench, "stop") == [
        {"step": "stop", "reason": reason, "mode": "provider", "replies": replies, "calls": made}
    ]
    last = asked(bench)[-1]["messages"][-1]
    assert last == {"role": "user", "content": "No further tool can be called. Answer now, with what you know."}


def test_calls_that_go_up_to_the_limit_are_no_reason_to_stop(bench: Bench):
    make(bench, LOOK, "sent", fields=True, keys="max_tool_calls = 1\nmax_steps = 2\n")

    assert bench.run().status == 0
    assert steps(bench, "stop")[0]["reason"] == "answered"


def test_at_the_last_step_an_answer_is_not_sent_back(bench: Bench):
    make(bench, "sent", keys="max_steps = 1\n", rules=REQUIRED)

    assert bench.run().status == 0
    assert [step["step"] for step in answer(bench)["steps"]] == ["stop"]
    assert answer(bench)["validation"]["valid"] is False


def test_in_text_no_two_turns_are_the_users(bench: Bench):
    make(bench, 'CALL order {"number": "7"}', "sent", keys="max_steps = 1\n")

    assert bench.run().status == 0
    last = asked(bench)[-1]["messages"]
    assert [part["role"] for part in last] == ["system", "user", "assistant", "user"]
    assert last[-1]["content"].endswith("}\n\nNo further tool can be called. Answer now, with what you know.")


def test_a_call_in_place_of_the_last_answer_is_refused(bench: Bench):
    make(bench, LOOK, fields=True, keys="max_steps = 1\n")
    ran = bench.run()

    assert ran.status == 1
    assert called(bench) == ["order 7"]
    assert [step["rule"] for step in steps(bench, "refused")] == ["max_steps"]
    assert answer(bench)["text"] == ""
    assert len(asked(bench)) == 2


def test_the_budget_of_the_run_stops_an_agent_and_the_next_run_goes_on(bench: Bench):
    make(bench, LOOK, LOOK, "sent", fields=True)

    fails(bench.run("--ladder-max-calls=2"), 1, "2 model calls are made")
    assert answers(bench) == []
    assert len(asked(bench)) == 2
    assert bench.run().status == 0
    assert len(asked(bench)) == 1
    assert len(called(bench)) == 4  # the tools are called again: what they gave is recorded with an answer alone


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_a_second_run_calls_neither_model_nor_tool(bench: Bench):
    make(bench, LOOK, "sent", fields=True)
    assert bench.run().status == 0
    before = bench.log_path.read_bytes()
    assert (called(bench), len(asked(bench))) == (["order 7"], 2)

    assert bench.run().status == 0
    assert bench.run("--ladder-record=none").status == 0

    assert (called(bench), asked(bench)) == ([], [])
    assert bench.log_path.read_bytes() == before


def test_under_none_nothing_is_called_and_no_tool_is_loaded(bench: Bench):
    make(bench, LOOK, "sent", fields=True)
    bench.edit(
        "tools.py", "from typing", "note = open(Path(__file__).with_name('loaded.txt'), 'w').close()\nfrom typing"
    )

    fails(bench.run("--ladder-record=none"), 1, "not on record")

    assert (called(bench), asked(bench)) == ([], [])
    assert not (bench.folder / "loaded.txt").exists()


def test_a_look_for_drift_calls_the_tools_again(bench: Bench):
    make(bench, LOOK, "sent", fields=True)
    bench.run()
    called(bench)

    bench.run("--ladder-drift=1")

    assert called(bench) == ["order 7"]


@pytest.mark.parametrize("file", ["tools.py", "tools.md"])
def test_the_files_of_the_tools_belong_to_the_fingerprint(bench: Bench, file: str):
    make(bench, LOOK, "sent", fields=True, keys='tool_prompt = "tools.md"\n')
    bench.write("tools.md", "{{ tools }}")
    bench.run()
    called(bench)

    path = bench.folder / file
    path.write_text(path.read_text(encoding="utf-8") + "\n\n", encoding="utf-8")
    assert bench.run().status == 0

    assert called(bench) == ["order 7"]


def test_what_the_file_of_a_tool_imports_is_warned_of(bench: Bench):
    make(bench, LOOK, "sent", fields=True)
    bench.write("orders.py", "NUMBERS = [7]\n")
    bench.edit("tools.py", "from pathlib import Path", "from pathlib import Path\n\nimport orders")

    ran = bench.run()

    assert "tools.py imports evals/support/orders.py: a change there is not noticed" in ran.flat
    bench.edit("ladder.toml", RUNG, RUNG + 'depends = ["evals/support/orders.py"]\n')
    assert "is not noticed" not in bench.run().flat


def test_an_answer_with_secrets_in_a_result_is_redacted(bench: Bench):
    make(bench, LOOK, "sent", fields=True)
    bench.write("redactors.py", "def hide(text):\n    return text.replace('sent', 'XXXX')\n")
    bench.write("ladder.toml", bench.toml.read_text(encoding="utf-8") + '[privacy]\nredact = ["redactors.py:hide"]\n')
    bench.run()

    assert steps(bench, "tool")[0]["result"] == '{"state": "XXXX", "days": 3}'


# --- faults of the set-up --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (ALL, "", "tools: an agent needs tools; expected functions"),
        (ALL, ALL + 'output = "agent.md"\n', "agent.md:1: not JSON"),
        ("tools.py:order", "tools.py:ordr", "tools.py has no function 'ordr'. Did you mean 'order'?"),
        ("tools.py:order", "tols.py:order", "there is no such file"),
        ("tools.py:order", "tools.py:identify", "two tools have one name, got 'identify'"),
        ("tools.py:order", "order", "not a reference to a function"),
        (ALL, ALL + 'tool_mode = "provider"\n', "tool_mode: the model models.py:reply has no field for tools"),
        (ALL, ALL + 'tool_mode = "json"\n', "tool_mode: wrong value"),
        (ALL, ALL + "max_cost = 0\n", "max_cost: wrong value"),
        (ALL, ALL + 'corpus = "kb.jsonl"\n', "there is no such file"),
        (ALL, ALL + "top_k = 2\n", "top_k: nothing is retrieved here. Set `corpus` too"),
        (ALL, ALL + "chain = 2\n", "chain: "),
        ('"tool_agent"', '"query_decomposition"', "the strategy `query_decomposition` does not use it"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_used_is_told(bench: Bench, old: str, new: str, told: str):
    make(bench, "sent")
    bench.edit("ladder.toml", old, new)

    ran = bench.run()

    assert ran.status == 4, ran.text
    assert told in ran.flat, ran.flat
    assert asked(bench) == []


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ('after = ["identfy"]', "after: the rung has no tool of this name, got 'identfy'"),
        ('after = ["refund"]', "would have to be called before itself"),
        ('after = ["order"]\n[rungs.decompose.tool_rules.order]\nafter = ["refund"]', "would have to be called before"),
        ("arguments = { properties = { amont = { maximum = 1 } } }", "arguments: the tool has no such parameter, got "
         "'amont'; expected number | amount | reason. Did you mean 'amount'?"),
        ('arguments = { type = "objct" }', "arguments: it is not a JSON Schema"),
        ("arguments = { properties = 3 }", "arguments: it is not a JSON Schema"),
        ('when = { pln = "pro" }', "when: no case has this key in its `metadata`, got 'pln'; expected customer | plan. "
         "Did you mean 'plan'?"),
        ('required = { pln = "pro" }', "required: no case has this key"),
        ("at_most = 0", "at_most: wrong value"),
        ("atmost = 1", "unknown key, got 'atmost'; expected when, after, at_most, required or arguments"),
        ('required = "yes"', "required"),
        ("[rungs.decompose.tool_rules.refnd]", "refnd]: the rung has no tool of this name, got 'refnd'; expected "
         "identify | order | refund. Did you mean 'refund'?"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_used_is_told_at_collection(bench: Bench, rule: str, told: str):
    make(bench, "sent", rules=f"[rungs.decompose.tool_rules.refund]\n{rule}")

    ran = bench.run()

    assert ran.status == 4, ran.text
    assert re.search(r"evals/support/ladder\.toml:\d+: ", ran.flat)
    assert told in ran.flat, ran.flat


def test_a_tool_that_cannot_be_offered_is_told_at_collection_with_its_parameter(bench: Bench):
    make(bench, "sent")
    bench.edit("tools.py", "amount: float", "amount: complex")

    told = r"tools: refund: parameter amount: its type cannot be told to a model, got <class 'complex'>; expected str,"
    fails(bench.run(), 4, r"ladder\.toml:\d+: \[rungs\.decompose\] " + told)


def test_a_prompt_that_ends_in_the_assistants_words_is_told(bench: Bench):
    make(bench, "sent")
    bench.write("agent.md", "user:\n{{ input }}\nassistant:\nThe answer is")

    fails(bench.run(), 1, r"agent\.md: the prompt of a tool agent ends in the assistant's words")


# --- scoring ---------------------------------------------------------------------------------------------------------


def test_the_calls_are_scored_against_the_cases_tools(bench: Bench):
    metrics = "\n".join(
        f'[metrics.{measure}]\nscorer = "tool_calls"\noptions = {{ measure = "{measure}", arguments = true }}'
        for measure in ("precision", "recall", "f1")
    )
    expected = [call("identify"), call("order", number="7")]
    script = [call("order", number="7")], [call("order", number=7)], [call("order", number="9")], "sent"
    make(bench, *script, fields=True, metrics=metrics, cases=[{**CASE, "tools": expected}])
    bench.run()

    scores = bench.log[0]["scores"]
    means = {name: scores[name]["all"]["mean"] for name in ("precision", "recall", "f1")}
    assert means == {"precision": 0.5, "recall": 0.5, "f1": 0.5}  # of two calls made, one is expected; one is refused


@pytest.mark.parametrize(
    ("script", "tools", "kind"),
    [
        (["lost"], [call("order", number="7")], "tool_use"),
        ([[call("order", number="8")], "lost"], [call("order", number="7")], "tool_use"),
        ([[call("order", number="9")], "lost"], [], "tool_use"),
        ([[call("order", number="7")], "lost"], [call("order", number="7")], "unknown"),
    ],
    ids=["not called", "wrong arguments", "failed", "in order"],
)
def test_a_failure_of_the_tools_is_diagnosed(bench: Bench, script: list[Any], tools: list[Any], kind: str):
    make(bench, *script, fields=True, cases=[{**CASE, "tools": tools}])

    assert bench.run().status == 1
    assert bench.log[0]["diagnosis"] == {kind: 1}
