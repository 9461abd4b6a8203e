"""Contenders in processes of their own, asked in turn, so that whatever else the machine does falls on all of them."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
import random
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.benchmarks.report import Row, three_digits
from tests.benchmarks.rivals_contenders import Contender

ROOT = Path(__file__).parents[2]
REQUIREMENTS = Path(__file__).with_name("requirements-rivals.txt")
ENVIRONMENT = ROOT / ".venv-rivals"
PATIENCE = 240.0
"""Seconds that one round of one contender may take."""


class MissingContenderError(Exception):
    """A contender cannot be measured here; the text says why."""


# -- where they live


def rivals_python() -> str:
    """The interpreter of the rivals' environment, which is made on first use.

    Raises:
        MissingContenderError: It cannot be made, most likely because there is no network.
    """
    if reason := _why_no_environment():
        raise MissingContenderError(reason)
    return str(ENVIRONMENT / "bin" / "python")


@functools.cache
def _why_no_environment() -> str:
    """Make it if it is not there, or not of these requirements; empty where that went well."""
    stamp = ENVIRONMENT / ".ready"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return ""
    print(f"making {ENVIRONMENT.name} for the rivals, once …", file=sys.stderr)
    options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "-r", str(REQUIREMENTS))
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True, capture_output=True)
        python = str(ENVIRONMENT / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", *options], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"{ENVIRONMENT.name} could not be made ({type(error).__name__})"
    stamp.write_text(wanted)
    return ""


def python_of(contender: Contender) -> str:
    """The interpreter that a contender runs on."""
    return rivals_python() if contender.rival else sys.executable


def plain_environment() -> dict[str, str]:
    """Variables for a contender: no keys, no tracing, nothing fetched at import."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "NO_PROXY": "127.0.0.1"}


# -- one of them


class Contestant:
    """A contender's process.

    Args:
        contender: Who.
        url: Where the provider answers.
        models: Whom it asks there.
    """

    def __init__(self, contender: Contender, url: str, models: Sequence[str]) -> None:
        command = [python_of(contender), "-m", "tests.benchmarks.rivals_worker", contender.name, url, *models]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=plain_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def measure(self, task: str, times: int) -> dict[str, Any]:
        """Let it measure itself; `rivals_worker.Worker` has the tasks.

        Raises:
            MissingContenderError: It failed.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise MissingContenderError("it has no pipes")
        try:
            self._process.stdin.write(json.dumps({"task": task, "times": times}) + "\n")
            self._process.stdin.flush()
            with self._ended_after(PATIENCE):
                answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        figures: dict[str, Any] = json.loads(answer) if answer else {"error": "its process ended"}
        if "error" in figures:
            raise MissingContenderError(figures["error"])
        return figures

    @contextmanager
    def _ended_after(self, seconds: float) -> Iterator[None]:
        """One that hangs costs its own figures, not the run."""
        end = threading.Timer(seconds, self._process.kill)
        end.start()
        try:
            yield
        finally:
            end.cancel()


# -- all of them


@dataclass(frozen=True)
class Task:
    """What everybody does.

    Attributes:
        name: A method of `rivals_worker.Worker`.
        times: How often in a round.
        rounds: How many rounds count; one before them fills caches.
        warm_up: How often at most in that one.
    """

    name: str
    times: int
    rounds: int = 7
    warm_up: int = 100

    def shortened(self, *, quick: bool) -> Task:
        """The same task, for a look instead of a measurement."""
        return Task(self.name, max(1, self.times // 4), min(self.rounds, 2)) if quick else self


Outcome = list[dict[str, Any]] | str
"""A contender's rounds, or why there are none."""


def compete(contenders: Sequence[Contender], task: Task, url: str, models: Sequence[str]) -> dict[str, Outcome]:
    """Everybody's rounds by name, for one task."""
    with arena(contenders, url, models) as compete_in:
        return compete_in(task)


@contextmanager
def arena(
    contenders: Sequence[Contender], url: str, models: Sequence[str]
) -> Iterator[Callable[[Task], dict[str, Outcome]]]:
    """Starts everybody once, for any number of tasks."""
    absent: dict[str, Outcome] = {}
    with ExitStack() as stack:
        present: dict[str, Contestant] = {}
        for contender in contenders:
            with _gaps(absent, contender.name):
                present[contender.name] = stack.enter_context(Contestant(contender, url, models))
        yield lambda task: {one.name: absent.get(one.name, []) for one in contenders} | _rounds(present, task)


def _rounds(present: Mapping[str, Contestant], task: Task) -> dict[str, Outcome]:
    """Taken in turn; many short ones, for what else the machine does comes in gusts."""
    found: dict[str, Outcome] = {name: [] for name in present}
    for number in range(task.rounds + 1):
        # Whoever comes after a busy one finds another machine than who comes after an idle one: nobody always does.
        for name in random.Random(number).sample([*present], len(present)):
            with _gaps(found, name):
                _measure_once(present[name], task, found[name], warms_up=number == 0)
    return found


def _measure_once(contestant: Contestant, task: Task, rounds: Outcome, *, warms_up: bool) -> None:
    if isinstance(rounds, str):
        return
    figures = contestant.measure(task.name, min(task.times, task.warm_up) if warms_up else task.times)
    if not warms_up:
        rounds.append(figures)


@contextmanager
def _gaps(found: dict[str, Outcome], name: str) -> Iterator[None]:
    try:
        yield
    except MissingContenderError as error:
        found[name] = str(error)


def figures_of(rounds: Sequence[Mapping[str, Any]], figure: str) -> list[float]:
    """One figure of every round."""
    return [float(measured[figure]) for measured in rounds]


def gap(group: str, name: str, reason: str) -> Row:
    """A row for what could not be measured."""
    return Row(group, name, math.nan, "", f"not measured: {reason}", math.nan)


@dataclass(frozen=True)
class Measure:
    """How outcomes become rows.

    Attributes:
        group: Of the rows.
        what: Put behind every contender's name.
        figure: Which figure of a round.
        scale: What it is multiplied by.
        unit: What it then is in.
        baseline: With whom everybody is compared.
    """

    group: str
    what: str
    figure: str
    scale: float
    unit: str
    baseline: str

    def rows(self, found: Mapping[str, Outcome]) -> list[Row]:
        """Medians; ratios are medians of the rounds' ratios, because rounds lie side by side in time."""
        plain = found[self.baseline]
        if isinstance(plain, str):
            return [gap(self.group, f"{self.baseline}: {self.what}", plain)]
        return [self._row(name, outcome, plain) for name, outcome in found.items()]

    def _row(self, name: str, outcome: Outcome, plain: list[dict[str, Any]]) -> Row:
        title = f"{name}: {self.what}"
        if isinstance(outcome, str):
            return gap(self.group, title, outcome)
        figures, bases = figures_of(outcome, self.figure), figures_of(plain, self.figure)
        ratio = statistics.median(figure / base for figure, base in zip(figures, bases, strict=True))
        against = f"{self.baseline}: {three_digits(statistics.median(bases) * self.scale)} {self.unit}"
        return Row(self.group, title, statistics.median(figures) * self.scale, self.unit, against, ratio)
