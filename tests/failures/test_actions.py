"""What follows from each failure is the published table, and every class of error is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda

from langchain_lucky_models import errors
from langchain_lucky_models.failures import (
    ACTIONS,
    FALLBACK_ELIGIBLE,
    RETRY_SAFE,
    action_for,
    moves_on,
    outcome_of,
)
from langchain_lucky_models.health import ANSWERED

TABLE = {
    # class: same again, next candidate, who rests, what the board is told
    "invalid_request": ("no", "no", "none", "neutral"),
    "context_too_long": ("no", "larger_context", "none", "neutral"),
    "content_refused": ("no", "opt_in", "none", "neutral"),
    "auth_failed": ("no", "other_credential", "credential", "key_refused"),
    "quota_exhausted": ("no", "yes", "credential", "key_refused"),
    "model_gone": ("no", "yes", "model", "gone"),
    "rate_limited": ("yes", "yes", "cooldown", "limited"),
    "provider_down": ("yes", "yes", "endpoint", "failed"),
    "connection_failed": ("yes", "yes", "endpoint", "unreached"),
    "provider_timeout": ("once", "yes", "model", "failed"),
    "first_token_timeout": ("once", "yes", "model", "failed"),
    "stall_timeout": ("once", "yes", "model", "failed"),
    "protocol": ("once", "yes", "model", "failed"),
    "unfit_answer": ("once", "yes", "none", "answered"),
    "answer_too_large": ("once", "yes", "model", "failed"),
    "stream_interrupted": ("once", "unless_shown", "model", "failed"),
    "stream_truncated": ("once", "unless_shown", "model", "failed"),
    "transport_refused": ("no", "yes", "endpoint", "unreached"),
    "tls_refused": ("no", "yes", "endpoint", "unreached"),
    "redirect_refused": ("no", "yes", "endpoint", "unreached"),
    "address_refused": ("no", "yes", "endpoint", "unreached"),
    "local_refusal": ("no", "no", "none", "neutral"),
    "policy_denied": ("no", "no", "none", "neutral"),
    "key_missing": ("no", "no", "none", "neutral"),
    "budget_exceeded": ("no", "no", "none", "neutral"),
    "limit_reached": ("no", "no", "none", "neutral"),
    "ledger_unavailable": ("no", "no", "none", "neutral"),
    "deadline_exceeded": ("no", "no", "model", "failed"),
    "unknown_failure": ("no", "no", "none", "neutral"),
    "circuit_open": ("no", "yes", "none", "neutral"),
    "all_attempts_failed": ("no", "yes", "none", "neutral"),
    "no_consensus": ("no", "no", "none", "neutral"),
}


def call_errors(kind: type[errors.CallError] = errors.CallError) -> Iterator[type[errors.CallError]]:
    for found in kind.__subclasses__():
        yield found
        yield from call_errors(found)


def known_errors() -> dict[str, type[errors.CallError]]:
    return {
        found.code: found for found in call_errors() if found.__module__.startswith("langchain_lucky_models.errors")
    }


def row_of(kind: type[errors.CallError]) -> tuple[str, str, str, str]:
    """The row of a class, or of the nearest class above it that has one."""
    return next(TABLE[base.code] for base in kind.__mro__ if issubclass(base, errors.CallError) and base.code in TABLE)


@pytest.mark.parametrize("code", sorted(known_errors()))
def test_the_table_holds_for_every_class(code: str) -> None:
    """Case 26: each class: whether the same is asked again, whether the next, who rests, and what health hears."""
    kind = known_errors()[code]
    again, following, rests, told = row_of(kind)
    action = action_for(kind)
    assert (action.same_again, action.next_candidate, action.breaker_scope) == (again, following, rests)
    assert outcome_of(kind("what happened")).kind == told


def test_every_row_of_the_table_is_a_class() -> None:
    assert set(TABLE) <= set(known_errors())


SAME_AGAIN = {"no": "no", "once": "once", "yes": "yes"}
NEXT_MEMBER = {
    "no": "no",
    "yes": "yes",
    "one with a larger context": "larger_context",
    "where `moves_on` says so": "opt_in",
    "one with another credential of the same policy": "other_credential",
    "while nothing was shown": "unless_shown",
}
"""The page's words for the table's."""


def published() -> dict[str, tuple[str, str]]:
    """By class, what the page of reliability says: same again, next member."""
    page = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text()
    block = page.partition("| class | same again | next member |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in block.splitlines() if "`" in line]
    return {
        name: (SAME_AGAIN[again], NEXT_MEMBER[following])
        for names, again, following in rows
        for name in re.findall(r"`(\w+)`", names)
    }


def test_the_page_shows_the_table_as_it_is() -> None:
    """Case 26: every class of the published table, with what is done about it; no class is missing or made up."""
    assert published() == {
        found.__name__: (action.same_again, action.next_candidate) for found, action in ACTIONS.items()
    }


def test_an_answer_is_well() -> None:
    assert outcome_of(None) is ANSWERED


def test_the_outcome_carries_what_the_provider_asked_for() -> None:
    told = outcome_of(errors.RateLimitedError("slow down", facts=errors.CallFacts(retry_after=7.0)))
    assert (told.retry_after, told.reason, told.message) == (7.0, "rate_limited", "slow down")


def test_conditions_decide_where_the_table_leaves_it_open() -> None:
    assert not moves_on(errors.AuthFailedError("401"))
    assert moves_on(errors.AuthFailedError("401"), other_credential=True)
    assert not moves_on(errors.ContextTooLongError("413"))
    assert moves_on(errors.ContextTooLongError("413"), larger_context=True)
    assert not moves_on(errors.ContentRefusedError("no"))
    assert moves_on(errors.ContentRefusedError("no"), opted_in=True)


def test_a_stream_moves_on_only_while_nothing_was_shown() -> None:
    assert moves_on(errors.StreamTruncatedError("cut"))
    assert moves_on(errors.StreamTruncatedError("cut", partial=AIMessage("")))
    assert not moves_on(errors.StreamInterruptedError("cut", partial=AIMessage("Hel")))


def test_a_mistake_of_ours_never_moves_on() -> None:
    assert not moves_on(TypeError("unexpected keyword"))
    assert outcome_of(TypeError("unexpected keyword")).kind == "neutral"


@pytest.mark.parametrize("code", sorted(set(TABLE)))
def test_with_fallbacks_goes_on_for_the_same_failures(code: str) -> None:
    """LangChain's own fallback, given the exported tuple, moves on exactly where we do."""
    kind = known_errors()[code]

    def fail(_: str) -> str:
        raise kind("what happened")

    second = RunnableLambda[str, str](lambda _: "from the second")
    chain = RunnableLambda(fail).with_fallbacks([second], exceptions_to_handle=FALLBACK_ELIGIBLE)
    if TABLE[code][1] == "yes":
        assert chain.invoke("hi") == "from the second"
    else:
        with pytest.raises(kind):
            chain.invoke("hi")


def test_nothing_is_safe_to_retry_from_outside() -> None:
    assert RETRY_SAFE == ()
    assert set(FALLBACK_ELIGIBLE) <= set(ACTIONS)
