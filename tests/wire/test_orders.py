"""What the environment adds to requests is the house's, and travels with no user's key."""

from __future__ import annotations

import pytest
from langchain_anthropic import ChatAnthropic
from pydantic import SecretStr

from langchain_lucky_models.wire import Wire
from langchain_lucky_models.wire.orders import environment_headers
from tests.loopback import Provider
from tests.wire.raw import credential


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("", set()),
        ("no colon", set()),
        ("X-Team: house\nX-Url: http://a:1", {(b"x-team", b"house"), (b"x-url", b"http://a:1")}),
    ],
)
def test_the_variable_is_read_as_the_partner_package_reads_it(text: str, headers: set[tuple[bytes, bytes]]) -> None:
    assert environment_headers({"ANTHROPIC_CUSTOM_HEADERS": text}) == headers


@pytest.mark.parametrize(("owner", "travels"), [("house", True), ("user:ada", False)])
def test_custom_headers_of_the_environment_are_the_houses(
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    owner: str,
    travels: bool,  # noqa: FBT001 - a column of the table
) -> None:
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Team: house-team")
    wire = Wire()
    ticket = wire.issue(credential(provider.url, owner=owner))
    model = ChatAnthropic(model="m", base_url=provider.url, api_key=SecretStr(ticket.text), max_retries=0)
    model.__dict__["_client"] = model._client.with_options(http_client=wire.client("httpx2"))
    model.invoke("hello")
    wire.close()
    assert ("house-team" in str(provider.requests)) is travels
