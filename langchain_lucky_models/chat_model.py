"""`LuckyChatModel`: LangChain's methods on a line of members, and nothing else."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from functools import cached_property
from inspect import signature
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Self

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, BaseRunManager, CallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, model_validator

from langchain_lucky_models.errors.base import UnboundHandleError
from langchain_lucky_models.extras import Later
from langchain_lucky_models.handle.bound import BoundByMember
from langchain_lucky_models.handle.choosing import RUN_TAGS, ChosenAtRuntime
from langchain_lucky_models.handle.making import line_of, own_tags
from langchain_lucky_models.handle.portrait import PARTNER_WORDS, Portrait
from langchain_lucky_models.strategies import Strategy

if TYPE_CHECKING:
    from langchain_lucky_models.asking import calls, manners, members, questions
    from langchain_lucky_models.handle import alone
    from langchain_lucky_models.providers import keywords
    from langchain_lucky_models.users.tenants import Tenant
else:
    # What makes and asks is imported with the first handle: who only names the class need not wait for it. That way
    # annotations can still be read at run time, as LangChain does; pydantic would read a field's at once.
    calls = Later("langchain_lucky_models.asking.calls")
    manners = Later("langchain_lucky_models.asking.manners")
    members = Later("langchain_lucky_models.asking.members")
    questions = Later("langchain_lucky_models.asking.questions")
    alone = Later("langchain_lucky_models.handle.alone")
    keywords = Later("langchain_lucky_models.providers.keywords")
    Tenant = object

MEMBERS_OWN = frozenset({"rate_limiter"})
"""Fields of every chat model that belong to the members here: a limiter is asked before each attempt."""

SETTINGS = ("model", "also", "strategy", "wanted", "params", "timeout", "max_retries", *PARTNER_WORDS)
"""Fields that decide whom a handle asks, and how."""
_SETTINGS_OF = itemgetter(*SETTINGS)

Messages = list[BaseMessage]
Stop = list[str] | None
Words = dict[str, Any]
Run = BaseRunManager | None


class LuckyChatModel(Portrait, BoundByMember, ChosenAtRuntime):
    """A chat model that stands for one model, a tier, or several models with a strategy.

    A registry's users make them with `user.model(…)`, `user.models(…)` and `user.tier(…)`. Made directly, it takes
    keys from the environment, or `api_key` for its own provider.

    Attributes:
        model: What the user typed: `openai#gpt-4o`, `gpt-4o`, `tier:cheap`.
        also: Further names behind the same handle.
        strategy: How its members are asked.
        temperature: Passed on to the members.
        max_tokens: Passed on to the members.
        stop: Passed on to the members.
        timeout: Seconds a whole call may take.
        max_retries: Further requests a call may make where a failure may pass.
        streaming: Whether `invoke` streams underneath.
        params: Any further keyword of the members, and `first_token_timeout`, `stall_timeout`, `stagger`, `quorum`,
            `comparer`, `judge`, `moves_on`.
        wanted: What a tier's members must have: `require`, `min_context`.
    """

    model: str
    also: tuple[str, ...] = ()
    strategy: str | Strategy[Any, Any] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    timeout: float | None = None
    max_retries: int | None = None
    streaming: bool = False
    wanted: dict[str, Any] = Field(default_factory=dict)
    api_key: SecretStr | None = Field(default=None, exclude=True, repr=False)
    tenant: Tenant | None = Field(default=None, exclude=True, repr=False)

    _user_id: str = PrivateAttr(default="")

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid", validate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _gather_params(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Every keyword that is no field is a member's."""
        own = cls.model_fields.keys() - MEMBERS_OWN
        further = {key: value for key, value in values.items() if key not in own and value is not None}
        keywords.refuse_connection(further)
        kept = {key: value for key, value in values.items() if key in own}
        if isinstance(key := kept.get("api_key"), str):
            # Sealed before anything is checked: pydantic's errors show the whole input.
            kept["api_key"] = SecretStr(key)
        return {**kept, "params": {**(values.get("params") or {}), **further}} if further else kept

    @model_validator(mode="after")
    def _move_in(self) -> Self:
        """Find a home, and refuse at once what leads nowhere."""
        if self.tenant is None:
            self.tenant = alone.standalone_tenant(self.model, self.api_key)
            self.api_key = None
        self._user_id = self.tenant.user_id
        if self.profile is None:
            # Looked up when it is first asked for, because it is the member's, and no member is built before its call.
            self.__dict__.pop("profile", None)
        self.line()
        return self

    # --- whom it stands for

    @cached_property
    def _lines(self) -> dict[str | None, tuple[object, manners.Line]]:
        """What the settings came to, by the name that was asked for; here, not private, as that is found faster."""
        return {}

    def line(self, override: str | None = None) -> manners.Line:
        """Everybody this handle asks, in order.

        Args:
            override: Another name to ask instead, within the same user's list.
        """
        tenant, fields = self._home, self.__dict__
        house = tenant.house
        settings = (tenant, house.catalog.state, house.setup, *_SETTINGS_OF(fields))
        known = self._lines.get(override)
        if known is None or known[0] != settings:
            names, wanted = ((override,), {}) if override else ((self.model, *self.also), self.wanted)
            given = {name: fields[name] for name in (*PARTNER_WORDS, "timeout", "max_retries")}
            line = line_of(tenant, names, wanted, self.strategy, {**given, **self.params})
            # Kept as they are now: who changes a dictionary in place shall be noticed.
            kept = tuple(dict(value) if isinstance(value, dict) else value for value in settings)
            known = self._lines[override] = (kept, line)
            # Memoised by LangChain for tracers, from settings that are no longer these.
            fields.pop("_serialized", None)
        return known[1]

    def members(self, override: str | None = None) -> list[members.Member]:
        """The partner models behind it, built now if they are not there yet."""
        pool = self._home.house.pool
        return [pool.member(candidate) for candidate in self.line(override).candidates]

    @property
    def _home(self) -> Tenant:
        """The user. A key that was set since takes the place of the one it was made with."""
        if self.tenant is None:
            raise UnboundHandleError(
                f"this handle of {self._user_id!r} was unpickled and has no keys; call registry.rebind(handle)."
            )
        if self.api_key is not None:
            self.tenant = alone.with_key(self.tenant, self.model, self.api_key)
            self.api_key = None
        return self.tenant

    # --- asking

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._call(messages, stop, kwargs, run_manager).whole()

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await self._call(messages, stop, kwargs, run_manager).awhole()

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        # Closed here, not when somebody lets go of a traceback: a callback may raise in the middle.
        with closing(self._call(messages, stop, kwargs, run_manager, streams=True).stream()) as chunks:
            for chunk in chunks:
                if run_manager:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        async with aclosing(self._call(messages, stop, kwargs, run_manager, streams=True).astream()) as chunks:
            async for chunk in chunks:
                if run_manager:
                    await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk

    def _call(self, messages: Messages, stop: Stop, kwargs: Words, run: Run, *, streams: bool = False) -> calls.Call:
        structure, stream_tags = kwargs.pop("structure", None), kwargs.pop(RUN_TAGS, ())
        line = self.line(kwargs.pop("model", None))
        keywords.refuse_connection(kwargs)
        self._home.check_reroutes({candidate.ref.provider for candidate in line.candidates}, kwargs)
        line = line.but({name: kwargs.pop(name) for name in manners.OWN_WORDS & kwargs.keys()})
        timeouts = line.timeouts(streams=streams)
        question = questions.Question(
            messages,
            stop,
            keywords=kwargs,
            timeouts=timeouts,
            deadline=time.monotonic() + timeouts.total,
            structure=structure,
            must_parse=len(line.candidates) > 1,
            purpose=line.purpose(own_tags(self.tags, run, stream_tags)),
            cheaper=line.cheaper,
        )
        return calls.Call(line, question, self._home.house.backstage)

    # --- copies and pickles

    @property
    def user_id(self) -> str:
        """Whose handle it is."""
        return self._user_id

    def move_to(self, tenant: Tenant) -> None:
        """Stand for the same names with this user's keys and list; `registry.rebind` calls it.

        Raises:
            SelectionError: A name leads to no model that the user may use.
        """
        self.tenant = tenant
        self.line()

    def __getstate__(self) -> dict[Any, Any]:
        """Without keys, and so without the user: unpickled, the handle waits for `registry.rebind`."""
        state = super().__getstate__()
        fields = {**state["__dict__"], "tenant": None, "api_key": None}
        fields.pop("_lines", None)
        return {**state, "__dict__": fields}

    def __copy__(self) -> Self:
        """A copy that looks up for itself whom it stands for."""
        twin = super().__copy__()
        twin.__dict__.pop("_lines", None)
        return twin

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """A copy for the same user: keys and connections are never copied."""
        return self.model_copy()


for _method in (LuckyChatModel._generate, LuckyChatModel._agenerate):
    # LangChain asks for it on every call, and it would be worked out anew each time.
    setattr(_method, "__signature__", signature(_method))  # noqa: B010 - functions have no such attribute, says mypy
