"""Find names that are one slip away from a name with a meaning, such as `_middlewares.py`.

Without this, a guard that is never called or a setting that has no effect stays unnoticed.
"""

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from ..errors import Mistake

_SETTINGS = ("prerender", "check_origin", "get_static_paths", "max_body_size")


def find_near(name: str, meant: Iterable[str]) -> str | None:
    """Return the first of `meant` that differs by one letter, the case or underscores.

    >>> find_near("onRequest", ["on_request"]), find_near("GTE", ["PUT", "GET"])
    ('on_request', 'GET')
    """
    return next((other for other in meant if name != other and _is_near(name, other)), None)


def find_misnamed_files(
    paths: Iterable[Path], name: str, root: Path
) -> Iterator[tuple[Path, Mistake]]:
    """Yield each Python file that is probably meant to be called `name`, and the mistake.

    A folder that has a file of that name may have other files with similar names.
    """
    for path in paths:
        is_near = path.suffix == ".py" and find_near(path.name, [name])
        if is_near and not (path.parent / name).exists():
            what = f"is not a {name}, so it never runs"
            remedy = f"Rename it to {name}, or choose a name that is less similar."
            yield path, Mistake(path.relative_to(root).as_posix(), what, remedy)


def find_misnamed_settings(tree: ast.Module, file: str) -> list[Mistake]:
    """Return a mistake for each assignment and function whose name is similar to a setting's."""
    lines = find_lines(tree)
    mistakes = []
    for name, line in lines.items():
        setting = find_setting(name)
        if setting is not None and setting not in lines:
            what = f"{name} is not a setting of the file"
            remedy = f"Did you mean {setting}? Otherwise choose a name that is less similar."
            mistakes.append(Mistake(f"{file}:{line}", what, remedy))
    return mistakes


@lru_cache(maxsize=1024)  # the modules of a site have many names in common
def find_setting(name: str) -> str | None:
    """Find the setting that is probably meant. A private name or a constant size is not similar."""
    is_other = name.startswith("_") or name == "MAX_BODY_SIZE" or name in _SETTINGS
    return None if is_other else find_near(name, _SETTINGS)


def find_lines(tree: ast.Module) -> dict[str, int]:
    """Return the line of each name that the file itself assigns or defines as a function."""
    lines: dict[str, int] = {}
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                lines[name] = node.lineno
            case ast.Assign(targets=targets):
                lines |= {one.id: node.lineno for one in targets if isinstance(one, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                lines[name] = node.lineno
    return lines


def _is_near(name: str, other: str) -> bool:
    """Whether one letter is missing, added or replaced, or two are swapped."""
    first, second = (text.replace("_", "").lower() for text in (name, other))
    if abs(len(first) - len(second)) > 1:
        return False
    pairs = enumerate(zip(first, second, strict=False))
    start = next((i for i, (a, b) in pairs if a != b), min(len(first), len(second)))
    a, b = first[start:], second[start:]
    is_swapped = a[1::-1] == b[:2] and a[2:] == b[2:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or is_swapped
