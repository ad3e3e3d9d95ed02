"""Reads the keys of a YAML file one by one and refuses everything that is not as expected.

Every refusal names the file, the key, the value, and what is allowed.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any

import yaml

from mentor_common.tasks.former_names import KEYS, with_present_keys

NAME = re.compile(r"[a-z][a-z0-9_]*")
NAME_RULE = "lower-case letters, digits and _, beginning with a letter"


MAX_SIZE = 200_000
"""Characters of a task file, at most."""
MAX_DEPTH = 20
"""Mappings and lists within each other, at most."""


class TaskError(ValueError):
    """A task file that is refused: file, key, value, and what is allowed."""


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_Loader):
    """YAML without duplicate keys (YAML itself lets the last one win in silence)."""


def _mapping(loader: _StrictLoader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: dict[Any, int] = {}
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + 1
        if not isinstance(key, Hashable):
            raise TaskError(f"line {line}: key {key!r} is no text; allowed: a name")
        if key in seen:
            raise TaskError(
                f"line {line}: key '{key}' stands twice, first in line {seen[key]}; allowed: once"
            )
        seen[key] = line
    mapping: dict[Any, Any] = yaml.SafeLoader.construct_mapping(loader, node, deep=True)
    return mapping


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> Fields:
    """Return the top-level mapping of a YAML file. Raises: TaskError."""
    try:
        if not path.is_file():
            raise OSError("is not a regular file")  # a FIFO would be waited for
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"task file {path}: cannot be read: {error}") from error
    return parse_yaml(text, str(path))


def parse_yaml(
    text: str, file: str, kind: str = "task file", *, former_names: bool = False
) -> Fields:
    """Return the top-level mapping of a YAML text.

    Args:
        text: YAML.
        file: its name in refusals.
        kind: what refusals call the file.
        former_names: whether keys may have the names of earlier versions.

    Raises:
        TaskError: it is no YAML, or what no task file needs: aliases, deep nesting, huge size.
    """
    source = f"{kind} {file}"
    try:
        _check_size(text)
        data = yaml.load(text, Loader=_StrictLoader)
    except TaskError as error:
        raise TaskError(f"{source}: {error}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TaskError(f"{source}: is no YAML: {error}") from error
    return Fields(source, "", with_present_keys(data) if former_names else data)


def _check_size(text: str) -> None:
    if len(text) > MAX_SIZE:
        raise TaskError(f"{len(text)} characters; allowed: at most {MAX_SIZE}")
    depth = 0
    event: Any
    for event in yaml.parse(text, Loader=_Loader):  # one by one: nothing is built yet
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise TaskError(f"line {line}: alias *{event.anchor}; allowed: values written out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise TaskError(f"line {line}: more than {MAX_DEPTH} levels; allowed: fewer")


class Fields:
    """The keys of one mapping of the file. Each is read once; :meth:`end` refuses the rest."""

    def __init__(self, source: str, path: str, data: Any) -> None:
        self._source = source
        self._path = path
        if not isinstance(data, dict):
            raise self._refusal(path or "(top level)", data, "a mapping of keys to values")
        for key in data:
            if not isinstance(key, str):
                raise self._refusal(self._key(str(key)), key, "a text as key (quote it)")
        self._data = data
        self._known: set[str] = set()

    def refuse(self, key: str, value: Any, allowed: str) -> TaskError:
        """Return the error that refuses the value of a key of this mapping."""
        return self._refusal(self._key(key), value, allowed)

    def has(self, key: str) -> bool:
        """Return whether an optional key is there."""
        self._known.add(key)
        return key in self._data

    def names_of_keys(self) -> list[str]:
        """Return all keys of a mapping whose keys are names."""
        for key, value in self._data.items():
            if not NAME.fullmatch(key):
                raise self.refuse(key, value, f"as key: {NAME_RULE}")
        return list(self._data)

    def end(self) -> None:
        """Refuse the keys that nobody has asked for."""
        for key, value in self._data.items():
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, 1)
                hint = f" (did you mean '{near[0]}'?)" if near else ""
                raise self.refuse(key, value, f"one of the keys {sorted(self._known)}{hint}")

    def text(self, key: str, *, empty: bool = False) -> str:
        """Return a text, not empty unless ``empty``."""
        allowed = "a text" if empty else "a text that is not empty"
        return str(
            self._take(key, allowed, lambda v: isinstance(v, str) and (empty or bool(v.strip())))
        )

    def name(self, key: str) -> str:
        """Return a name: lower-case letters, digits and _."""
        return str(
            self._take(key, NAME_RULE, lambda v: isinstance(v, str) and bool(NAME.fullmatch(v)))
        )

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """Return one of several words."""
        return str(self._take(key, f"one of {list(choices)}", lambda v: v in choices, kind=str))

    def flag(self, key: str) -> bool:
        """Return true or false."""
        return bool(self._take(key, "true or false", lambda v: isinstance(v, bool)))

    def integer(self, key: str, low: int, high: int) -> int:
        """Return a whole number in [low, high]."""
        allowed = f"a whole number from {low} to {high}"
        return int(self._take(key, allowed, lambda v: _is_int(v) and low <= v <= high))

    def number(self, key: str, low: float, high: float, *, above: bool = False) -> float:
        """Return a finite number in [low, high], or (low, high] if ``above``."""
        allowed = (
            f"a number {'above' if above else 'from'} {low:g} {'up ' if above else ''}to {high:g}"
        )
        return float(self._take(key, allowed, lambda v: _in_range(v, low, high, above)))

    def interval(self, key: str, low: float, high: float) -> tuple[float, float]:
        """Return two numbers ``[a, b]`` with low <= a <= b <= high."""

        def fits(value: Any) -> bool:
            return (
                isinstance(value, list)
                and len(value) == 2
                and all(_in_range(v, low, high, False) for v in value)
                and value[0] <= value[1]
            )

        a, b = self._take(key, f"[a, b] with {low:g} <= a <= b <= {high:g}", fits)
        return float(a), float(b)

    def is_word(self, key: str, word: str) -> bool:
        """Return whether the value of a key is exactly this word."""
        self._known.add(key)
        return bool(self._data.get(key) == word)

    def vector(self, key: str, size: int, low: float, high: float) -> tuple[Any, ...]:
        """Return a list of ``size`` finite numbers, each in [low, high]."""

        def fits(value: Any) -> bool:
            return (
                isinstance(value, list)
                and len(value) == size
                and all(_in_range(item, low, high, False) for item in value)
            )

        allowed = f"a list of {size} numbers from {low:g} to {high:g}"
        return tuple(float(item) for item in self._take(key, allowed, fits))

    def names(self, key: str, least: int = 1, choices: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of different names, of ``choices`` where they are given."""
        rule = f"of {list(choices)}" if choices else f"({NAME_RULE})"
        allowed = f"a list of at least {least} different names {rule}"

        def fits(value: Any) -> bool:
            return (
                isinstance(value, list)
                and len(value) >= least
                and all(isinstance(v, str) and bool(NAME.fullmatch(v)) for v in value)
                and len(set(value)) == len(value)
                and (not choices or set(value) <= set(choices))
            )

        return tuple(self._take(key, allowed, fits))

    def section(self, key: str, *, optional: bool = False) -> Fields:
        """Return a mapping; empty if it is optional and not there."""
        if optional and not self.has(key):
            return Fields(self._source, self._key(key), {})
        value = self._take(key, "a mapping of keys to values", lambda v: isinstance(v, dict))
        return Fields(self._source, self._key(key), value)

    def sections(self, key: str) -> Iterator[Fields]:
        """Yield the mappings of a list, at least one."""
        value = self._take(
            key, "a list of at least one mapping", lambda v: isinstance(v, list) and bool(v)
        )
        for index, item in enumerate(value):
            yield Fields(self._source, f"{self._key(key)}[{index}]", item)

    def _take(
        self, key: str, allowed: str, fits: Callable[[Any], bool], kind: type | None = None
    ) -> Any:
        self._known.add(key)
        if key not in self._data:
            former = [old for old, new in KEYS.items() if new == key and old in self._data]
            hint = f" (its former name is '{former[0]}')" if former else ""
            raise TaskError(
                f"{self._source}: key '{self._key(key)}' is missing{hint}; allowed: {allowed}"
            )
        value = self._data[key]
        if (kind is not None and not isinstance(value, kind)) or not fits(value):
            raise self.refuse(key, value, allowed)
        return value

    def _key(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def _refusal(self, key: str, value: Any, allowed: str) -> TaskError:
        shown = repr(value)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        return TaskError(
            f"{self._source}: key '{key}': value {shown} is refused; allowed: {allowed}"
        )


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _in_range(value: Any, low: float, high: float, above: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        number = float(value)
    except OverflowError:
        return False
    return math.isfinite(number) and (low < number if above else low <= number) and number <= high
