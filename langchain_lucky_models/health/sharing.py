"""Boards of many processes that hear of each other's breakers through Redis. Advisory: no call ever waits for it.

A thread of its own carries news to and fro a few times a second. While Redis is away, each process goes by what it
sees itself.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import threading
import uuid
import weakref
from collections import deque
from typing import Any

from langchain_lucky_models import extras
from langchain_lucky_models.health.board import HealthBoard, Scope
from langchain_lucky_models.health.news import News

_LOG = logging.getLogger(__name__)

INTERVAL = 0.2
"""Seconds between two looks at what the others say."""
PATIENCE = 1.0
"""Seconds for Redis to answer the thread that asks; no call waits for that thread."""
REST_SECONDS = 1.0
"""Seconds until Redis is tried again after a failure."""
MOST_NEWS = 1000
"""News that wait for Redis; older ones are forgotten."""

_EXCHANGE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local writer = ARGV[1]
for i = 2, #ARGV, 3 do
  local row = cjson.encode({by = writer, at = now, till = now + tonumber(ARGV[i + 2]), news = ARGV[i + 1]})
  redis.call('HSET', KEYS[1], ARGV[i], row)
end
local rows, fresh, longest = redis.call('HGETALL', KEYS[1]), {}, 0
for i = 1, #rows, 2 do
  local row = cjson.decode(rows[i + 1])
  local left = row.till - now
  if left <= 0 then
    redis.call('HDEL', KEYS[1], rows[i])
  else
    longest = math.max(longest, left)
    if row.by ~= writer then
      for _, part in ipairs({rows[i], row.by .. string.format('@%.0f', row.at), row.news, string.format('%.0f', left)})
      do fresh[#fresh + 1] = part end
    end
  end
end
if longest > 0 then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', longest + 1000)) end
return fresh
"""
"""Write our news, drop what is over, and read everybody else's, by Redis' own clock."""


class SharedState:
    """What ties a board to the boards of other processes.

    Args:
        url: `redis://host:port/db`.
        name: The registry's name there; registries of one name share their breakers.

    Raises:
        MissingExtraError: The package `redis` is not installed.
    """

    def __init__(self, url: str, *, name: str = "lucky") -> None:
        redis = extras.require("redis", extra="redis")
        never = extras.require("redis.retry", extra="redis").Retry(redis.backoff.NoBackoff(), 0)
        self._client = redis.Redis.from_url(
            url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, decode_responses=True, retry=never
        )
        self._failures: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        self._exchange = self._client.register_script(_EXCHANGE)
        self._key = f"lucky:{{{name}}}:health"
        self._news: deque[tuple[Scope, News]] = deque(maxlen=MOST_NEWS)
        self._seen: dict[Scope, str] = {}
        self._away = False
        self.board = HealthBoard(tell=self._note)
        self.forked()
        self._settle_forks()

    def forked(self) -> None:
        """A child is another process: it has a name, and needs a thread, of its own."""
        self._writer = uuid.uuid4().hex
        self._over = threading.Event()
        self._starting = threading.Lock()
        self.busy = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Start to listen, where that has not happened yet."""
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None and not self._over.is_set():
                work = functools.partial(_keep_in_touch, weakref.ref(self), self._over)
                self._thread = threading.Thread(target=work, name="lucky-health", daemon=True)
                self._thread.start()

    def exchange(self) -> bool:
        """Tell our news and hear the others'; whether Redis was there."""
        told = list(self._news)
        rows = [part for scope, news in told for part in (_written(scope), news.written(), round(news.seconds * 1000))]
        try:
            with self.busy:
                answer = self._exchange(keys=[self._key], args=[self._writer, *rows])
        except self._failures as error:
            self._lose(error)
            return False
        for _ in told:
            self._news.popleft()
        if self._away:
            self._away = False
            _LOG.warning("Redis is back; health is shared with other processes again.")
        self._hear(answer)
        return True

    def close(self) -> None:
        """Stop listening."""
        self._over.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(PATIENCE + INTERVAL)
        self._client.close()

    def _settle_forks(self) -> None:
        """No child is born in the middle of an exchange: it would wait for ever for locks that it half inherited."""
        this = weakref.ref(self)

        def hold() -> None:
            if (shared := this()) is not None:
                shared.busy.acquire()

        def release() -> None:
            if (shared := this()) is not None:
                shared.busy.release()

        def revive() -> None:
            if (shared := this()) is not None:
                shared.forked()

        os.register_at_fork(before=hold, after_in_parent=release, after_in_child=revive)

    def _note(self, scope: Scope, news: News) -> None:
        self._news.append((scope, news))

    def _hear(self, answer: list[Any]) -> None:
        rows = zip(answer[::4], answer[1::4], answer[2::4], answer[3::4], strict=True)
        seen: dict[Scope, str] = {}
        for written, mark, text, left in rows:
            scope, news = _read(written), News.read(text, int(left) / 1000)
            if scope is None or news is None:
                continue
            seen[scope] = mark
            if self._seen.get(scope) != mark:
                self.board.hear(scope, news)
        self._seen = seen

    def _lose(self, error: Exception) -> None:
        if not self._away:
            self._away = True
            _LOG.warning(
                "Redis is away (%s); health goes by what this process sees itself until it is back.",
                type(error).__name__,
            )


def _keep_in_touch(reference: weakref.ref[SharedState], over: threading.Event) -> None:
    pause = 0.0
    while not over.wait(pause):
        if (shared := reference()) is None:
            return
        pause = INTERVAL if shared.exchange() else REST_SECONDS
        del shared  # or nobody could ever let go of it


def _written(scope: Scope) -> str:
    return json.dumps([scope.kind, scope.endpoint, scope.model, scope.credential])


def _read(text: str) -> Scope | None:
    try:
        return Scope(*json.loads(text))
    except (ValueError, TypeError):
        return None
