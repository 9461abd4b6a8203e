"""In what order members are asked. Plans only: nothing here calls a model, waits, or knows threads.

A plan is a generator. It yields a `Wave` (whom to ask at once), is sent the attempts that came of it, and returns a
`Verdict`. `drive.py` carries it out. A strategy is any function that makes a plan from candidates and rules; one of
your own works wherever a name does.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names

C = TypeVar("C")
"""A candidate."""
A = TypeVar("A")
"""An answer."""

MOST_ASKED = 100
"""Times that a strategy of an application's own may ask in one call; whoever wants more goes round in circles."""

Outcome = Literal["answered", "failed", "skipped", "cancelled", "abandoned"]


@dataclass(frozen=True, slots=True, eq=False)
class Attempt(Generic[C, A]):
    """What came of asking one candidate once.

    Attributes:
        candidate: Who was asked.
        answer: What it said, where it answered.
        error: Why it did not, where it did not.
        outcome: One word for it. A skipped candidate was not asked at all; a cancelled one lost a race.
        seconds: How long it took.
    """

    candidate: C
    answer: A | None = None
    error: Exception | None = None
    outcome: Outcome = "answered"
    seconds: float = 0.0


def whenever_due(_candidate: object) -> bool:
    """No limit on whom to ask because the others are slow."""
    return True


def first_success(attempts: Sequence[Attempt[C, A]]) -> bool:
    """Whether somebody has answered: the rest need not go on."""
    return any(attempt.outcome == "answered" for attempt in attempts)


@dataclass(frozen=True, slots=True, eq=False)
class Wave(Generic[C, A]):
    """Whom to ask at once.

    Attributes:
        candidates: In order of preference.
        pause: Seconds to wait before, bounded by the call's deadline.
        stagger: Seconds between one start and the next; a failure starts the next at once.
        hedges: Asked once the stagger is over: may this candidate start beside those who run? After a refusal only a
            failure starts the next.
        enough: Asked after every attempt; once true, those still running are cancelled.
        left: How many may still be asked after these: an attempt leaves them their share of the time.
        again: Whether they were asked before in this call, so that it is their retry.
        about: Attempts whose answers are to be judged, instead of the question being asked.
        insists: Whether they are asked although they rest.
    """

    candidates: tuple[C, ...]
    pause: float = 0.0
    stagger: float = 0.0
    hedges: Callable[[C], bool] = whenever_due
    enough: Callable[[Sequence[Attempt[C, A]]], bool] = first_success
    left: int = 0
    again: bool = False
    about: tuple[Attempt[C, A], ...] = ()
    insists: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Verdict(Generic[C, A]):
    """How a plan ended.

    Attributes:
        winner: The attempt whose answer counts, if any.
        attempts: Every attempt, in the order they ended.
        final: The one failure to raise as it is; without it the call failed as a whole.
        votes: For consensus: how many said the same as the winner, and of how many.
        judge: For consensus: the attempt that decided, or should have, where too few agreed.
    """

    winner: Attempt[C, A] | None
    attempts: tuple[Attempt[C, A], ...]
    final: Attempt[C, A] | None = None
    votes: tuple[int, int] | None = None
    judge: Attempt[C, A] | None = None

    @property
    def answers(self) -> tuple[Attempt[C, A], ...]:
        """The attempts that answered what was asked; a judge answers something else."""
        return tuple(made for made in self.attempts if made.outcome == "answered" and made is not self.judge)


Plan = Generator[Wave[C, A], Sequence[Attempt[C, A]], Verdict[C, A]]


def _same_text(one: object, other: object) -> bool:
    return str(one) == str(other)


@dataclass(frozen=True, slots=True)
class Rules(Generic[C, A]):
    """What a strategy may decide by. Every decision is a function, so it can be replaced.

    Attributes:
        follows: Whether the third argument may do better where the second failed with the first.
        pause: Seconds to wait before asking a failed candidate again, or `None` not to. Given the failure, the
            candidate and how many attempts the call has made.
        most_attempts: Requests one call may make, retries included.
        stagger: For race: seconds between one start and the next.
        hedges: For race: whether a candidate may be asked because the others are slow; without it, always. With it,
            most calls stay with one candidate, which therefore leaves the others their share of the time.
        quorum: For consensus: how many must agree; `None` is more than half of those asked.
        same: For consensus: whether two answers say the same.
        judge: For consensus: who is asked which answer is right, where too few agree.
        chosen: For consensus: which of the answers the judge's own answer means, if any.
    """

    follows: Callable[[Exception, C, C], bool] = lambda _error, _failed, _next: True
    pause: Callable[[Exception, C, int], float | None] = lambda _error, _failed, _made: None
    most_attempts: int = 4
    stagger: float = 0.0
    hedges: Callable[[C], bool] | None = None
    quorum: int | None = None
    same: Callable[[A, A], bool] = _same_text
    judge: C | None = None
    chosen: Callable[[A, Sequence[Attempt[C, A]]], Attempt[C, A] | None] = lambda _said, _answers: None


Strategy = Callable[[Sequence[C], Rules[C, A]], Plan[C, A]]


def first(candidates: Sequence[C], rules: Rules[C, A]) -> Plan[C, A]:
    """The first candidate alone; its failure is the answer."""
    verdict = yield from fallback(candidates[:1], rules)
    return verdict


def fallback(candidates: Sequence[C], rules: Rules[C, A]) -> Plan[C, A]:
    """One after the other, as long as the next may do better; the same again only when nobody else is left."""
    made: list[Attempt[C, A]] = []
    for place, candidate in enumerate(candidates, 1):
        if made and not _may_follow(made, candidate, rules):
            continue
        made += yield Wave((candidate,), left=len(candidates) - place)
        if first_success(made):
            return Verdict(made[-1], tuple(made))
        if _asked(made) >= rules.most_attempts:
            break
    while (again := _worth_repeating(made, rules)) is not None:
        attempt, pause = again
        made += yield Wave((attempt.candidate,), pause=pause, again=True)
        if first_success(made):
            return Verdict(made[-1], tuple(made))
    return Verdict(None, tuple(made), final=_hopeless(made, candidates, rules))


def race(candidates: Sequence[C], rules: Rules[C, A]) -> Plan[C, A]:
    """All at once, or one every `stagger` seconds; the first good answer wins."""
    left = len(candidates) - 1 if rules.hedges else 0
    hedges = rules.hedges or whenever_due
    made = tuple((yield Wave(tuple(candidates), stagger=rules.stagger, hedges=hedges, left=left)))
    winner = next((attempt for attempt in made if attempt.outcome == "answered"), None)
    return Verdict(winner, made)


def consensus(candidates: Sequence[C], rules: Rules[C, A]) -> Plan[C, A]:
    """All at once; the answer that enough of them give. Ties go to the candidate named first.

    Where too few agree, the judge decides, if there is one.
    """
    asked = len(candidates)
    quorum = rules.quorum or asked // 2 + 1

    def decided(attempts: Sequence[Attempt[C, A]]) -> bool:
        most = len(_largest(_camps(attempts, candidates, rules)))
        # Decided for one answer, or out of reach for every one; a judge wants to see them all.
        hopeless = most + asked - len(attempts) < quorum
        return most >= quorum or (hopeless and rules.judge is None)

    made = tuple((yield Wave(tuple(candidates), enough=decided)))
    camps = _camps(made, candidates, rules)
    camp = _largest(camps)
    answers = tuple(attempt for each in camps for attempt in each)
    if len(camp) >= quorum or rules.judge is None or not answers:
        return Verdict(camp[0] if len(camp) >= quorum else None, made, votes=(len(camp), len(answers)))
    said = tuple((yield Wave((rules.judge,), about=answers)))
    judge = said[0]
    winner = rules.chosen(judge.answer, answers) if judge.answer is not None else None
    camp = next((each for each in camps if winner in each), camp)
    return Verdict(winner, (*made, judge), votes=(len(camp), len(answers)), judge=judge)


def insisting(plan: Plan[C, A], rest: Callable[[Exception], float | None]) -> Plan[C, A]:
    """A plan that asks once more where everybody rests: whoever may be asked soonest, then the next who lets us.

    Args:
        plan: What is done otherwise.
        rest: The seconds for which a skipped candidate rests; `None` where that is not why it was skipped.
    """
    verdict = yield from plan
    waits = [(rest(attempt.error), attempt) for attempt in verdict.attempts if attempt.error is not None]
    if verdict.winner is not None or not waits or any(wait is None for wait, _ in waits):
        return verdict
    made = list(verdict.attempts)
    for _, skipped in sorted(waits, key=lambda one: one[0] or 0.0):
        made += yield Wave((skipped.candidate,), insists=True)
        if made[-1].outcome != "skipped":
            break
    winner = made[-1] if made[-1].outcome == "answered" else None
    return Verdict(winner, tuple(made), final=None if winner is not None or verdict.final is None else made[-1])


def supervised(plan: Plan[C, A], candidates: Sequence[C]) -> Plan[C, A]:
    """A plan that an application has made, whose mistakes are told as such; one that never ends is ended.

    Args:
        plan: What its strategy gave.
        candidates: Who may be asked.

    Raises:
        ConfigError: It is no plan.
    """
    if not isinstance(plan, Generator):
        raise _misshapen("is a generator function, which yields waves and returns a verdict; it gave", plan)
    asked, known = 0, list(candidates)
    came: Sequence[Attempt[C, A]] | None = None
    while True:
        try:
            wave = next(plan) if came is None else plan.send(came)
        except StopIteration as end:
            if not isinstance(end.value, Verdict):
                raise _misshapen("returns a Verdict, not", end.value) from None
            return end.value
        if not isinstance(wave, Wave):
            raise _misshapen("yields a Wave, not", wave)
        if strangers := [one for one in wave.candidates if not any(one is other for other in known)]:
            raise _misshapen("asks the candidates that it was given, not", strangers[0])
        asked += len(wave.candidates)
        if asked > MOST_ASKED:
            raise ConfigError(f"a strategy asks {MOST_ASKED} times in a call at most.", field="strategy")
        came = yield wave
        known += [made.candidate for made in came]  # a budget may have put somebody cheaper in their place


def _misshapen(what: str, came: object) -> ConfigError:
    return ConfigError(f"a strategy {what} {type(came).__name__}.", field="strategy")


STRATEGIES: Mapping[str, Strategy[Any, Any]] = {
    "first": first,
    "fallback": fallback,
    "race": race,
    "consensus": consensus,
}


def strategy_named(strategy: str | Strategy[Any, Any]) -> Strategy[Any, Any]:
    """The strategy of that name; a function is taken as it is.

    Raises:
        ConfigError: There is none of that name.
    """
    if callable(strategy):
        return strategy
    if strategy in STRATEGIES:
        return STRATEGIES[strategy]
    near = did_you_mean(nearest_names(strategy, STRATEGIES))
    raise ConfigError(f"there is no strategy {strategy!r}; there are {', '.join(STRATEGIES)}.{near}", field="strategy")


def needs_whole_answers(strategy: str | Strategy[Any, Any]) -> bool:
    """Whether a strategy compares answers, and so cannot begin to stream before they are all there."""
    return strategy_named(strategy) is consensus or bool(getattr(strategy, "compares_answers", False))


def _asked(made: Sequence[Attempt[C, A]]) -> int:
    return sum(attempt.outcome != "skipped" for attempt in made)


def _may_follow(made: Sequence[Attempt[C, A]], candidate: C, rules: Rules[C, A]) -> bool:
    last = made[-1]
    return last.error is None or rules.follows(last.error, last.candidate, candidate)


def _worth_repeating(made: Sequence[Attempt[C, A]], rules: Rules[C, A]) -> tuple[Attempt[C, A], float] | None:
    """The failed attempt that may be repeated soonest; who was refused since then is not asked again."""
    if _asked(made) >= rules.most_attempts:
        return None
    latest = {id(attempt.candidate): attempt for attempt in made}
    waits = [
        (pause, attempt)
        for attempt in latest.values()
        if attempt.error is not None
        and attempt.outcome == "failed"
        and (made[-1].outcome != "skipped" or _may_follow(made, attempt.candidate, rules))
        and (pause := rules.pause(attempt.error, attempt.candidate, _asked(made))) is not None
    ]
    if not waits:
        return None
    pause, attempt = min(waits, key=lambda wait: wait[0])
    return attempt, pause


def _hopeless(made: Sequence[Attempt[C, A]], candidates: Sequence[C], rules: Rules[C, A]) -> Attempt[C, A] | None:
    """The last failure, where it alone ended the call: nobody else was there, or nobody could do better."""
    refusal = made[-1:] if made and made[-1].outcome == "skipped" else made
    tried = {id(attempt.candidate) for attempt in refusal}
    left = [candidate for candidate in candidates if id(candidate) not in tried]
    alone = len(candidates) == 1
    refused = bool(left) and not any(_may_follow(made, candidate, rules) for candidate in left)
    return made[-1] if made and (alone or refused) else None


def _camps(attempts: Sequence[Attempt[C, A]], candidates: Sequence[C], rules: Rules[C, A]) -> list[list[Attempt[C, A]]]:
    """The answers, those that say the same together, each in the order in which candidates are named."""
    order = {id(candidate): place for place, candidate in enumerate(candidates)}
    answered = [attempt for attempt in attempts if attempt.outcome == "answered"]
    camps: list[list[Attempt[C, A]]] = []
    # Who was asked in the place of somebody named comes last.
    for attempt in sorted(answered, key=lambda attempt: order.get(id(attempt.candidate), len(order))):
        for camp in camps:
            if _agree(camp[0], attempt, rules):
                camp.append(attempt)
                break
        else:
            camps.append([attempt])
    return camps


def _agree(one: Attempt[C, A], other: Attempt[C, A], rules: Rules[C, A]) -> bool:
    return one.answer is not None and other.answer is not None and rules.same(one.answer, other.answer)


def _largest(camps: Sequence[list[Attempt[C, A]]]) -> list[Attempt[C, A]]:
    """The one with the most answers; of two, the one whose first candidate is named first."""
    return max(camps, key=len, default=[])
