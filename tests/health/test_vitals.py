"""How a registry's providers do, as calls have shown and as they say themselves; whom calls therefore leave alone."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from langchain_lucky_models import LLMRegistry, create_llm_registry, errors
from langchain_lucky_models.errors import ConfigError
from tests.clocks import Stopwatch
from tests.homes import GROQ, KEYS, MINI, OPENAI, OPENROUTER, registry_on, user_of
from tests.loopback import FAULTS, Exchange, Fault, Provider


@pytest.fixture
def registry(provider: Provider) -> Iterator[LLMRegistry]:
    with registry_on(provider) as found:
        yield found


def pass_time(registry: LLMRegistry, seconds: float) -> None:
    """Move the clock of the registry's board."""
    registry._house.meter.health.clock = lambda: time.monotonic() + seconds


def take_down(provider: Provider, registry: LLMRegistry, *refs: str) -> None:
    """Five failures each open a breaker."""
    user = user_of(registry)
    for ref in refs:
        provider.script("status_503", model=ref.partition("#")[2])
        for _ in range(5):
            with pytest.raises(errors.ProviderDownError):
                user.model(ref, max_retries=0).invoke("hello")
    provider.requests.clear()


# -- what is told


def test_a_fresh_registry_tells_of_every_provider_that_has_a_key(registry: LLMRegistry) -> None:
    found = registry.health()
    assert {name: health.status for name, health in found.items()} == dict.fromkeys(KEYS, "healthy")


def test_health_names_models_errors_and_times(provider: Provider, registry: LLMRegistry) -> None:
    user_of(registry).model(MINI).invoke("hello")
    take_down(provider, registry, OPENAI)
    health, now = registry.health()["openai"], dt.datetime.now(dt.UTC)
    assert health.status == "degraded"
    assert {name: model.status for name, model in health.models.items()} == {"gpt-4o": "down", "gpt-4o-mini": "healthy"}
    assert (health.models["gpt-4o"].reason, health.last_error) == (
        "provider_down",
        "openai#gpt-4o answered 503: loopback says 503",
    )
    assert health.last_error_at is not None
    assert now - dt.timedelta(seconds=5) < health.last_error_at <= now
    again = health.models["gpt-4o"].next_try_at
    assert again is not None
    assert 4 < (again - now).total_seconds() <= 11


def test_two_models_that_rest_take_their_provider_down(provider: Provider, registry: LLMRegistry) -> None:
    take_down(provider, registry, OPENAI, MINI)
    health = registry.health()["openai"]
    assert health.status == "down"
    assert health.next_try_at is not None
    assert registry.health()["groq"].status == "healthy"


def test_a_users_own_server_is_not_the_registrys_business(provider: Provider) -> None:
    house = {"mybox": {"kind": "vllm", "base_url": provider.url, "allow_private": True}}
    with registry_on(provider, providers=house) as it:
        server = {"mybox": {"kind": "vllm", "base_url": provider.base_urls["vllm"]}}
        user = it.for_user(mode="byok", user_id="ada", models=["mybox#m"], endpoints=server)
        user.model("mybox#m").invoke("hello")
        assert not it.health()["mybox"].models


def test_explain_names_who_rests_and_why(provider: Provider, registry: LLMRegistry) -> None:
    take_down(provider, registry, OPENAI)
    explained = user_of(registry).explain("gpt-4o")
    assert explained.order[0].resting is not None
    assert explained.order[0].resting.startswith("openai#gpt-4o rests after provider_down, for ")
    assert "rests after provider_down" in str(explained)
    assert user_of(registry).explain(GROQ).order[0].resting is None


# -- what is asked


def test_a_checkup_asks_every_kind_for_its_own_list_with_its_own_key(provider: Provider, registry: LLMRegistry) -> None:
    found = registry.check_health()
    assert {name: health.status for name, health in found.items()} == dict.fromkeys(KEYS, "healthy")
    assert all(health.checked_at is not None for health in found.values())
    assert {(request.path, request.key) for request in provider.requests} == {
        ("/v1/models", KEYS["openai"]),
        ("/v1/models", KEYS["anthropic"]),
        ("/api/v1/models", KEYS["openrouter"]),
        ("/openai/v1/models", KEYS["groq"]),
    }


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        ("status_500", "down", "500"),
        ("status_503", "down", "503"),
        ("html_200", "down", "web page"),
        ("hang_before_headers", "down", "timer ran out"),
        ("wrong_content_type", "down", "no list of models"),
        ("status_401", "degraded", "401"),
        ("status_429", "degraded", "429"),
        ("status_404", "healthy", ""),
    ],
)
def test_what_a_provider_says_is_its_status(
    provider: Provider, registry: LLMRegistry, fault: str, status: str, said: str
) -> None:
    provider.script(fault, path="/v1/models", key=KEYS["openai"])
    health = registry.check_health(["openai"], within=0.3)["openai"]
    assert health.status == status
    assert said in health.last_error


def test_a_server_that_is_not_there_is_down_and_breaks_nothing(provider: Provider) -> None:
    """Three checkups open the breaker of the endpoint: calls leave it alone from then on."""
    gone = {"kind": "vllm", "base_url": "http://127.0.0.1:9/v1"}
    with registry_on(provider, providers={"gone": gone}) as registry:
        for _ in range(3):
            assert registry.check_health(["gone"])["gone"].status == "down"
        user = registry.for_user(mode="shared", user_id="ada", models=["gone#m"])
        with pytest.raises(errors.CircuitOpenError, match="gone rests after connection_failed"):
            user.model("gone#m").invoke("hello")


def test_checkups_bring_a_provider_back(provider: Provider, registry: LLMRegistry) -> None:
    take_down(provider, registry, OPENAI, MINI)
    assert user_of(registry).explain("gpt-4.1").order[0].resting is not None
    for _ in range(2):
        registry.check_health(["openai"])
    assert user_of(registry).explain("gpt-4.1").order[0].resting is None


def test_a_failed_checkup_is_forgotten_after_a_while(provider: Provider, registry: LLMRegistry) -> None:
    provider.script("status_503", path="/v1/models")
    assert registry.check_health(["openai"])["openai"].status == "down"
    pass_time(registry, 31.0)
    health = registry.health()["openai"]
    assert (health.status, bool(health.last_error)) == ("healthy", True)


def refusing_when(told: threading.Event) -> Fault:
    """Nothing, until it is told; then a 503."""

    async def answer(exchange: Exchange) -> None:
        while not told.is_set():  # noqa: ASYNC110 - another thread tells
            await asyncio.sleep(0.002)
        await FAULTS["status_503"](exchange)

    return answer


async def test_a_thousand_callers_make_one_checkup(provider: Provider, registry: LLMRegistry) -> None:
    """Case 90: one request for 1,000 callers; that it fails keeps nobody from an answer."""
    everybody_waits = threading.Event()
    provider.script(refusing_when(everybody_waits), path="/v1/models")
    callers = [asyncio.create_task(registry.acheck_health(["openai"], within=60)) for _ in range(1000)]
    await asyncio.sleep(0)
    everybody_waits.set()
    found = await asyncio.gather(*callers)
    assert {health["openai"].status for health in found} == {"down"}
    assert len(provider.requests) == 1


async def test_who_stops_waiting_for_a_checkup_stops_it_for_nobody(provider: Provider, registry: LLMRegistry) -> None:
    one_has_left = threading.Event()
    provider.script(refusing_when(one_has_left), path="/v1/models")
    first = asyncio.create_task(registry.acheck_health(["openai"], within=60))
    second = asyncio.create_task(registry.acheck_health(["openai"], within=60))
    await asyncio.sleep(0)
    first.cancel()
    one_has_left.set()
    assert (await second)["openai"].status == "down"
    assert first.cancelled()
    assert len(provider.requests) == 1


def test_a_key_that_a_provider_repeats_is_not_told(provider: Provider, registry: LLMRegistry) -> None:
    provider.script("status_401_echo", path="/v1/models")
    health = registry.check_health(["openai"])["openai"]
    assert "Incorrect API key" in health.last_error
    assert KEYS["openai"] not in repr(health)


def test_no_checkup_starts_a_server_or_goes_without_a_key(provider: Provider) -> None:
    with create_llm_registry(providers={"openai": {"base_url": provider.base_urls["openai"]}}) as registry:
        assert "local" not in registry.check_health(["local", "openai"])
    assert provider.requests == []


def test_an_unknown_provider_is_a_mistake_of_the_caller(registry: LLMRegistry) -> None:
    with pytest.raises(ConfigError, match="openai"):
        registry.check_health(["opneai"])


def test_checkups_leave_no_thread(registry: LLMRegistry) -> None:
    registry.check_health()
    until = time.monotonic() + 60
    while time.monotonic() < until and any(thread.name == "lucky-checkup" for thread in threading.enumerate()):
        time.sleep(0.005)
    assert not [thread for thread in threading.enumerate() if thread.name == "lucky-checkup"]


# -- whom calls leave alone


def test_a_primary_that_hangs_is_asked_five_times_in_twenty_calls(provider: Provider, registry: LLMRegistry) -> None:
    """Case 83: at most 6 s and 5 requests for twenty calls with a timeout of 1 s."""
    provider.script("hang_before_headers", model="gpt-4o")
    model = user_of(registry).models(OPENAI, GROQ, timeout=1)
    model.members()  # a partner's import is no part of a call
    with Stopwatch() as watch:
        for _ in range(20):
            assert model.invoke("hello").response_metadata["lucky"]["ref"] == GROQ
    assert watch.seconds < 6.0
    assert len(provider.asked("gpt-4o")) == 5


def test_a_hundred_callers_send_one_probe_to_the_server(provider: Provider, registry: LLMRegistry) -> None:
    """Case 85: once the rest is over, 100 callers at once send 1 probe; the others fall back."""
    take_down(provider, registry, OPENAI)
    pass_time(registry, 12.0)
    provider.script("hang_before_headers", model="gpt-4o")
    model = user_of(registry).models(OPENAI, GROQ, timeout=4)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(model.invoke, ["hello"] * 100))
    assert {answer.response_metadata["lucky"]["ref"] for answer in answers} == {GROQ}
    assert len(provider.asked("gpt-4o")) == 1


def test_where_everybody_rests_the_call_fails_at_once_and_says_until_when(
    provider: Provider, registry: LLMRegistry
) -> None:
    """Case 86: no request, no wait, and the time of the next try."""
    take_down(provider, registry, OPENAI, GROQ)
    with Stopwatch() as watch, pytest.raises(errors.CircuitOpenError) as refused:
        user_of(registry).models(OPENAI, GROQ).invoke("hello")
    assert watch.seconds < 0.3
    assert refused.value.retry_after is not None
    assert 5 < refused.value.retry_after < 11
    assert [attempt.outcome for attempt in refused.value.attempts] == ["skipped", "skipped"]
    assert provider.requests == []


@pytest.mark.parametrize("strategy", ["first", "fallback", "race"])
def test_by_policy_whoever_may_be_asked_soonest_is_probed(provider: Provider, strategy: str) -> None:
    """Case 86: one request, to the one whose rest ends first; not even that while somebody is well."""
    with registry_on(provider, when_all_rest="probe") as registry:
        take_down(provider, registry, OPENAI, GROQ)
        provider.clear()
        refs = (OPENAI,) if strategy == "first" else (OPENAI, GROQ)
        answer = user_of(registry).models(*refs, strategy=strategy).invoke("hello")
        assert answer.text
        assert len(provider.requests) == 1
        told = answer.response_metadata["lucky"]["attempts"]
        assert [attempt["outcome"] for attempt in told] == [*["skipped"] * len(refs), "answered"]


def test_the_probe_of_a_policy_spares_who_rests_while_another_is_well(provider: Provider) -> None:
    with registry_on(provider, when_all_rest="probe") as registry:
        take_down(provider, registry, OPENAI)
        for _ in range(5):
            assert user_of(registry).models(OPENAI, GROQ).invoke("hello").response_metadata["lucky"]["ref"] == GROQ
        assert provider.asked("gpt-4o") == []


def test_a_probe_that_fails_is_the_calls_failure(provider: Provider) -> None:
    with registry_on(provider, when_all_rest="probe") as registry:
        take_down(provider, registry, OPENAI)
        with pytest.raises(errors.ProviderDownError):
            user_of(registry).model(OPENAI).invoke("hello")
        assert len(provider.requests) == 1


def test_a_policy_that_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigError, match="when_all_rest"):
        create_llm_registry(when_all_rest="hope")  # type: ignore[arg-type]


def test_one_users_bad_key_stops_nobody_else(provider: Provider, registry: LLMRegistry) -> None:
    """Case 87: a hundred calls with a bad key, and a hundred of a hundred answers with a good one."""
    provider.script("status_401", key="sk-of-ada-0123456789")
    ada, bob = (
        registry.for_user(
            mode="byok", user_id=name, models=[OPENAI], api_keys={"openai": f"sk-of-{name}-0123456789"}
        ).model(OPENAI)
        for name in ("ada", "bob")
    )
    answered = 0
    for _ in range(100):
        with pytest.raises((errors.AuthFailedError, errors.CircuitOpenError)):
            ada.invoke("hello")
        answered += bool(bob.invoke("hello").text)
    assert answered == 100
    assert registry.health()["openai"].status == "healthy"


async def test_cancelled_calls_do_not_count(provider: Provider, registry: LLMRegistry) -> None:
    """Case 88: twenty cancelled calls, and the provider is as well as before."""
    provider.script("hang_before_headers", model="gpt-4o", times=20)
    model = user_of(registry).model(OPENAI)
    tasks = [asyncio.create_task(model.ainvoke("hello")) for _ in range(20)]
    while len(provider.requests) < 20:  # noqa: ASYNC110 - the server counts in another thread
        await asyncio.sleep(0.005)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (await model.ainvoke("hello")).text


def test_callers_without_patience_do_not_make_a_provider_ill(provider: Provider, registry: LLMRegistry) -> None:
    """Case 83, its other side: ten calls with a timeout of 50 ms run out of it; one that waits is answered."""
    provider.script("hang_before_headers", model="gpt-4o", times=10)
    user = user_of(registry)
    for _ in range(10):
        with pytest.raises(errors.DeadlineExceededError):
            user.model(OPENAI, timeout=0.05, max_retries=0).invoke("hello")
    provider.clear()  # not every call may have come as far as the server
    assert user.model(OPENAI).invoke("hello").text


def test_a_model_that_a_local_server_has_not_yet_may_be_loaded(provider: Provider) -> None:
    """A hosted provider that has no such model is not asked again for ten minutes; a server of one's own is."""
    boxes = {"mybox": {"kind": "vllm", "base_url": provider.base_urls["vllm"]}}
    openai = {"openai": {"base_url": provider.base_urls["openai"]}}
    with registry_on(provider, providers=boxes | openai) as registry:
        user = user_of(registry, models=["mybox#m", OPENAI])
        provider.script("status_404", times=2)
        for ref in ("mybox#m", OPENAI):
            with pytest.raises(errors.ModelGoneError):
                user.model(ref).invoke("hello")
        assert user.model("mybox#m").invoke("hello").text
        with pytest.raises(errors.CircuitOpenError):
            user.model(OPENAI).invoke("hello")


def test_a_stream_that_breaks_each_time_makes_its_model_rest(provider: Provider, registry: LLMRegistry) -> None:
    provider.script("cut_after_tokens", model="openai/gpt-4o")
    model = user_of(registry).model(OPENROUTER, max_retries=0)
    outcomes: list[type[Exception]] = []
    for _ in range(30):
        try:
            list(model.stream("hello"))
        except errors.CallError as error:
            outcomes.append(type(error))
    assert outcomes[0] is errors.StreamInterruptedError
    assert outcomes[-1] is errors.CircuitOpenError
