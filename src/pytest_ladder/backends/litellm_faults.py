"""What LiteLLM raises, and what it means for a run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set

from pytest_ladder.backends.hosted import QUOTA, excerpt, fault_of_status, retry_after
from pytest_ladder.errors import LadderError, ModelFailed, ModelRefused, ModelUnavailable, message

_UNREACHED = {
    "aiohttp.ClientConnectorError",
    "aiohttp.ConnectionTimeoutError",
    "httpcore.ConnectError",
    "httpcore.ConnectTimeout",
    "builtins.ConnectionRefusedError",
}
"""Causes by which a call never reached the provider. `httpx.ConnectError` is none: LiteLLM makes it of others too."""
_UNANSWERED = {"httpx.TransportError"}
"""Causes by which no answer came: whatever status LiteLLM gives such an error is its own."""
_NO_LOGIN = {"litellm.GithubCopilotError", "litellm.ChatGPTAuthError"}
"""Causes by which LiteLLM could not log in; it would try anew at each call."""
_NO_WORDS = re.compile(r" ssl:(default|<[^>]*>)")
"""What aiohttp says of a host that tells a user nothing."""
_KEYLESS = re.compile(r"missing (credentials|[\w ]*api key)", re.IGNORECASE)
"""What LiteLLM and the SDKs below it say where the environment holds no key, whatever class they raise."""
_SPARED = "tool_choice"
"""An option of an agent's last request alone: a provider that does not know it is asked again without."""

REFUSED, LIMITED, UNAVAILABLE, FAILED, BY_STATUS = "refused", "limited", "unavailable", "failed", "by status"

FAULTS: Mapping[str, str] = {
    "AuthenticationError": REFUSED,
    "PermissionDeniedError": REFUSED,
    "NotFoundError": REFUSED,
    "LiteLLMUnknownProvider": REFUSED,
    "UnsupportedParamsError": REFUSED,
    "ModelNotMappedError": REFUSED,
    "BudgetExceededError": REFUSED,
    "RateLimitError": LIMITED,
    "Timeout": UNAVAILABLE,
    "InternalServerError": UNAVAILABLE,
    "BadGatewayError": UNAVAILABLE,
    "ServiceUnavailableError": UNAVAILABLE,
    "MidStreamFallbackError": UNAVAILABLE,
    "APIConnectionError": UNAVAILABLE,
    "APIResponseValidationError": UNAVAILABLE,
    "APIError": BY_STATUS,
    "MockException": BY_STATUS,
    "OpenAIError": FAILED,
    "BadRequestError": FAILED,
    "InvalidRequestError": FAILED,
    "UnprocessableEntityError": FAILED,
    "RejectedRequestError": FAILED,
    "ContextWindowExceededError": FAILED,
    "ContentPolicyViolationError": FAILED,
    "ImageFetchError": FAILED,
    "VectorStoreSearchError": FAILED,
    "JSONSchemaValidationError": FAILED,
    "GuardrailRaisedException": FAILED,
    "BlockedPiiEntityError": FAILED,
    "ModifyResponseException": FAILED,
    "SensitiveDataRouteException": FAILED,
}
"""Each of LiteLLM's exceptions, and what it means for the run: a class that is not here counts as its nearest base."""


def fault_of(error: Exception, name: str, outer: BaseException | None = None) -> LadderError:
    """The error for what LiteLLM raised: what was found wrong with the answer itself goes before what it made of it.

    Args:
        error: What LiteLLM raised.
        name: The model's name as written in ladder.toml.
        outer: What the caller was handling when it asked: no cause of this.
    """
    causes = tuple(_causes(error, outer))
    for cause in causes:
        if isinstance(cause, LadderError):
            return cause
    headers = _headers(error)
    logged_out = _cause(causes, _NO_LOGIN) is not None
    unreached = None if headers or logged_out else _cause(causes, _UNREACHED)
    if unreached is not None:
        return _unsent(unreached, name)
    kind = next((FAULTS[cls.__name__] for cls in type(error).__mro__ if cls.__name__ in FAULTS), FAILED)
    if logged_out or (not headers and _KEYLESS.search(str(error))):
        kind = REFUSED
    if kind == BY_STATUS:
        status = getattr(error, "status_code", None)
        unanswered = not headers and _cause(causes, _UNANSWERED) is not None
        if unanswered or not isinstance(status, int) or status == 200:  # 200: a page that is no completion
            return ModelUnavailable(_told(error, name))
        return fault_of_status(name, status, str(error), headers)
    if kind == LIMITED and QUOTA in _whole(error):
        return fault_of_status(name, 429, f"{excerpt(error)}, {QUOTA}", headers)
    if kind == REFUSED and type(error).__name__ == "UnsupportedParamsError" and _SPARED in str(error):
        kind = FAILED
    if kind == REFUSED:
        step = "check the model's name, its options, the key in the environment, and what its account may use"
        return ModelRefused(_told(error, name, step))
    if kind == FAILED:
        return ModelFailed(_told(error, name))
    return ModelUnavailable(_told(error, name), retry_after=retry_after(headers), limited=kind == LIMITED)


def _unsent(cause: BaseException, name: str) -> ModelUnavailable:
    said = _NO_WORDS.sub("", excerpt(cause)) or type(cause).__name__
    return ModelUnavailable(message(f"model {name}", f"the server cannot be reached ({said})"), unsent=True)


def _told(error: Exception, name: str, step: str | None = None) -> str:
    said = excerpt(error).removeprefix("litellm.").removeprefix(f"{type(error).__name__}: ")
    return message(f"model {name}", f"{type(error).__name__} ({said})", next_step=step)


def _whole(error: Exception) -> str:
    return f"{error} {getattr(error, 'code', '')} {getattr(error, 'body', '')}"


def _headers(error: Exception) -> dict[str, str]:
    """The headers of the answer that led to an error, names in lower case."""
    response = getattr(error, "response", None)
    for found in (getattr(error, "litellm_response_headers", None), getattr(response, "headers", None)):
        if found:
            return {str(name).lower(): str(value) for name, value in dict(found).items()}
    return {}


def _cause(causes: Sequence[BaseException], classes: Set[str]) -> BaseException | None:
    """The first cause that is of one of these classes, each written as its package and its name."""
    return next((cause for cause in causes if classes & set(map(_named, type(cause).__mro__))), None)


def _named(cls: type) -> str:
    return f"{cls.__module__.partition('.')[0]}.{cls.__name__}"


def _causes(error: BaseException, outer: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and cause is not outer and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
