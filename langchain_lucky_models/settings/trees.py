"""YAML and JSON to plain values with their places, without trusting the text.

Read from the parser's events: no tag is followed, nothing is constructed, and what would be guessed at is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.extras import Later

if TYPE_CHECKING:
    import yaml
else:
    yaml = Later("yaml")  # most processes read no file

DEEPEST = 20
MOST_NODES = 5_000
MOST_ALIASES = 50
LONGEST_NUMBER = 40

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<real>\.[0-9]+)?(?P<power>[eE][+-]?[0-9]+)?")
_WORDS: Mapping[str, object] = {"true": True, "false": False, "null": None, "~": None, "": None}

Event = Any  # the parser's own, of which its stubs know little
Expand = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands.

    Attributes:
        value: Plain: texts, numbers, lists, mappings.
        line: Counted from 1.
        column: Counted from 1.
        parts: What is inside, by key or by place.
        size: How many nodes it is, aliases written out.
        expanded: Whether the environment had a part in it.
    """

    value: object
    line: int
    column: int
    parts: Mapping[str, Node] = field(default_factory=dict)
    size: int = 1
    expanded: bool = False

    def at(self, path: str) -> Node:
        """The node of a dotted path, or the last one on the way to it. Keys may hold dots themselves."""
        keys = [key for key in self.parts if path == key or path.startswith(key + ".")]
        if not keys:
            return self
        key = max(keys, key=len)
        return self.parts[key].at(path[len(key) + 1 :])

    def moved(self, line: int, column: int) -> Node:
        """The same, found elsewhere."""
        return Node(self.value, line, column, self.parts, self.size, self.expanded)


class Tree:
    """Reads one text.

    Args:
        file: What the text is called in errors.
        expand: Writes out `${NAME}` in texts; without it they stay as they are.
        aliases: How many aliases the text may hold.
    """

    def __init__(self, file: str, *, expand: Expand | None = None, aliases: int = 0) -> None:
        self._file = file
        self._expand = expand
        self._aliases_left = aliases
        self._aliases = aliases
        self._anchors: dict[str, Node] = {}
        self._size = 0
        self._path: list[str] = []
        self._events: Iterator[Event] = iter(())

    def read(self, text: str) -> Node:
        """The whole text as one node; an empty one is an empty mapping.

        Raises:
            ConfigError: It is not well formed, or holds what is refused; the message says where.
        """
        try:
            return self._read(text)
        except yaml.MarkedYAMLError as error:
            raise self._refused(str(error.problem or error.context), error.problem_mark) from None
        except yaml.YAMLError:
            raise ConfigError("it holds a character that no text holds.", file=self._file) from None
        except (RecursionError, MemoryError):
            raise ConfigError("it is too large to be settings.", file=self._file) from None

    def _read(self, text: str) -> Node:
        self._events = iter(yaml.parse(text, Loader=_loader()))
        next(self._events)  # the stream begins
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return Node({}, 1, 1)
        node = self._node(next(self._events), 1)
        next(self._events)  # the document ends
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._refused("a second document begins; a file holds one", after.start_mark)
        return Node({}, 1, 1) if node.value is None else node

    def _node(self, event: Event, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if getattr(event, "tag", None) is not None:
            raise self._refused(f"the tag {event.tag} is not read; write a plain value", event.start_mark)
        if event.anchor is not None and not self._aliases:
            raise self._refused("anchors and aliases are not read here; write the values out", event.start_mark)
        if depth > DEEPEST:
            raise self._refused(f"it is nested more than {DEEPEST} deep", event.start_mark)
        self._count(1, event)
        if isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(event, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(event, depth)
        else:
            node = self._scalar(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _mapping(self, start: Event, depth: int) -> Node:
        parts: dict[str, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event)
            if key in parts:
                raise self._refused(f"{key!r} is here twice; the first is in line {parts[key].line}", event.start_mark)
            child = self._inside(key, next(self._events), depth)
            parts[key] = child.moved(event.start_mark.line + 1, event.start_mark.column + 1)
        return self._placed({key: part.value for key, part in parts.items()}, start, parts)

    def _sequence(self, start: Event, depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._inside(str(len(items)), event, depth))
        return self._placed([item.value for item in items], start, {str(n): item for n, item in enumerate(items)})

    def _inside(self, key: str, event: Event, depth: int) -> Node:
        self._path.append(key)
        node = self._node(event, depth + 1)
        self._path.pop()
        return node

    def _scalar(self, event: Event) -> Node:
        value: object = event.value if event.style else self._plain(event)
        expanded = False
        if isinstance(value, str) and self._expand is not None and "$" in value:
            try:
                value, expanded = self._expand(value), True
            except ConfigError as error:
                raise self._refused(str(error).removesuffix("."), event.start_mark) from None
        mark = event.start_mark
        return Node(value, mark.line + 1, mark.column + 1, expanded=expanded)

    def _plain(self, event: Event) -> object:
        """A value without quotes: JSON's words and numbers, and texts that no version of YAML takes for another."""
        text = event.value
        if text in _WORDS:
            return _WORDS[text]
        if number := _NUMBER.fullmatch(text):
            real = number["real"] or number["power"]
            value = float(text) if real else int(text[: LONGEST_NUMBER + 1])
            if len(text) > LONGEST_NUMBER or not math.isfinite(value):
                raise self._refused("the number is too large", event.start_mark)
            return value
        if _resolver().resolve(yaml.ScalarNode, text, (True, False)) != "tag:yaml.org,2002:str":
            raise self._refused(
                f"{text[:LONGEST_NUMBER]} is read in more than one way; put it in quotes if it is a text, else write"
                " true, false, null or a plain number",
                event.start_mark,
            )
        return text

    def _key(self, event: Event) -> str:
        if not isinstance(event, yaml.ScalarEvent) or event.tag is not None or event.anchor is not None:
            raise self._refused("a key is a plain text", event.start_mark)
        self._count(1, event)
        key = event.value if event.style else self._key_text(event)
        if not isinstance(key, str):
            raise self._refused(f"the key {event.value!r} is no text; put it in quotes", event.start_mark)
        return key

    def _key_text(self, event: Event) -> object:
        if event.value == "<<":
            raise self._refused("merge keys (<<) are not read; write the keys out", event.start_mark)
        return self._plain(event)

    def _alias(self, event: Event) -> Node:
        self._aliases_left -= 1
        if self._aliases_left < 0:
            most = f"at most {self._aliases} aliases are read" if self._aliases else "aliases are not read here"
            raise self._refused(f"{most}; write the values out", event.start_mark)
        node = self._anchors.get(event.anchor)
        if node is None:
            raise self._refused(f"*{event.anchor} stands for nothing that is complete before it", event.start_mark)
        self._count(node.size, event)
        return node

    def _placed(self, value: object, start: Event, parts: Mapping[str, Node]) -> Node:
        size = 1 + sum(part.size for part in parts.values())
        return Node(value, start.start_mark.line + 1, start.start_mark.column + 1, parts, size)

    def _count(self, more: int, event: Event) -> None:
        self._size += more
        if self._size > MOST_NODES:
            raise self._refused(f"it holds more than {MOST_NODES} values", event.start_mark)

    def _refused(self, reason: str, mark: Any) -> ConfigError:
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
        field = ".".join(self._path)
        told = f"{field}: {reason}." if field else f"{reason}."
        return ConfigError(told, file=self._file, line=line, column=column, field=field or None)


@cache
def _resolver() -> Any:
    return yaml.resolver.Resolver()


def _loader() -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)
