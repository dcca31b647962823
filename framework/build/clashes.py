"""Explain why two files of a build cannot both be written."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from ..site.static_paths import message_listed_twice
from .results import Clash, WrittenFile


def explain_clash(clash: Clash, files: Mapping[str, WrittenFile], order: Mapping[str, int]) -> str:
    """Return the error message for a clash with one of `files`, the written files by name.

    `order` has the positions of the files of routes; the message names the later route first.
    """
    name, source = clash.name, clash.file.source
    found = files.get(name)
    if found is not None and (found.source, found.path) == (source, clash.file.path):
        first, second = sorted((found.number, clash.file.number))
        return message_listed_twice(source, second, first, clash.url_path)
    if found is None:
        below = min((other for other in files if other.startswith(f"{name}/")), default=None)
        if below is not None:
            return _file_and_folder(source, name, files[below].source, below)
        for parent in PurePosixPath(name).parents:
            above = files.get(str(parent))
            if above is not None:
                return _file_and_folder(above.source, above.name, source, name)
        # A compressed variant, such as the .gz of a written file, or a list of the build itself.
        found = files.get(name.rpartition(".")[0])
    owner = "the build" if found is None else found.source
    one, other = sorted((source, owner), key=lambda file: order.get(file, -1), reverse=True)
    return f"{one} and {other} would both write {name}.\n    Keep one of them."


def _file_and_folder(source: str, name: str, other: str, below: str) -> str:
    return (
        f"{source} would write the file {name}, and {other} needs a folder there for {below}.\n"
        "    Rename one, or give it an extension."
    )
