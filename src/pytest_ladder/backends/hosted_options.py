"""The options of a hosted model by their spelling: what a server does not know it may leave out without a word."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from pytest_ladder.backends.hosted import SETTINGS
from pytest_ladder.errors import InvalidRequest, message

KNOWN = (
    *SETTINGS, "api_base", "api_version", "audio", "base_url", "chat_template_kwargs", "custom_llm_provider",
    "drop_params", "enable_thinking", "extra_body", "extra_headers", "frequency_penalty", "function_call", "functions",
    "headers", "ignore_eos", "length_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_new_tokens",
    "max_output_tokens", "max_tokens", "metadata", "min_p", "min_tokens", "modalities", "num_ctx", "num_predict",
    "organization", "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key", "reasoning_effort",
    "reasoning_format", "repeat_penalty", "repetition_penalty", "response_format", "safety_identifier", "seed",
    "service_tier", "stop", "stop_token_ids", "store", "temperature", "thinking", "tool_choice", "tools",
    "top_a", "top_k", "top_logprobs", "top_p", "typical_p", "user", "verbosity", "web_search_options",
)  # fmt: skip
"""Options that LiteLLM, providers or servers are known to take; any other one goes along too."""

ALIKE = 0.85
"""How alike two names are, from 0 to 1 (`difflib`), of which one is a slip of the other."""


def check_spelling(options: Iterable[str], name: str) -> None:
    """Refuse an option that nobody is known to take, and whose name all but is that of one that is.

    Raises:
        InvalidRequest: there is such an option.
    """
    for option in options:
        near = [] if option in KNOWN else get_close_matches(option, KNOWN, n=1, cutoff=ALIKE)
        if near:
            step = f"did you mean `{near[0]}`?"
            raise InvalidRequest(message(f"model {name}: model_options", "unknown option", got=option, next_step=step))
