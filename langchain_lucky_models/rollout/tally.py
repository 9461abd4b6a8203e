"""Hears of every model that a shadow asks: refuses those the money does not pay for, and adds up what the rest cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import LLMResult

from langchain_lucky_models.asking.records import MARK
from langchain_lucky_models.budgets.estimates import CallSize, estimate_call
from langchain_lucky_models.catalog import prices
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.errors.base import InvalidRefError, ShadowCapError
from langchain_lucky_models.errors.calls import CircuitOpenError, LocalRefusalError
from langchain_lucky_models.refs import ModelRef
from langchain_lucky_models.rollout.purse import NOTHING, Purse
from langchain_lucky_models.settings.rollout import ShadowConfig
from langchain_lucky_models.users.house import House

_FREE_KINDS = frozenset({"local", "ollama", "vllm"})
_ONE_ANSWERS = frozenset({"first", "fallback"})
_CHARACTERS_A_TOKEN = 4
_UNASKED = (ShadowCapError, CircuitOpenError, LocalRefusalError)
"""With what a call ends that was never sent."""
_REFUSED = 400
"""The first status that says a request was refused, and so not billed."""


class PriceList:
    """What models cost, by the names under which LangChain knows them.

    Args:
        house: Whose catalog and providers count.
    """

    def __init__(self, house: House) -> None:
        self._house = house

    def most(self, ref: str, size: CallSize) -> Decimal | None:
        """The most that a request may cost; `None` where nobody knows."""
        if self._free(ref):
            return NOTHING
        entry = self._entry(ref)
        return estimate_call(entry, size, dt.datetime.now(dt.UTC)).most if entry is not None else None

    def cost(self, message: BaseMessage) -> Decimal | None:
        """What an answer cost: as it says itself, else by the catalog; `None` where nobody knows."""
        told = message.response_metadata
        mark = told.get(MARK)
        said = mark.get("cost") if isinstance(mark, Mapping) else told.get("cost")
        if said is not None:
            return Decimal(str(said))
        ref = f"{told.get('model_provider')}#{told.get('model_name')}"
        if self._free(ref):
            return NOTHING
        usage = message.usage_metadata if isinstance(message, AIMessage) else None
        entry = self._entry(ref)
        return prices.cost(usage, entry).amount if usage is not None and entry is not None else None

    def _free(self, ref: str) -> bool:
        provider = self._house.providers.get(ref.partition("#")[0])
        return provider is not None and provider.family.kind in _FREE_KINDS

    def _entry(self, ref: str) -> ModelEntry | None:
        try:
            return self._house.catalog.get(ModelRef.parse(ref), None)
        except InvalidRefError:
            return None


class Tally(BaseCallbackHandler):
    """The money of one shadow call, over every model that is asked in it.

    Args:
        purse: The day's money of the feature.
        price_list: What models cost.
        terms: The cap, and what becomes of models without a price.

    Attributes:
        cost: What was spent so far; `None` once a part of it is not known.
    """

    raise_error = True
    """What it raises ends the call before the model is asked."""
    run_inline = True

    def __init__(self, purse: Purse, price_list: PriceList, terms: ShadowConfig) -> None:
        self._purse = purse
        self._price_list = price_list
        self._terms = terms
        self.cost: Decimal | None = NOTHING

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002 - LangChain gives it
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Hold the most that the request may cost, or refuse it."""
        params = kwargs.get("invocation_params") or {}
        tokens = sum(count_tokens_approximately(batch) for batch in messages)
        self._hold(run_id, _Asked.of(params, metadata or {}, tokens))

    def on_llm_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002 - LangChain gives it
        prompts: list[str],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Same as `on_chat_model_start`, for models that complete texts."""
        tokens = sum(map(len, prompts)) // _CHARACTERS_A_TOKEN
        self._hold(run_id, _Asked.of(kwargs.get("invocation_params") or {}, metadata or {}, tokens))

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_kwargs: Any) -> None:
        """Book what the answer cost."""
        messages = [getattr(shown, "message", None) for row in response.generations for shown in row[:1]]
        costs = [None if message is None else self._price_list.cost(message) for message in messages]
        known = [cost for cost in costs if cost is not None]
        self._book(run_id, sum(known, NOTHING) if len(known) == len(costs) else None)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_kwargs: Any) -> None:
        """Book nothing where the provider refused, or we did; else all that was held, for it may have been billed."""
        status = getattr(error, "status", None) or getattr(error, "status_code", None)
        refused = isinstance(error, _UNASKED) or (isinstance(status, int) and status >= _REFUSED)
        self._book(run_id, NOTHING if refused else None)

    def _hold(self, run_id: UUID, asked: _Asked) -> None:
        most = asked.most(self._price_list)
        if most is not None:
            self._purse.hold(run_id, most, self._terms.max_cost)
        elif self._terms.unknown_price == "refuse":
            raise ShadowCapError(
                f"the shadow does not ask {' or '.join(asked.refs)}: nobody knows the price, so max_cost cannot hold;"
                " unknown_price: allow asks all the same."
            )

    def _book(self, run_id: UUID, cost: Decimal | None) -> None:
        booked = self._purse.settle(run_id, cost)
        unknown = cost is None and not booked
        self.cost = None if self.cost is None or unknown else self.cost + booked


class _Asked:
    """Whom a request goes to, and how large it is, as the callbacks tell."""

    def __init__(self, refs: Sequence[str], size: CallSize, *, all_answer: bool) -> None:
        self.refs = refs
        self._size = size
        self._all_answer = all_answer

    @classmethod
    def of(cls, params: Mapping[str, Any], metadata: Mapping[str, Any], tokens: int) -> _Asked:
        """Read what LangChain tells of a request."""
        refs = params.get("refs") or [f"{metadata.get('ls_provider')}#{metadata.get('ls_model_name')}"]
        bounds = (params.get("max_tokens"), params.get("max_completion_tokens"), metadata.get("ls_max_tokens"))
        bound = next((value for value in bounds if isinstance(value, int)), None)
        tools = len(str(params.get("tools") or "")) // _CHARACTERS_A_TOKEN
        several = "refs" in params and params.get("strategy") not in _ONE_ANSWERS
        return cls(refs, CallSize(tokens + tools, bound), all_answer=several)

    def most(self, price_list: PriceList) -> Decimal | None:
        """The most that it may cost: of everybody where all are asked at once, else of the dearest."""
        found = [price_list.most(str(ref), self._size) for ref in self.refs]
        known = [most for most in found if most is not None]
        if len(known) < len(found):
            return None
        return sum(known, NOTHING) if self._all_answer else max(known)
