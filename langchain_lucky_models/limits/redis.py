"""Counters that many processes and machines share, in Redis: one script decides about all counters of a call.

The script reads Redis' own clock, so the clocks of the machines do not matter. Its keys share one hash tag, so that a
cluster keeps them together.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from langchain_lucky_models import errors, extras
from langchain_lucky_models.limits.counts import MICROS, SLOTS, Clock, Demand, Lease, MemoryCounts, Short, Taken

PATIENCE = 0.15
"""Seconds for Redis to answer: a call does not wait long for its limits."""
REST_SECONDS = 1.0
"""After a failure, how long Redis is not asked."""

_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local taking, lease, lease_until = ARGV[1] == 'take', ARGV[2], now + ARGV[3]
local parts = tonumber(ARGV[4])
local late, wait, firm = 0, 0, false
local widths = {}
for i, key in ipairs(KEYS) do
  local at = 4 + (i - 1) * 4
  local kind, most = ARGV[at + 1], tonumber(ARGV[at + 2])
  local period, amount = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  if kind == 'concurrent' then
    local used = redis.call('ZCOUNT', key, '(' .. string.format('%.0f', now), '+inf')
    if used + amount > most and not firm then
      local after = '(' .. string.format('%.0f', now)
      local ending = redis.call('ZRANGEBYSCORE', key, after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
      if late == 0 or ending[2] - now > wait then late, wait = i, ending[2] - now end
    end
  else
    local width = math.max(1, math.floor(period / parts))
    widths[i] = width
    local first = math.floor((now - period) / width)
    local slots, sum, old = {}, 0, {}
    local stored = redis.call('HGETALL', key)
    for j = 1, #stored, 2 do
      local slot, count = tonumber(stored[j]), tonumber(stored[j + 1])
      if slot < first then old[#old + 1] = stored[j] else slots[#slots + 1] = {slot, count}; sum = sum + count end
    end
    if taking and #old > 0 then redis.call('HDEL', key, unpack(old)) end
    if sum + amount > most then
      table.sort(slots, function(a, b) return a[1] < b[1] end)
      local until_room = period
      for _, slot in ipairs(slots) do
        sum = sum - slot[2]
        if sum + amount <= most then until_room = math.max(1, (slot[1] + 1) * width + period - now); break end
      end
      if not firm or until_room > wait then late, wait, firm = i, until_room, true end
    end
  end
end
if late > 0 then return {late, string.format('%.0f', wait), firm and 1 or 0} end
if not taking then return {0} end
local answer = {0}
for i, key in ipairs(KEYS) do
  local at = 4 + (i - 1) * 4
  local kind, period, amount = ARGV[at + 1], tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  if kind == 'concurrent' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now))
    redis.call('ZADD', key, string.format('%.0f', lease_until), lease)
    local life = ARGV[3] / 1000
    if redis.call('PTTL', key) < life then redis.call('PEXPIRE', key, string.format('%.0f', life + 1000)) end
    answer[#answer + 1] = 0
  else
    local slot = string.format('%.0f', math.floor(now / widths[i]))
    redis.call('HINCRBY', key, slot, amount)
    redis.call('PEXPIRE', key, string.format('%.0f', (period + 2 * widths[i]) / 1000 + 1000))
    answer[#answer + 1] = tonumber(slot)
  end
end
return answer
"""

_SETTLE = """
local changes = tonumber(ARGV[2])
for i = 1, changes do
  local slot, difference = ARGV[1 + 2 * i], tonumber(ARGV[2 + 2 * i])
  local count = redis.call('HGET', KEYS[i], slot)
  if count then redis.call('HSET', KEYS[i], slot, math.max(0, count + difference)) end
end
for i = changes + 1, #KEYS do redis.call('ZREM', KEYS[i], ARGV[1]) end
return 1
"""


class RedisCounts:
    """Counters in Redis.

    Args:
        url: `redis://host:port/db`.
        name: The registry's name there; registries of one name share their counters.
        processes: While Redis is away, each of so many processes counts its own part of a limit; None refuses calls.
        patience: Seconds for Redis to answer; one across the country may need more.
        clock: Seconds that never go back, for the local counters.
    """

    shared = True
    forgets = False

    def __init__(
        self,
        url: str,
        *,
        name: str = "lucky",
        processes: int | None = None,
        patience: float = PATIENCE,
        clock: Clock = time.monotonic,
    ) -> None:
        redis = extras.require("redis", extra="redis")
        client = redis.Redis.from_url(
            url, socket_timeout=patience, socket_connect_timeout=patience, retry=_retry_of(redis.ConnectionError)
        )
        self._failure: type[Exception] = redis.RedisError
        self._take = client.register_script(_TAKE)
        self._settle = client.register_script(_SETTLE)
        self._client = client
        self._prefix = f"lucky:{{{name}}}:"
        self._processes = processes
        self._local = MemoryCounts(clock)
        self._clock = clock
        self._rests_until = 0.0
        self._lock = threading.Lock()

    def take(self, demands: Sequence[Demand], lease: Lease) -> Taken | Short:
        """Take all, or nothing."""
        answer = self._ask("take", demands, lease)
        if answer is None:
            return self._local.take(self._shares(demands), lease)
        short = _short(demands, answer)
        if short is not None:
            return short
        return Taken({demand.key: int(slot) for demand, slot in zip(demands, answer[1:], strict=True) if demand.period})

    async def atake(self, demands: Sequence[Demand], lease: Lease) -> Taken | Short:
        """Same as `take`; a thread waits for Redis, so that one pool serves every event loop."""
        loop = asyncio.get_running_loop()
        answer = loop.run_in_executor(None, self.take, demands, lease)
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            # The script may have run: whoever asked is gone, so what it took goes back.
            answer.add_done_callback(lambda done: loop.run_in_executor(None, self._undo, done, demands, lease))
            raise

    def look(self, demands: Sequence[Demand]) -> Short | None:
        """What `take` would answer."""
        answer = self._ask("look", demands, Lease("", 0.0))
        return self._local.look(self._shares(demands)) if answer is None else _short(demands, answer)

    def settle(self, changes: Sequence[tuple[Demand, int, int]], places: Sequence[str], lease: Lease) -> None:
        """Correct and leave; without Redis the slots and leases run out by themselves."""
        self._local.settle(changes, places, lease)
        keys = [self._prefix + demand.key for demand, _, _ in changes] + [self._prefix + key for key in places]
        figures = [figure for _, slot, difference in changes for figure in (slot, difference)]
        if keys and not self._resting():
            try:
                self._settle(keys=keys, args=[lease.id, len(changes), *figures])
            except self._failure:
                self._rest()

    def seed(self, key: str, period: float, past: Iterable[tuple[float, int]]) -> None:
        """Redis remembers by itself."""

    def knows(self, key: str) -> bool:  # noqa: ARG002 - the protocol's
        """Redis remembers by itself."""
        return True

    def forked(self) -> None:
        """New locks; the client opens connections of its own in a child."""
        self._lock = threading.Lock()
        self._local.forked()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, what: str, demands: Sequence[Demand], lease: Lease) -> list[Any] | None:
        """The script's answer; None where policy says to count locally."""
        if not self._resting():
            figures = [f for d in demands for f in (d.kind, d.most, d.micros, d.amount)]
            arguments = [what, lease.id, round(lease.seconds * MICROS), SLOTS, *figures]
            try:
                return list(self._take(keys=[self._prefix + demand.key for demand in demands], args=arguments))
            except self._failure:
                self._rest()
        if self._processes is not None:
            return None
        raise errors.LimitReachedError(
            "The shared limits cannot be read: Redis is away, and policy says to refuse calls without them.",
            facts=errors.CallFacts(retry_after=REST_SECONDS),
        )

    def _undo(self, done: asyncio.Future[Taken | Short], demands: Sequence[Demand], lease: Lease) -> None:
        if done.cancelled() or done.exception() or not isinstance(taken := done.result(), Taken):
            return
        changes = [(demand, taken.slots[demand.key], -demand.amount) for demand in demands if demand.period]
        self.settle(changes, [demand.key for demand in demands if not demand.period], lease)

    def _shares(self, demands: Sequence[Demand]) -> list[Demand]:
        """This process's part of each limit, and no call so large that it never fits there."""
        parts = [max(1, demand.most // (self._processes or 1)) for demand in demands]
        return [
            replace(demand, most=part, amount=min(demand.amount, part))
            for demand, part in zip(demands, parts, strict=True)
        ]

    def _resting(self) -> bool:
        with self._lock:
            return self._clock() < self._rests_until

    def _rest(self) -> None:
        with self._lock:
            self._rests_until = self._clock() + REST_SECONDS


def _retry_of(lost: type[Exception]) -> Any:
    """Once more where the connection was lost before; never after a timeout, when the script may have run."""
    retry = extras.require("redis.retry", extra="redis")
    backoff = extras.require("redis.backoff", extra="redis")
    return retry.Retry(backoff.NoBackoff(), 1, supported_errors=(lost,))


def _short(demands: Sequence[Demand], answer: Sequence[Any]) -> Short | None:
    late = int(answer[0])
    return Short(demands[late - 1].key, int(answer[1]) / MICROS, bool(answer[2])) if late else None
