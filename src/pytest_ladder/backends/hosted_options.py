"""The options of a hosted model, as far as all providers take them alike: their spelling, and a few values.

What a server does not know it may leave out without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from pytest_ladder.backends.hosted import SETTINGS
from pytest_ladder.backends.options import Rule, check_options, is_integer, is_number
from pytest_ladder.core.canonical import Json
from pytest_ladder.errors import InvalidRequest, message

KNOWN = (
    *SETTINGS, "api_base", "api_version", "audio", "base_url", "chat_template_args", "chat_template_kwargs",
    "custom_llm_provider", "drop_params", "enable_thinking", "extra_body", "extra_headers", "frequency_penalty",
    "function_call", "functions", "headers", "ignore_eos", "length_penalty", "logit_bias", "logprobs",
    "max_completion_tokens", "max_new_tokens", "max_output_tokens", "max_tokens", "metadata", "min_new_tokens",
    "min_p", "min_tokens", "modalities", "n_predict", "num_ctx", "num_predict", "organization", "parallel_tool_calls",
    "prediction", "presence_penalty", "prompt_cache_key", "reasoning_effort", "reasoning_format", "repeat_penalty",
    "repetition_penalty", "repetition_penalty_range", "response_format", "safety_identifier", "seed", "service_tier",
    "speed", "stop", "stop_token_ids", "store", "temperature", "thinking", "tool_choice", "tools", "top_a", "top_k",
    "top_logprobs", "top_p", "typical", "typical_p", "user", "verbosity", "web_search_options",
)  # fmt: skip
"""Options that LiteLLM, providers or servers are known to take; any other one goes along too."""

ALIKE = 0.91
"""How alike two names are, from 0 to 1 (`difflib`), of which one is a slip of the other."""


_TOKENS = Rule(is_integer, "a whole number")
RULES: Mapping[str, Rule] = {
    "temperature": Rule(lambda value: is_number(value) and value >= 0, "a number from 0"),
    "top_p": Rule(lambda value: is_number(value) and 0 <= value <= 1, "a number from 0 to 1"),
    "max_tokens": _TOKENS,
    "max_completion_tokens": _TOKENS,
}
"""What no provider takes otherwise."""


def check_sent(options: Mapping[str, Json], name: str) -> None:
    """Check what goes along with the requests of a hosted model, as far as can be known without it.

    Raises:
        InvalidRequest: a value that no provider takes, or an option that none is known to take and whose name all but
            is that of one that is.
    """
    where = f"model {name}: model_options"
    check_options({key: value for key, value in options.items() if key in RULES}, RULES, where)
    for option in options:
        near = [] if option in KNOWN else get_close_matches(option, KNOWN, n=1, cutoff=ALIKE)
        if near:
            step = f"did you mean `{near[0]}`?"
            raise InvalidRequest(message(where, "unknown option", got=option, next_step=step))
