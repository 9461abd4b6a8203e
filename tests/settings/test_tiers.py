"""A tier of the operator's own may be asked by a strategy of the operator's own; a file can only name one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from langchain_lucky_models import create_llm_registry
from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.strategies import Plan, Rules, fallback
from tests.faults.calls import EVERY_WAY, Asked, mark_of
from tests.homes import GROQ, MINI, registry_on, user_of
from tests.loopback import Provider


def last_first(candidates: Sequence[Any], rules: Rules[Any, Any]) -> Plan[Any, Any]:
    """The other way round."""
    return fallback(candidates[::-1], rules)


TIERS = {"reversed": {"models": [GROQ, MINI], "strategy": last_first}}


@pytest.mark.parametrize("asked", EVERY_WAY)
async def test_a_function_decides_whom_its_tier_asks(provider: Provider, asked: Asked) -> None:
    with registry_on(provider, tiers=TIERS) as registry:
        assert await asked(user_of(registry).tier("reversed"))
    assert [request.model for request in provider.requests] == ["gpt-4o-mini"]


def test_an_answer_names_the_function_and_a_caller_may_choose_another_strategy(provider: Provider) -> None:
    with registry_on(provider, tiers=TIERS) as registry:
        user = user_of(registry)
        assert mark_of(user.model("tier:reversed").invoke("Hi"))["strategy"] == "last_first"
        plain = mark_of(user.tier("reversed", strategy="fallback").invoke("Hi"))
    assert (plain["strategy"], plain["ref"]) == ("fallback", GROQ)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("'os:system'", "there is no strategy 'os:system'"),
        ("tests.settings.test_tiers:last_first", "there is no strategy"),
        ("3", "expected a name, or in Python a function"),
        ("[race]", "expected a name, or in Python a function"),
    ],
)
def test_a_file_names_a_strategy_and_never_a_function(tmp_path: Path, given: str, told: str) -> None:
    file = tmp_path / "registry.yaml"
    file.write_text(f"tiers:\n  reversed:\n    models: ['{MINI}']\n    strategy: {given}\n")
    with pytest.raises(ConfigError, match=told) as refused:
        create_llm_registry(file)
    assert refused.value.field == "tiers.reversed.strategy"
