"""What can go wrong at a provider, by name. `FAULTS` holds them all, so that tests may run over every one."""

from __future__ import annotations

from collections.abc import Mapping

from tests.loopback.behaviours import (
    ask_to_wait,
    broken_event,
    comments_only,
    cut,
    deep_json,
    drip,
    drip_events,
    duplicate_done,
    endless_body,
    endless_stream,
    ends_early,
    error_event,
    error_in_200,
    first_words,
    gzip_bomb,
    hang_after_headers,
    hang_before_headers,
    hollow,
    html_200,
    lying_length,
    million_headers,
    odd_usage,
    opening,
    oversized_line,
    redirect,
    reset_before_answer,
    retry_after_date,
    retry_after_skewed,
    set_cookie,
    silent_after_role,
    stall_after_tokens,
    status,
    status_401_echo,
    tokens,
    truncated_json,
    within_stream,
    wrong_content_type,
)
from tests.loopback.exchange import Fault

RETRY_AFTER: Mapping[str, Fault] = {
    "retry_after_seconds": ask_to_wait("2"),
    "retry_after_float": ask_to_wait("1.5"),
    "retry_after_date": retry_after_date,
    "retry_after_skewed": retry_after_skewed,
    "retry_after_ms": ask_to_wait("1500", "retry-after-ms"),
    "retry_after_hour": ask_to_wait("3600"),
    "retry_after_inf": ask_to_wait("inf"),
    "retry_after_nan": ask_to_wait("nan"),
    "retry_after_negative": ask_to_wait("-5"),
    "retry_after_overflow": ask_to_wait("1e400"),
    "retry_after_20_digits": ask_to_wait("9" * 20),
    "retry_after_twice": status(429, ("retry-after", "1"), ("retry-after", "7")),
    "retry_after_garbage": ask_to_wait("soon, maybe"),
    "retry_after_past": ask_to_wait("Wed, 21 Oct 2015 07:28:00 GMT"),
}
"""429 with every form of `Retry-After`."""

STATUSES: Mapping[str, Fault] = {
    f"status_{code}": status(code)
    for code in (400, 401, 402, 403, 404, 408, 409, 413, 422, 425, 429, 500, 501, 502, 503, 504, 529)
}
"""A plain refusal with each status."""

REFUSALS: Mapping[str, Fault] = {
    "status_401_echo": status_401_echo,
    "context_too_long": status(400, word="context_length_exceeded", message="maximum context length is 8 tokens"),
    "content_refused": status(400, word="content_policy_violation", message="rejected by the content policy"),
    "quota_exhausted": status(429, word="insufficient_quota", message="You exceeded your current quota"),
    **{f"redirect_{code}": redirect(code) for code in (301, 302, 303, 307, 308)},
}
"""Refusals that mean something else than their status says, and redirects."""

SILENCES: Mapping[str, Fault] = {
    "hang_before_headers": hang_before_headers,
    "hang_after_headers": hang_after_headers,
    "drip": drip,
    "drip_events": drip_events,
    "comments_only": comments_only,
    "silent_after_role": silent_after_role,
    "stall_after_tokens": stall_after_tokens,
}
"""Those that only a timer ends."""

CUTS: Mapping[str, Fault] = {
    "cut_before_first_token": cut(lambda _: []),
    "cut_after_role": cut(opening),
    "cut_after_tokens": cut(first_words),
    "reset_before_answer": reset_before_answer,
    "reset_after_headers": cut(lambda _: [], reset=True),
    "reset_mid_stream": cut(first_words, reset=True),
    "ends_without_finish": ends_early(says_done=False),
    "ends_without_finish_done": ends_early(says_done=True),
}
"""Answers that stop."""

NONSENSE: Mapping[str, Fault] = {
    "malformed_event": within_stream(broken_event, after=first_words),
    "malformed_first_event": within_stream(broken_event, after=opening),
    "error_event": within_stream(error_event, after=first_words),
    "error_event_first": within_stream(error_event, after=opening),
    "truncated_json": truncated_json,
    "wrong_content_type": wrong_content_type,
    "html_200": html_200,
    "empty_choices": hollow("empty"),
    "null_choices": hollow("null"),
    "null_content": hollow("silent"),
    "error_in_200": error_in_200,
    "deep_json": deep_json,
    "length_too_long": lying_length(+50),
    "length_too_short": lying_length(-20),
}
"""Answers that are none."""

EXCESSES: Mapping[str, Fault] = {
    "oversized_line": oversized_line,
    "endless_body": endless_body,
    "endless_stream": endless_stream,
    "gzip_bomb": gzip_bomb,
    "million_headers": million_headers,
}
"""Answers that would fill the memory."""

ODDITIES: Mapping[str, Fault] = {
    "duplicate_done": duplicate_done,
    "set_cookie": set_cookie,
    "usage_negative": odd_usage(tokens(-5, -7, -12)),
    "usage_huge": odd_usage(tokens(10**18, 10**18, 2 * 10**18)),
    "usage_zero": odd_usage(tokens(0, 0, 0)),
    "usage_wrong_total": odd_usage(tokens(10, 5, 1)),
    "usage_texts": odd_usage(tokens("10", "five", "15")),
    "usage_floats": odd_usage(tokens(10.5, 5.5, 16.0)),
    "usage_bools": odd_usage(tokens(True, False, True)),  # noqa: FBT003 -- JSON's own true and false
    "usage_null": odd_usage(None),
    "usage_empty": odd_usage({}),
}
"""Good answers with something odd about them."""

FAULTS: Mapping[str, Fault] = {
    **STATUSES,
    **RETRY_AFTER,
    **REFUSALS,
    **SILENCES,
    **CUTS,
    **NONSENSE,
    **EXCESSES,
    **ODDITIES,
}
"""Every fault by its name."""
