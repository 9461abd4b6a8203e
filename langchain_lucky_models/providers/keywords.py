"""What a caller's keywords mean to a partner class: passed on, put into the request, or refused with near names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping

from langchain_core.language_models import BaseChatModel
from pydantic import ValidationError

from langchain_lucky_models.errors.base import ConfigError, ForbiddenParameterError, did_you_mean, nearest_names

Params = Iterable[tuple[str, object]]

CONNECTION = frozenset(
    {
        "api_base",
        "api_key",
        "async_client",
        "async_client_kwargs",
        "base_url",
        "client",
        "client_kwargs",
        "default_headers",
        "azure_endpoint",
        "default_query",
        "extra_headers",
        "extra_query",
        "headers",
        "host",
        "http_async_client",
        "http_client",
        "http_socket_options",
        "organization",
        "proxies",
        "root_async_client",
        "root_client",
        "sync_client_kwargs",
    }
)
"""Where a model connects, and as whom: the registry's to say, under every name a partner has for it."""
CONNECTION_ENDINGS = ("_api_base", "_api_key", "_api_url", "_organization", "_proxy")

HANDLED = frozenset(
    {
        "cache",
        "callbacks",
        "disable_streaming",
        "max_retries",
        "metadata",
        "name",
        "stream_usage",
        "streaming",
        "tags",
        "verbose",
    }
)
"""What the handle sees to for all its members alike; a member is built without."""

WHICH_MODEL = frozenset({"model", "model_id", "model_name"})
BODY = ("extra_body", "model_kwargs")
"""Keywords whose value is itself sent, so that it could smuggle any of the above."""


def keywords_for(
    model: type[BaseChatModel], params: Params, *, request: Callable[..., object] | None = None
) -> dict[str, object]:
    """The keywords to construct a partner model with.

    Args:
        model: The partner class.
        params: What the caller gave.
        request: The SDK's function that sends a request. What it takes beyond the class goes into `model_kwargs`;
            the partner would put anything there, misspelt names too.

    Raises:
        ForbiddenParameterError: A keyword says where to connect, as whom, or to which model.
        ConfigError: Nobody knows the keyword.
    """
    given = {name: value for name, value in params if name not in HANDLED}
    refuse_connection(given)
    fields = field_names(model)
    keywords = {name: value for name, value in given.items() if name in fields}
    rest = {name: value for name, value in given.items() if name not in fields}
    if not rest:
        return keywords
    sent = frozenset(inspect.signature(request).parameters) if request else frozenset()
    for name in rest:
        if name not in sent:
            raise unknown_keyword(name, model.__name__, fields | sent)
    beside = keywords.get("model_kwargs")
    keywords["model_kwargs"] = {**(beside if isinstance(beside, Mapping) else {}), **rest}
    return keywords


def with_body(params: Params, body: Mapping[str, object]) -> dict[str, object]:
    """The keywords, with further fields for the body of the request; what the caller put there stays.

    Example:
        >>> with_body([("extra_body", {"top_k": 5})], {"random_seed": 1})
        {'extra_body': {'random_seed': 1, 'top_k': 5}}
    """
    keywords = dict(params)
    given = keywords.get("extra_body")
    if body:
        keywords["extra_body"] = {**body, **(given if isinstance(given, Mapping) else {})}
    return keywords


def field_names(model: type[BaseChatModel]) -> frozenset[str]:
    """Every name under which a partner class takes a keyword, its aliases included."""
    aliases = {field.alias for field in model.model_fields.values() if field.alias}
    return frozenset(model.model_fields) | aliases


def refuse_connection(given: Mapping[str, object]) -> None:
    """Refuse what decides where a request goes, as whom, or to which model.

    Raises:
        ForbiddenParameterError: A keyword does, or one of the fields it sends does.
    """
    sent = [name for body in BODY if isinstance(inner := given.get(body), Mapping) for name in inner]
    for name in (*given, *sent):
        if name in CONNECTION or name.endswith(CONNECTION_ENDINGS):
            raise ForbiddenParameterError(
                f"{name!r} says where to connect or as whom, which a model is not told. An address belongs to "
                "providers= of create_llm_registry() or endpoints= of for_user(); keys to fallback_keys= or api_keys=.",
                field=name,
            )
        if name in WHICH_MODEL:
            raise ForbiddenParameterError(f"{name!r} names another model; ask for that model by its ref.", field=name)


def unknown_keyword(name: str, model: str, known: Collection[str]) -> ConfigError:
    """The error for a keyword that nobody knows."""
    offered = sorted(one for one in known if one not in CONNECTION | HANDLED | WHICH_MODEL)
    hint = did_you_mean(nearest_names(name, offered))
    return ConfigError(
        f"{model} takes no keyword {name!r}.{hint} A field of the request that it has no name for can be given in "
        "model_kwargs or extra_body, where the class has them.",
        field=name,
    )


def construct(model: type[BaseChatModel], keywords: Mapping[str, object]) -> BaseChatModel:
    """Construct a partner model, and say plainly what it refuses.

    Raises:
        ConfigError: A value is refused.
    """
    try:
        return model(**keywords)
    except ValidationError as error:
        # Pydantic shows the whole input; only the place and the reason may be shown.
        reasons = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or model.__name__}: {one['msg']}" for one in error.errors()
        )
        field = ".".join(map(str, error.errors()[0]["loc"]))
        raise ConfigError(f"{model.__name__} refuses {reasons}.", field=field or None) from None
