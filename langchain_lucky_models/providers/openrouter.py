"""Routers in front of many providers: OpenRouter and Requesty.

Both speak Chat Completions, and add which provider may answer, what the model thought, and what it cost them.
"""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from langchain_lucky_models.providers import openai_shape
from langchain_lucky_models.providers.compatible import compatible
from langchain_lucky_models.providers.family import Family, MemberSpec
from langchain_lucky_models.providers.keywords import with_body
from langchain_lucky_models.wire import Wire

ROUTING = frozenset(
    {
        "min_p",
        "models",
        "plugins",
        "provider",
        "reasoning",
        "repetition_penalty",
        "route",
        "session_id",
        "top_a",
        "top_k",
        "transforms",
    }
)
"""Fields of a request that OpenAI does not have, or means otherwise; they travel in the body as they are."""
ATTRIBUTION = {"app_url": "HTTP-Referer", "app_title": "X-Title"}
"""Keywords that tell the router which application asks, and the header of each."""


def build(spec: MemberSpec, wire: Wire) -> BaseChatModel:
    """A `CompatibleChatModel` whose routing keywords go into the body of the request."""
    body = {name: value for name, value in spec.params if name in ROUTING}
    headers = {ATTRIBUTION[name]: str(value) for name, value in spec.params if name in ATTRIBUTION}
    rest = with_body(((name, value) for name, value in spec.params if name not in ROUTING | ATTRIBUTION.keys()), body)
    return compatible(spec, wire, rest.items(), takes_back="reasoning_details", default_headers=headers or None)


OPENROUTER = Family(
    kind="openrouter",
    package=openai_shape.PACKAGE,
    extra="openrouter",
    build=build,
    repay=openai_shape.repay,
    base_url="https://openrouter.ai/api/v1",
    key_env="OPENROUTER_API_KEY",
)

REQUESTY = OPENROUTER.variant(
    "requesty", extra="requesty", base_url="https://router.requesty.ai/v1", key_env="REQUESTY_API_KEY"
)
