"""What a user may type, and nothing that only looks like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_lucky_models.errors import ConfigError, InvalidRefError
from langchain_lucky_models.refs import (
    LONGEST_NAME,
    AllowedName,
    BareName,
    ExperimentName,
    ModelRef,
    TierName,
    TypedName,
    Wildcard,
    parse_allowed,
    parse_name,
)

PROVIDERS = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,20}", fullmatch=True)
MODELS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)
VISIBLE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("openai#gpt-4o", ModelRef("openai", "gpt-4o")),
        ("openrouter#openai/gpt-4o", ModelRef("openrouter", "openai/gpt-4o")),
        ("ollama#llama3.2:3b", ModelRef("ollama", "llama3.2:3b")),
        ("mybox#a#b", ModelRef("mybox", "a#b")),
        ("gpt-4o", BareName("gpt-4o")),
        ("openai/gpt-4o", BareName("openai/gpt-4o")),
        ("tier:cheap", TierName("cheap")),
        ("user:ada:local_first", ExperimentName("ada", "local_first")),
        ("user:org:7:ada:local_first", ExperimentName("org:7:ada", "local_first")),
        ("user:Zoë:größer", ExperimentName("Zoë", "größer")),
        ("user:ada@x.example:local_first@b", ExperimentName("ada@x.example", "local_first", "b")),
    ],
)
def test_a_name_is_read_as_it_was_meant(text: str, meaning: TypedName) -> None:
    """Every form there is, and each is written again as it was typed."""
    assert parse_name(text) == meaning
    assert str(meaning) == text


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("*", Wildcard()),
        ("openai#*", Wildcard("openai")),
        ("openai#gpt-4o", ModelRef("openai", "gpt-4o")),
    ],
)
def test_a_line_of_a_list_is_a_ref_or_a_wildcard(text: str, meaning: AllowedName) -> None:
    assert parse_allowed(text) == meaning
    assert str(meaning) == text


def test_a_wildcard_covers_its_provider_and_no_other() -> None:
    ref = ModelRef("openai", "gpt-4o")
    assert [Wildcard(name).matches(ref) for name in (None, "openai", "openai-eu", "open")] == [True, True, False, False]


@pytest.mark.parametrize("text", ["*", "openai#*"])
def test_a_wildcard_is_no_model(text: str) -> None:
    """One model is asked for; a list is where all may stand."""
    with pytest.raises(InvalidRefError, match="wildcards stand in a user's list"):
        parse_name(text)


@pytest.mark.parametrize("text", ["openai#gpt-*", "op*#gpt-4o", "openai#*#", "*#*", "**", "gpt-*"])
def test_a_wildcard_does_not_stand_inside_a_name(text: str) -> None:
    with pytest.raises(InvalidRefError, match=r"wildcard|provider"):
        parse_allowed(text)


@pytest.mark.parametrize("text", ["gpt-4o", "openai/gpt-4o", "tier:cheap", "user:ada:local_first"])
def test_a_list_holds_no_names_that_need_a_list(text: str) -> None:
    with pytest.raises(InvalidRefError, match="names no provider"):
        parse_allowed(text)


ODD = {
    "Cyrillic letter": ("openai#gpt-4\u043e", "U\\+043E"),
    "Greek letter": ("openai#gpt-4\u03bf", "U\\+03BF"),
    "fullwidth letters": ("openai#\uff47pt-4o", "U\\+FF47"),
    "ligature": ("openai#\ufb01ne", "U\\+FB01"),
    "blank behind": ("openai#gpt-4o ", "U\\+0020"),
    "blank before the model": ("openai# gpt-4o", "U\\+0020"),
    "no-break blank": ("openai#gpt\u00a04o", "U\\+00A0"),
    "zero-width blank": ("openai#gpt\u200b-4o", "U\\+200B"),
    "line end": ("openai#gpt-4o\n", "U\\+000A"),
    "CR and LF": ("openai#gpt-4o\r\nX-Injected: 1", "U\\+000D"),
    "tab": ("openai#gpt-4o\t", "U\\+0009"),
    "NUL": ("openai#gpt-4o\0", "U\\+0000"),
    "line separator": ("openai#gpt\u2028-4o", "U\\+2028"),
    "right-to-left override": ("openai#gpt\u202e4o", "U\\+202E"),
    "byte order mark": ("openai#\ufeffgpt-4o", "U\\+FEFF"),
    "half a character": ("openai#gpt\ud800", "U\\+D800"),
    "bare, Cyrillic": ("gpt-4\u043e", "U\\+043E"),
    "bare, blank before": (" gpt-4o", "U\\+0020"),
    "bare, line end": ("gpt-4o\n", "U\\+000A"),
    "provider, Cyrillic": ("\u043epenai#gpt-4o", "the provider"),
    "provider, capitals": ("OpenAI#gpt-4o", "lower-case"),
    "provider, blank before": (" openai#gpt-4o", "the provider"),
    "provider, blank behind": ("openai #gpt-4o", "the provider"),
    "provider, line end": ("openai\n#gpt-4o", "the provider"),
    "provider, path": ("../openai#gpt-4o", "the provider"),
    "provider, address": ("https://evil.example#gpt-4o", "the provider"),
    "no provider": ("#gpt-4o", "the provider ''"),
    "no model": ("openai#", "the model is empty"),
    "nothing": ("", "is empty"),
    "only a separator": ("#", "the provider ''"),
    "no tier": ("tier:", "names nothing after 'tier:'"),
    "tier, line end": ("tier:cheap\n", "U\\+000A"),
    "tier, right-to-left override": ("tier:\u202epaehc", "U\\+202E"),
    "tier, no-break blank": ("tier:cheap\u00a0", "U\\+00A0"),
    "no user and no experiment": ("user:", "names no experiment"),
    "no experiment": ("user:ada:", "names no experiment"),
    "no user": ("user::local", "names no experiment"),
    "user without an experiment": ("user:ada", "names no experiment"),
    "no variant": ("user:ada:local@", "names no variant"),
    "a variant of nothing": ("user:ada:@b", "names no variant"),
    "user, CR and LF": ("user:ada\r\n:local", "U\\+000D"),
    "experiment, zero-width blank": ("user:ada:lo\u200bcal", "U\\+200B"),
}


@pytest.mark.parametrize("case", ODD)
def test_what_only_looks_like_a_name_is_refused(case: str) -> None:
    """Case 104: the message names the letter, and holds nothing itself that breaks a line or turns it around."""
    text, words = ODD[case]
    with pytest.raises(InvalidRefError, match=words) as refusal:
        parse_name(text)
    assert str(refusal.value).isprintable()
    assert isinstance(refusal.value, ConfigError)


@pytest.mark.parametrize("text", [text for text, _ in ODD.values() if "#" in text])
def test_a_list_refuses_the_same_refs(text: str) -> None:
    with pytest.raises(InvalidRefError):
        parse_allowed(text)


@pytest.mark.parametrize("read", [parse_name, parse_allowed, ModelRef.parse])
@pytest.mark.parametrize("value", [None, 7, b"openai#gpt-4o", ["openai#gpt-4o"], ModelRef("openai", "gpt-4o")])
def test_what_is_no_text_is_refused_with_its_type(read: type[ModelRef], value: object) -> None:
    with pytest.raises(InvalidRefError, match=f"is a string, not {type(value).__name__}"):
        read(value)  # type: ignore[call-arg, arg-type]


def test_a_name_has_a_greatest_length() -> None:
    """A text of any size is refused without being repeated."""
    longest = "openai#" + "x" * (LONGEST_NAME - len("openai#"))
    assert str(parse_name(longest)) == longest
    for text in (longest + "x", "tier:" + "x" * 10_000, "\u043e" * 10**6):
        with pytest.raises(InvalidRefError, match=f"of {len(text)} characters is too long") as refusal:
            parse_name(text)
        assert len(str(refusal.value)) < 100


def test_case_is_kept_because_providers_tell_it_apart() -> None:
    assert parse_name("openai#GPT-4o") != parse_name("openai#gpt-4o")
    assert parse_name("TIER:cheap") == BareName("TIER:cheap")


def test_the_last_part_stands_behind_the_last_slash() -> None:
    assert [ModelRef("mybox", model).last_part for model in ("gpt-4o", "openai/gpt-4o", "a/b/c")] == [
        "gpt-4o",
        "gpt-4o",
        "c",
    ]


def test_refs_are_values_that_sort_and_count_once() -> None:
    refs = [ModelRef("openai", "b"), ModelRef("groq", "z"), ModelRef("openai", "a")]
    assert [str(ref) for ref in sorted(refs)] == ["groq#z", "openai#a", "openai#b"]
    assert len({*refs, ModelRef.parse("openai#a")}) == 3


@given(PROVIDERS, MODELS)
def test_every_ref_is_read_back_from_what_it_writes(provider: str, model: str) -> None:
    """Of the separators the first one counts, whatever the model's own id holds."""
    ref = ModelRef(provider, model)
    assert ModelRef.parse(str(ref)) == ref
    assert model == "*" or parse_name(str(ref)) == ref or model.endswith("#*")


PLAIN = VISIBLE.filter(lambda name: not {":", "@"} & set(name))


@given(VISIBLE, PLAIN, st.none() | PLAIN)
def test_an_experiment_is_read_back_whatever_its_user_is_called(
    user_id: str, experiment: str, variant: str | None
) -> None:
    name = ExperimentName(user_id, experiment, variant)
    assert parse_name(str(name)) == name


@given(st.text(max_size=40) | MODELS)
def test_any_text_is_read_as_one_form_or_refused(text: str) -> None:
    """Nothing else is raised, and what is read is written again to the letter."""
    for read in (parse_name, parse_allowed):
        try:
            meaning = read(text)
        except InvalidRefError:
            continue
        assert str(meaning) == text
