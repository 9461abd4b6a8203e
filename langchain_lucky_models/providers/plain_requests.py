"""Chat completions of the `openai` package that go out as LangChain wrote them.

The package walks every request along its types, to rename fields as a server wants them. Of this one it renames none,
and the walk is an eighth of a call. What stands in `extra_body` is not walked. This module is imported only where
`openai` is.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import isclass, signature
from typing import Any

from openai.resources.chat import AsyncCompletions, Completions

OPTIONS = ("extra_headers", "extra_query", "timeout")
"""What is said of the request beside its body."""
FORM = signature(Completions.create).parameters.keys() - {"self", "extra_body", *OPTIONS}
"""What the package lets a body consist of."""


class PlainCompletions(Completions):
    """Chat completions that are not walked."""

    def create(self, **words: Any) -> Any:
        """Ask; what the package would refuse it is given, to refuse it in its own words."""
        return super().create(**_beside_the_form(words))


class AsyncPlainCompletions(AsyncCompletions):
    """Same as `PlainCompletions`, without blocking the event loop."""

    async def create(self, **words: Any) -> Any:
        """Same as `PlainCompletions.create`."""
        return await super().create(**_beside_the_form(words))


def _beside_the_form(words: Mapping[str, Any]) -> Mapping[str, Any]:
    options = {name: words[name] for name in OPTIONS if name in words}
    body = {name: word for name, word in words.items() if name not in options and name != "extra_body"}
    complete = "model" in body and "messages" in body
    if not complete or not body.keys() <= FORM or isclass(body.get("response_format")):
        return words
    streams = {"stream": body["stream"]} if "stream" in body else {}
    further = words.get("extra_body") or {}
    return {"model": body["model"], "messages": (), **streams, **options, "extra_body": {**body, **further}}
