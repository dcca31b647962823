"""Parse the header of a `.md` page: YAML 1.2 between its two `---` lines."""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node
from ruamel.yaml.reader import ReaderError

from ..errors import Mistake
from .frontmatter import split_fences
from .modules import LoadError
from .near_misses import find_near

_KEYS = ("layout", "prerender", "html")
_TEXT_TAG = "tag:yaml.org,2002:str"
_QUOTE = 'The header is YAML. Put text with special characters in quotes: title: "Keys: a test"'


def split_header(source: str, file: str) -> tuple[dict[str, Any], dict[str, int], str]:
    """Split a `.md` page into the values of its header, their line numbers, and the text below.

    Raises `LoadError` if the header is not a mapping from names to values in YAML.

    >>> split_header("---\\ntitle: Hello\\ntags: [a, b]\\n---\\n# Hi", "a.md")
    ({'title': 'Hello', 'tags': ['a', 'b']}, {'title': 2, 'tags': 3}, '# Hi')
    """
    header, text = split_fences(source, file)
    yaml_text = "".join(f"{one}\n" for one in header or ())
    yaml = YAML(typ="safe", pure=True)  # the loader in C reads YAML 1.1, where no is false
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    line = 2
    try:
        top = yaml.compose(yaml_text)
        if not isinstance(top, MappingNode | None):
            remedy = "Write key: value in each line, as in title: Hello"
            raise LoadError(Mistake(f"{file}:2", "the header has no keys", remedy))
        for node, value in top.value if top else ():
            line = node.start_mark.line + 2
            key = _parse_key(node, lines, f"{file}:{line}")
            lines[key] = line
            values[key] = yaml.constructor.construct_document(value)
    except LoadError:
        raise
    except Exception as error:  # a month of 13 is a ValueError, `!!bool x` a KeyError
        line, what = _describe(error, line, yaml_text)
        raise LoadError(Mistake(f"{file}:{line}", what, _QUOTE)) from error
    for key in lines:
        meant = find_near(key, _KEYS)
        if meant is not None and meant not in lines and key not in _KEYS:
            what = f"{key} is not a key with a meaning"
            remedy = f"Did you mean {meant}? Otherwise choose a name that is less similar."
            raise LoadError(Mistake(f"{file}:{lines[key]}", what, remedy))
    return values, lines, text


def _parse_key(node: Node, lines: dict[str, int], where: str) -> str:
    """Return a key. `lines` are those of the keys above it. Raises `LoadError`."""
    key = node.value if isinstance(node.value, str) else "a list or mapping"
    if str(node.tag) != _TEXT_TAG or not key.isidentifier():
        what = f"the key {key} is not a name"
        raise LoadError(Mistake(where, what, "Use letters, digits and _."))
    if key in lines:
        what = f"line {lines[key]} already sets {key}"
        raise LoadError(Mistake(where, what, "Remove one of the lines."))
    return key


def _describe(error: Exception, line: int, text: str) -> tuple[int, str]:
    """Return the line of an error in the header, and what is wrong; `line` is the last key's."""
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark
        if error.context_mark is not None and mark.line >= text.count("\n"):
            mark = error.context_mark  # what is never closed begins here
        return mark.line + 2, ": ".join(filter(None, (error.context, error.problem)))
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 2
        return line, f"the header contains the character U+{error.character:04X}"
    if isinstance(error, RecursionError):
        return line, "the header is nested too deep"
    return line, f"the value is invalid: {error}"
