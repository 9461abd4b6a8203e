"""What the loopback model says: decided by the question alone, so that every run answers the same."""

from __future__ import annotations

import hashlib
import json
import re

from tests.loopback.talk import Answer, Json, Question, Tool, ToolCall


def fingerprint(key: str | None) -> str:
    """A short, unambiguous sign of a key, for tests of cross-talk."""
    return hashlib.sha256((key or "").encode()).hexdigest()[:12]


def think(question: Question) -> Answer:
    """Call a tool where one is wanted, follow a schema where one is given, else say hello."""
    reasoning = "Considering the question." if question.thinks else None
    if wanted := _wanted_tools(question):
        return Answer(text="", calls=_calls(wanted, question.text), reasoning=reasoning)
    if question.schema is not None:
        return Answer(text=json.dumps(sample(question.schema, question.text), ensure_ascii=False), reasoning=reasoning)
    if question.json_mode:
        return Answer(text=json.dumps(_named_keys(question.text)), reasoning=reasoning)
    return Answer(reasoning=reasoning)


def echo(question: Question, key: str | None) -> Answer:
    """Repeat the question and sign it with the key it came with."""
    return Answer(text=f"{question.text} [{fingerprint(key)}]")


def _wanted_tools(question: Question) -> tuple[Tool, ...]:
    if not question.tools or question.choice == "none":
        return ()
    named = tuple(tool for tool in question.tools if tool.name == question.choice)
    if named:
        return named
    if question.choice == "auto" and question.last_role != "user":
        return ()
    # "in parallel" in the question asks for every tool at once.
    return question.tools if "in parallel" in question.text else question.tools[:1]


def _calls(tools: tuple[Tool, ...], text: str) -> tuple[ToolCall, ...]:
    arguments = [json.dumps(sample(tool.schema, text), ensure_ascii=False) for tool in tools]
    return tuple(
        ToolCall(tool.name, given, f"call_{place}")
        for place, (tool, given) in enumerate(zip(tools, arguments, strict=True), 1)
    )


def _named_keys(text: str) -> dict[str, str]:
    keys = re.findall(r"'(\w+)'", text) or ["answer"]
    return {key: f"{key} of the loopback model" for key in keys}


def sample(schema: Json, text: str, root: Json | None = None) -> object:
    """A value that the schema allows, taken from the text where the text has one."""
    root = schema if root is None else root
    if reference := schema.get("$ref"):
        return sample(_resolve(reference, root), text, root)
    for combined in ("anyOf", "oneOf", "allOf"):
        if choices := [choice for choice in schema.get(combined, ()) if choice.get("type") != "null"]:
            return sample(choices[0], text, root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    return _by_type(schema, text, root)


def _resolve(reference: str, root: Json) -> Json:
    found = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def _by_type(schema: Json, text: str, root: Json) -> object:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = next((one for one in kind if one != "null"), "null") if isinstance(kind, list) else kind
    if kind == "object":
        return {name: sample(part, text, root) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [sample(schema.get("items", {}), text, root)]
    plain = {"integer": _number(text), "number": float(_number(text)), "boolean": True, "null": None}
    return plain.get(kind, _phrase(text))


def _number(text: str) -> int:
    found = re.search(r"\((-?\d+)\)", text) or re.search(r"(-?\d+)", text)
    return int(found[1]) if found else 1


def _phrase(text: str) -> str:
    found = re.search(r"'([^']+)'", text)
    return found[1] if found else "something from the loopback model"
