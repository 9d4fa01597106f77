"""What is wrong with a model's table, found out before it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pytest_ladder.backends import litellm_list
from pytest_ladder.backends.decoding import Decoding
from pytest_ladder.backends.hosted import Terms, check_call, check_settings, unpriced
from pytest_ladder.backends.hosted_options import check_sent
from pytest_ladder.backends.models import LOCAL, LOCAL_SETTINGS, is_function, is_hosted, is_local, settings_of
from pytest_ladder.backends.openai_compatible import PREFIX, OpenAICompatible
from pytest_ladder.backends.options import check_options
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.prices import Price
from pytest_ladder.errors import InvalidRequest, MissingDependency, message


def check_model(name: str, options: Mapping[str, Json], price: Price | None, folder: Path, *, asked: bool) -> None:
    """Check a model's options and, where it is to be asked, what goes along, its name, its price and its weights.

    Nothing is asked or loaded, no key is looked for, and a package that is not installed is no fault yet.

    Args:
        name: As in ladder.toml.
        options: Its `model_options`.
        price: As declared; None for LiteLLM's own.
        folder: What a local path is relative to.
        asked: Whether it is to be asked. Where it is not, packages, weights and prices need not be here.

    Raises:
        InvalidRequest: something cannot be used.
    """
    if not name.strip():
        raise InvalidRequest(message("model", "the name is empty"))
    known = settings_of(name)
    settings = {key: value for key, value in options.items() if key in known}
    sent = {key: value for key, value in options.items() if key not in known}
    if is_local(name):
        check_options(settings, LOCAL_SETTINGS, f"model {name}: model_options")
        Decoding.of(sent, f"model {name}")
    if is_hosted(name):
        check_settings(settings, name)
        check_call(sent, name)
    if asked and is_hosted(name):
        check_sent(sent, name)
    if asked and not is_function(name):
        with suppress(MissingDependency):
            _check_served(name, settings, price, folder)


def _check_served(name: str, settings: Mapping[str, Json], price: Price | None, folder: Path) -> None:
    """Whether there is a model of this name, as far as that shows without asking it; raises InvalidRequest."""
    if is_local(name):
        from pytest_ladder.backends.transformers_lm import TransformersModel

        TransformersModel(name, name.removeprefix(LOCAL), folder=folder, **settings)
        return
    places: Sequence[Mapping[str, Json]] = settings.get("deployments") or ({},)
    for place in places:
        _check_place(str(place.get("model", name)), price)


def _check_place(name: str, price: Price | None) -> None:
    if name.startswith(PREFIX):
        if price is None:
            raise unpriced(name)
        OpenAICompatible(name, Terms(price))
        return
    if litellm_list.served(name, priced=price is not None):
        return
    if not litellm_list.logs_in(name):
        from pytest_ladder.backends.litellm_lm import LiteLLM

        LiteLLM(name, Terms, price)
    elif price is None and litellm_list.is_here():
        raise unpriced(name)
