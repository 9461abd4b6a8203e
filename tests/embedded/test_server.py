"""The embedded server, with the real model behind it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from langchain_lucky_models import embedded
from langchain_lucky_models.embedded.server import Servers
from langchain_lucky_models.errors import LocalModelError, UnknownModelError
from tests.clocks import Stopwatch

ONE_CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "rivers": {"type": "array", "items": {"type": "string"}, "maxItems": 2}},
    "required": ["city", "rivers"],
    "additionalProperties": False,
}

posix = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork, and signals are others")


def ask(address: str, question: str = "What is the capital of France?", **more: object) -> httpx.Response:
    messages = [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": question}]
    body = {"messages": messages, "temperature": 0, "max_tokens": 64, **more}
    return httpx.post(f"{address}/chat/completions", json=body, timeout=280, trust_env=False)


def fetch(address: str, path: str) -> httpx.Response:
    return httpx.get(f"{address}{path}", timeout=60, trust_env=False)


def reachable(address: str) -> bool:
    try:
        return fetch(address, "/models").is_success
    except httpx.TransportError:
        return False


def test_it_answers(real_model: str) -> None:
    answer = ask(embedded.serve(real_model)).json()
    assert "Paris" in answer["choices"][0]["message"]["content"]
    assert answer["usage"]["total_tokens"] > answer["usage"]["prompt_tokens"] > 0


def test_it_streams(real_model: str) -> None:
    lines = ask(embedded.serve(real_model), stream=True, stream_options={"include_usage": True}).text.split("\n\n")
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    assert "Paris" in text
    assert chunks[-1]["usage"]["completion_tokens"] > 0


def test_it_keeps_to_a_json_schema(real_model: str) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "City", "schema": ONE_CITY, "strict": True}}
    answer = ask(embedded.serve(real_model), "Tell me of Paris.", response_format=form, max_tokens=200).json()
    assert set(json.loads(answer["choices"][0]["message"]["content"])) == {"city", "rivers"}


def test_the_path_of_the_file_never_shows(real_model: str, kept_cache: Path) -> None:
    address = embedded.serve(real_model)
    models = fetch(address, "/models")
    answer = ask(address, model="whatever")
    refusal = ask(address, "word " * 9000)
    assert [model["id"] for model in models.json()["data"]] == [real_model]
    assert answer.json()["model"] == real_model
    assert refusal.status_code == 400
    for response in (models, answer, refusal):
        assert str(kept_cache) not in response.text
        assert ".gguf" not in response.text


def test_who_does_not_know_the_address_gets_nothing(real_model: str) -> None:
    root = embedded.serve(real_model).rsplit("/", 2)[0]
    for path in ("/", "/v1/models", "/health", "/props", "/slots", "/completion"):
        assert fetch(root, path).status_code == 404


def test_the_process_list_shows_neither_the_address_nor_the_file(real_model: str) -> None:
    secret = embedded.serve(real_model).split("/")[-2]
    listed = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "host.py" in listed
    assert secret not in listed
    assert ".gguf" not in listed


def test_it_listens_on_this_machine_only(real_model: str) -> None:
    assert embedded.serve(real_model).startswith("http://127.0.0.1:")


def test_threads_that_ask_at_once_share_one_server(real_model: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        addresses = set(threads.map(embedded.serve, [real_model] * 8))
    assert len(addresses) == 1


def test_it_answers_several_at_once(real_model: str) -> None:
    address = embedded.serve(real_model)
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: ask(address), range(6)))
    # Calls computed side by side round differently, so the words may differ; that each gets its own answer may not.
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len({answer.json()["id"] for answer in answers}) == 6
    assert all(answer.json()["choices"][0]["message"]["content"] for answer in answers)


def test_a_running_server_is_found_in_microseconds(real_model: str) -> None:
    embedded.serve(real_model)
    took = []
    for _ in range(10):
        # In processor time, of this thread alone, and at its best: neighbours do not count.
        begun = time.thread_time()
        for _ in range(100):
            embedded.serve(real_model)
        took.append(time.thread_time() - begun)
    assert min(took) < 0.01


def test_it_stops_in_the_middle_of_an_answer_and_starts_again(real_model: str) -> None:
    first = embedded.serve(real_model)
    with httpx.stream(
        "POST",
        f"{first}/chat/completions",
        json={"messages": [{"role": "user", "content": "Tell a long story."}], "stream": True},
        trust_env=False,
    ) as response:
        next(response.iter_lines())
        with Stopwatch() as watch:
            embedded.stop()
        assert watch.seconds < 1
    assert not reachable(first)
    second = embedded.serve(real_model)
    assert second != first
    assert reachable(second)


def test_stopping_what_does_not_run_is_fine() -> None:
    servers = Servers()
    servers.stop()
    servers.stop()


@posix
def test_a_server_that_died_is_replaced(real_model: str) -> None:
    servers = Servers()
    first = servers.address(real_model)
    died = servers._running[real_model][0]._process
    died.kill()
    died.wait()
    second = servers.address(real_model)
    assert first != second
    assert reachable(second)
    servers.stop()


@posix
def test_ctrl_c_in_the_terminal_is_left_to_the_application(real_model: str) -> None:
    servers = Servers()
    address = servers.address(real_model)
    os.kill(servers._running[real_model][0]._process.pid, signal.SIGINT)
    assert reachable(address)
    servers.stop()


def test_a_model_that_was_not_fetched_is_not_fetched_by_a_call(empty_cache: Path) -> None:
    with pytest.raises(LocalModelError, match="lucky-models local pull"):
        embedded.serve()
    with pytest.raises(UnknownModelError):
        embedded.serve("absent")
    assert list(empty_cache.iterdir()) == []


def test_a_changed_file_is_not_served(empty_cache: Path) -> None:
    with (empty_cache / "smollm2-135m.gguf").open("wb") as file:
        file.truncate(embedded.MODELS["smollm2-135m"].file_bytes)
    with pytest.raises(LocalModelError, match=r"was changed\. Fetch it anew"):
        embedded.serve()


def test_a_file_that_is_no_model_is_a_readable_error(empty_cache: Path) -> None:
    (empty_cache / "broken.gguf").write_bytes(b"GGUF" + bytes(1000))
    with pytest.raises(LocalModelError, match="local#broken would not start"):
        embedded.serve("broken")


def test_without_xllamacpp_the_command_that_installs_it_is_named(kept_cache: Path) -> None:
    code = (
        "import sys, importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'xllamacpp' else find(name, *rest)\n"
        "sys.modules['xllamacpp'] = None\n"
        "from langchain_lucky_models import embedded\n"
        "embedded.serve()"
    )
    environment = {**os.environ, "LUCKY_CACHE_DIR": str(kept_cache)}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "pip install 'langchain-lucky-models[local]'" in told.stderr.splitlines()[-1]


def test_a_gguf_file_of_ones_own_is_served_under_its_name(real_model: str, kept_cache: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LUCKY_CACHE_DIR", str(tmp_path))
        embedded.register_model("mine", kept_cache / f"{real_model}.gguf")
        address = embedded.serve("mine")
    assert ask(address).json()["model"] == "mine"


FORKS = """
import os, sys, threading, time, urllib.request
from langchain_lucky_models.embedded.server import Servers
model, servers = sys.argv[2], Servers()

def reachable(address):
    with urllib.request.urlopen(address + "/models", timeout=60) as answer:
        return answer.status == 200

def shared_and_outlived():
    address = servers.address(model)
    reads, writes = os.pipe()
    stopped, stopping = os.pipe()
    child = os.fork()
    if child == 0:
        shared = servers.address(model)
        os.write(writes, b"shared" if shared == address and reachable(shared) else b"other")
        os.read(stopped, 1)
        own = servers.address(model)
        os.write(writes, b"own" if own != address and reachable(own) else b"none")
        servers.stop()
        os._exit(0)
    os.close(writes)
    print(os.read(reads, 100).decode())
    servers.stop()
    os.write(stopping, b"!")
    print(os.read(reads, 100).decode())
    print(os.waitpid(child, 0)[1])

def let_go_by_a_child():
    address = servers.address(model)
    child = os.fork()
    if child == 0:
        servers.stop()
        os._exit(0)
    print(os.waitpid(child, 0)[1])
    print(servers.address(model) == address and reachable(address))
    servers.stop()

def forked_while_it_starts():
    servers._prepare_leaving()
    starting = threading.Thread(target=servers.address, args=(model,))
    starting.start()
    while not servers._lock.locked():
        time.sleep(0.001)
    child = os.fork()
    if child == 0:
        servers.address(model)
        servers.stop()
        os._exit(0)
    print(os.waitpid(child, 0)[1])
    starting.join()
    servers.stop()

globals()[sys.argv[1]]()
"""


@posix
@pytest.mark.parametrize(
    ("scene", "told"),
    [("shared_and_outlived", "shared own 0"), ("let_go_by_a_child", "0 True"), ("forked_while_it_starts", "0")],
)
def test_forked_children_and_their_parent_keep_each_others_servers(real_model: str, scene: str, told: str) -> None:
    """A child shares its parent's server and outlives it; it lets go of it for itself alone; it blocks on nobody."""
    # In a process of its own, which has no other threads.
    command = [sys.executable, "-W", "ignore", "-c", FORKS, scene, real_model]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert (done.stdout.split(), done.stderr) == (told.split(), "")


LEAVE = """
import json, os, sys, threading, time, urllib.request
from langchain_lucky_models import embedded
address = embedded.serve()
body = {"messages": [{"role": "user", "content": "Tell a long story."}], "max_tokens": 4000, "stream": True}
request = urllib.request.Request(address + "/chat/completions", json.dumps(body).encode())
first = threading.Event()
def listen():
    with urllib.request.urlopen(request) as answer:
        for line in answer:
            first.set()
threading.Thread(target=listen, daemon=True).start()
first.wait()
print(address, time.time(), flush=True)
if sys.argv[1] == "raise":
    raise SystemExit(3)
if sys.argv[1] == "kill":
    os.kill(os.getpid(), 9)
"""


@posix
@pytest.mark.parametrize(("how", "code"), [("return", 0), ("raise", 3), ("kill", -9)])
def test_the_end_of_the_application_is_quick_quiet_and_the_servers_too(real_model: str, how: str, code: int) -> None:
    with Stopwatch() as watch:
        command = [sys.executable, "-X", "dev", "-c", LEAVE, how]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
    ended = time.time()
    address, left = told.stdout.split()
    assert (told.returncode, told.stderr) == (code, "")
    assert ended - float(left) < 1 + watch.late
    until = time.monotonic() + 60
    while reachable(address) and time.monotonic() < until:
        time.sleep(0.02)
    assert not reachable(address)
