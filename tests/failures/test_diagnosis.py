"""What real partner packages raise against a failing server is told apart, whoever the provider is."""

from __future__ import annotations

import gc
import pickle
import ssl
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from langchain_core.exceptions import ModelRateLimitError, OutputParserException
from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import PydanticOutputParser
from pydantic import BaseModel

from langchain_lucky_models import errors
from langchain_lucky_models.failures import Evidence, classify
from langchain_lucky_models.wire import CallScope
from tests.loopback import FAULTS, Provider, partners
from tests.loopback.behaviours import status

CODES = {
    "status_400": "invalid_request",
    "status_401": "auth_failed",
    "status_402": "quota_exhausted",
    "status_403": "auth_failed",
    "status_404": "model_gone",
    "status_408": "provider_down",
    "status_409": "provider_down",
    "status_413": "context_too_long",
    "status_422": "invalid_request",
    "status_425": "provider_down",
    "status_429": "rate_limited",
    "status_500": "provider_down",
    "status_501": "provider_down",
    "status_502": "provider_down",
    "status_503": "provider_down",
    "status_504": "provider_down",
    "status_529": "provider_down",
    "status_401_echo": "auth_failed",
    "context_too_long": "context_too_long",
    "content_refused": "content_refused",
    "quota_exhausted": "quota_exhausted",
    "reset_before_answer": "connection_failed",
    "reset_after_headers": "connection_failed",
    "cut_before_first_token": "protocol",
    "cut_after_role": "protocol",
    "cut_after_tokens": "protocol",
    "truncated_json": "protocol",
    "deep_json": "protocol",
    "length_too_long": "protocol",
}
"""What every partner's failure has to be called, whole or streamed."""

SILENCES = [
    ("hang_before_headers", False),
    ("hang_after_headers", False),
    ("silent_after_role", True),
    ("stall_after_tokens", True),
]
"""Faults that only the client's own timer ends, and whether they are streamed."""

WAITS = {
    "retry_after_seconds": 2.0,
    "retry_after_float": 1.5,
    "retry_after_date": 2.0,
    "retry_after_skewed": 2.0,
    "retry_after_ms": 1.5,
    "retry_after_hour": 3600.0,
    "retry_after_inf": None,
    "retry_after_nan": None,
    "retry_after_negative": None,
    "retry_after_overflow": None,
    "retry_after_20_digits": None,
    "retry_after_twice": 7.0,
    "retry_after_garbage": None,
    "retry_after_past": 0.0,
}

STUMBLES = {
    "html_200": "protocol",
    "null_choices": "protocol",
    "empty_choices": "protocol",
    "error_in_200": "rate_limited",
}
"""Answers that partner packages stumble over; told apart by what the wire saw."""

REQUEST_IDS = {
    "openai": "req_loopback_openai",
    "responses": "req_loopback_openai",
    "openrouter": "gen-loopback",
    "groq": "req_loopback_groq",
    "anthropic": "req_loopback_anthropic",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    """One server for all faults."""
    with Provider() as found:
        yield found


@pytest.fixture(scope="module", params=partners.BUILDERS, ids=lambda build: build.__name__)
async def model(request: pytest.FixtureRequest, server: Provider) -> AsyncIterator[BaseChatModel]:
    """Each partner's own model, with time enough for a busy machine."""
    built = request.param(server, timeout=20)
    yield built
    await partners.aclose(built)


def failure_of(model: BaseChatModel, *, streams: bool = False) -> Exception | None:
    """The exception that a call raises, if it does."""
    try:
        if streams:
            list(model.stream("Hello"))
        else:
            model.invoke("Hello")
    except Exception as error:  # noqa: BLE001 - it is what is looked at
        return error
    return None


def fail(model: BaseChatModel, *, streams: bool = False) -> Exception:
    """The exception that a call has to raise."""
    error = failure_of(model, streams=streams)
    assert error is not None, "the call did not fail"
    return error


def found(error: Exception, evidence: Evidence | None = None) -> errors.CallError:
    return classify(error, provider="acme", model="m1", evidence=evidence)


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", CODES)
def test_every_partners_failure_gets_the_same_name(
    server: Provider, model: BaseChatModel, fault: str, *, streams: bool
) -> None:
    server.clear()
    server.script(fault)
    assert found(fail(model, streams=streams)).code == CODES[fault]
    assert len(server.requests) == 1


@pytest.mark.parametrize("build", partners.BUILDERS, ids=lambda build: build.__name__)
async def test_every_partners_timeout_gets_the_same_name(server: Provider, build: partners.Builder) -> None:
    """Sync and async, before and after the first content."""
    hasty = build(server, timeout=0.4)
    for fault, streams in SILENCES:
        server.clear()
        server.script(fault)
        assert found(fail(hasty, streams=streams)).code == "provider_timeout"
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever the partner raises
        await hasty.ainvoke("Hello")
    assert found(caught.value).code == "provider_timeout"
    await partners.aclose(hasty)


@pytest.mark.parametrize("fault", WAITS)
def test_every_form_of_retry_after_is_read_from_every_partner(
    server: Provider, model: BaseChatModel, fault: str
) -> None:
    server.clear()
    server.script(fault)
    told = found(fail(model))
    assert told.code == "rate_limited"
    assert told.retry_after == pytest.approx(WAITS[fault]) if WAITS[fault] is not None else told.retry_after is None


async def test_async_calls_fail_by_the_same_names(server: Provider, model: BaseChatModel) -> None:
    for fault in ("status_429", "status_503", "reset_before_answer"):
        server.clear()
        server.script(fault)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever the partner raises
            await model.ainvoke("Hello")
        assert found(caught.value).code == CODES[fault]


@pytest.mark.parametrize("fault", STUMBLES)
def test_stumbles_over_a_broken_answer_are_told_by_what_the_wire_saw(
    server: Provider, model: BaseChatModel, fault: str
) -> None:
    server.clear()
    server.script(fault)
    error = failure_of(model)
    if error is None:
        pytest.skip("this partner takes it for an empty answer, which is judged by its content")
    request = server.requests[0]
    seen = httpx.post(server.url + request.path, content=request.body)
    evidence = Evidence(seen.status_code, dict(seen.headers), seen.content[:4096])
    # Ollama's error is a sentence: there is no code in it that could say 429.
    assert found(error, evidence).code == ("protocol" if request.path == "/api/chat" else STUMBLES[fault])


@pytest.mark.parametrize("fault", ["error_event", "error_event_first"])
def test_an_error_event_is_a_failure_of_the_provider(server: Provider, model: BaseChatModel, fault: str) -> None:
    server.clear()
    server.script(fault)
    code = found(fail(model, streams=True), Evidence(200)).code
    # Some packages leave such a stream open. Its end, whenever the collector comes by, wants its pool's lock, and
    # would wait for it for ever in the middle of a later call of the same pool.
    gc.collect()
    assert code in ("provider_down", "protocol")


def test_the_result_names_who_failed_and_the_providers_id(server: Provider, model: BaseChatModel) -> None:
    server.clear()
    server.script("status_503")
    told = found(fail(model))
    assert (told.provider, told.model, told.status) == ("acme", "m1", 503)
    assert str(told) == "acme#m1 answered 503: loopback says 503"
    named = {path: name for name, path in _paths(server).items()}
    if named[server.requests[0].path] in REQUEST_IDS:
        assert told.request_id == REQUEST_IDS[named[server.requests[0].path]]


def _paths(server: Provider) -> dict[str, str]:
    del server
    return {
        "openai": "/v1/chat/completions",
        "responses": "/v1/responses",
        "openrouter": "/api/v1/chat/completions",
        "groq": "/openai/v1/chat/completions",
        "anthropic": "/v1/messages",
        "ollama": "/api/chat",
    }


def test_a_key_that_the_provider_repeats_is_scrubbed_and_nothing_is_chained(
    server: Provider, model: BaseChatModel
) -> None:
    server.clear()
    server.script("status_401_echo")
    told = classify(fail(model), provider="acme", model="m1", scrub=lambda text: text.replace(partners.KEY, "***"))
    assert "***" in str(told)
    assert partners.KEY not in repr((told, told.args, vars(told), pickle.dumps(told)))
    assert told.__cause__ is None
    assert told.__context__ is None


def test_messages_are_cut_after_scrubbing() -> None:
    told = found(RuntimeError("x" * 290 + partners.KEY + "y" * 500))
    assert len(told.safe_message) <= 300
    assert partners.KEY[:8] not in str(told)


class Point(BaseModel):
    """A point."""

    x: int


def test_an_answer_that_does_not_parse_is_a_protocol_error() -> None:
    with pytest.raises(OutputParserException) as caught:
        PydanticOutputParser(pydantic_object=Point).parse("no json")
    assert found(caught.value).code == "protocol"


def test_our_own_errors_pass_and_learn_who_failed() -> None:
    own = errors.RedirectRefusedError("elsewhere")
    assert found(own) is own
    assert (own.provider, own.model) == ("acme", "m1")
    wrapped = RuntimeError("Connection error.")
    wrapped.__cause__ = own
    assert found(wrapped) is own


@pytest.mark.parametrize("earlier", [errors.RateLimitedError("429"), httpx.ReadTimeout("slow")], ids=["own", "wire"])
def test_a_call_inside_an_except_block_does_not_inherit_the_failure_before(earlier: Exception) -> None:
    """What was being handled when a failure happened is not its cause."""
    later = httpx.ConnectError("refused")
    later.__context__ = earlier  # as Python does inside an except block
    assert found(later).code == "connection_failed"


def test_errors_of_our_settings_are_refusals_of_ours() -> None:
    assert found(errors.ConfigError("no such field")).code == "local_refusal"


def test_a_foreign_model_error_is_believed() -> None:
    told = found(ModelRateLimitError("slow down; try again in 2.5s"))
    assert (told.code, told.retry_after) == ("rate_limited", 2.5)


def refused_with(status_code: int) -> httpx.HTTPStatusError:
    """A refusal without a body."""
    request = httpx.Request("POST", "http://127.0.0.1/v1/chat/completions")
    answer = httpx.Response(status_code, request=request)
    return httpx.HTTPStatusError("refused", request=request, response=answer)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TimeoutError(), "provider_timeout"),
        (httpx.PoolTimeout("busy"), "provider_timeout"),
        (httpx.ConnectTimeout("slow"), "connection_failed"),
        (httpx.ConnectError("no such host"), "connection_failed"),
        (ConnectionResetError(), "connection_failed"),
        (httpx.TooManyRedirects("round and round"), "redirect_refused"),
        (refused_with(307), "redirect_refused"),
        (refused_with(418), "invalid_request"),
        (refused_with(599), "provider_down"),
        (ssl.SSLCertVerificationError("self-signed certificate"), "tls_refused"),
        (httpx.LocalProtocolError("Illegal header value"), "invalid_request"),
        (TypeError("create() got an unexpected keyword argument 'foo'"), "unknown_failure"),
        (KeyError("x"), "unknown_failure"),
        (RuntimeError("who knows"), "unknown_failure"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_bare_exceptions_get_the_name_they_deserve(error: Exception, code: str) -> None:
    assert found(error).code == code


def test_a_calls_scope_is_evidence_as_it_is() -> None:
    scope = CallScope(deadline=1e9)
    stumble = TypeError("'NoneType' object is not iterable")
    assert classify(stumble, provider="acme", model="m1", evidence=scope).code == "unknown_failure"
    scope.status, scope.headers = 200, {"x-request-id": "req_1"}
    scope.opening = b'{"error": {"code": 429, "message": "try again in 3s"}}'
    told = classify(stumble, provider="acme", model="m1", evidence=scope)
    assert (told.code, told.retry_after, told.request_id) == ("rate_limited", 3.0, "req_1")
    scope.opening = b'{"choices": null}'
    assert classify(stumble, provider="acme", model="m1", evidence=scope).code == "protocol"


def test_unknown_failures_say_their_type() -> None:
    assert str(found(RuntimeError("who knows"))) == "acme#m1: RuntimeError: who knows"


@pytest.mark.parametrize(
    ("code", "word", "message", "expected"),
    [
        (400, "model_decommissioned", "The model `x` has been decommissioned", "model_gone"),
        (400, "invalid_request_error", "foo/bar is not a valid model ID", "model_gone"),
        (400, "invalid_request_error", "Your credit balance is too low to access the API", "quota_exhausted"),
        (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", "context_too_long"),
        (403, "moderation", "Your input was flagged by the moderation", "content_refused"),
        (413, "rate_limit_exceeded", "Request too large for model `x` on tokens per minute (TPM)", "rate_limited"),
        (429, "rate_limit_exceeded", "Rate limit reached on requests per day (RPD): Limit 1000", "quota_exhausted"),
        (429, "rate_limit_exceeded", "Rate limit reached on tokens per minute (TPM)", "rate_limited"),
        (500, "server_error", "The model does not exist in this region", "provider_down"),
        (404, "not_found", "No endpoints found that support tool use", "model_gone"),
    ],
)
async def test_the_providers_words_decide_where_the_status_leaves_it_open(
    server: Provider, code: int, word: str, message: str, expected: str
) -> None:
    server.clear()
    server.script(status(code, word=word, message=message))
    for build in (partners.openai, partners.groq):
        model = build(server)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever the partner raises
            await model.ainvoke("Hello")
        await partners.aclose(model)
        assert found(caught.value).code == expected


def test_groqs_wait_in_a_sentence_is_read(server: Provider) -> None:
    message = "Rate limit reached for model `x`. Please try again in 5.289s."
    told = found(httpx_error(server, status(429, message=message)))
    assert told.retry_after == 5.289


def httpx_error(server: Provider, fault: object) -> Exception:
    server.clear()
    server.script(fault)  # type: ignore[arg-type]
    answer = httpx.post(f"{server.url}/v1/chat/completions", json={"model": "m"})
    error = httpx.HTTPStatusError("failed", request=answer.request, response=answer)
    error.body = answer.json()  # type: ignore[attr-defined]
    return error


def test_every_fault_that_fails_at_once_is_in_a_table() -> None:
    """A new fault has to be given a name here, or a reason why it is judged elsewhere."""
    by_the_stream = {"reset_mid_stream", "ends_without_finish", "ends_without_finish_done", "null_content"}
    by_the_stream |= {"malformed_event", "malformed_first_event", "error_event", "error_event_first"}
    by_the_wire = {name for name in FAULTS if name.startswith("redirect_")} | {"wrong_content_type"}
    by_the_wire |= {"drip", "drip_events", "comments_only", "oversized_line", "endless_body", "endless_stream"}
    by_the_wire |= {"gzip_bomb", "million_headers", "length_too_short"}
    no_failure = {name for name in FAULTS if name.startswith("usage_")} | {"duplicate_done", "set_cookie"}
    known = (
        set(CODES)
        | {fault for fault, _ in SILENCES}
        | set(WAITS)
        | set(STUMBLES)
        | by_the_stream
        | by_the_wire
        | no_failure
    )
    assert set(FAULTS) == known
