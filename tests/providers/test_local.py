"""The embedded model's family: its server is this process's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from langchain_core.messages import HumanMessage

from langchain_lucky_models.providers import MemberSpec, family_of
from tests.providers.conftest import Workshop

LOCAL = family_of("local")


def test_its_address_is_asked_of_the_embedded_server(tmp_path: Path) -> None:
    """Without the model's file there is none, and the error says how to get it; nothing is fetched unasked."""
    # In a process of its own: here, another test may have started the server.
    asking = "from langchain_lucky_models.providers import family_of; family_of('local').address('smollm2-135m')"
    environment = {**os.environ, "LUCKY_CACHE_DIR": str(tmp_path)}
    asked = subprocess.run([sys.executable, "-c", asking], env=environment, capture_output=True, text=True, check=False)
    assert "LocalModelError" in asked.stderr
    assert "lucky-models local pull" in asked.stderr
    assert list(tmp_path.iterdir()) == []


def test_it_speaks_as_compatible_servers_do(workshop: Workshop) -> None:
    spec = MemberSpec("local", "local", "smollm2-135m", workshop.server.base_urls["local"])
    member = LOCAL.member(LOCAL.template(spec, workshop.wire), workshop.ticket())
    answer = member.invoke([HumanMessage("hi")])
    assert answer.response_metadata["model_provider"] == "local"
    assert answer.response_metadata["model_name"] == "smollm2-135m"
    assert member._llm_type == "local-chat"


def test_it_needs_no_key_and_may_be_slow_to_start() -> None:
    assert (LOCAL.needs_key, LOCAL.slow_start, LOCAL.open_catalog) == (False, True, True)
    assert LOCAL.origins == frozenset()
