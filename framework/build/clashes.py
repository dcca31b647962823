"""Which two files can't both be, and what is to be done?"""

from collections.abc import Callable
from pathlib import PurePosixPath

from ..site.static_paths import message_listed_twice
from .ledger import Ledger, Written
from .maker import Made


def explain_clash(made: Made, ledger: Ledger, rank: Callable[[str], int]) -> str:
    """What is wrong where a file is already, or a file where a folder must be.

    `rank` orders places: a later one is named first. What isn't in the list is the build's own.
    """
    file = made.clash
    found = ledger.find_file(file)
    if found is not None and (found.place, found.path) == (made.place, made.asked):
        first, second = sorted((found.number, made.number))
        return message_listed_twice(made.place, second, first, made.path)
    if found is None:
        below = ledger.find_below(file)
        if below is not None:
            return _both(made.place, file, below.place, below.file)
        for parent in PurePosixPath(file).parents:
            above = ledger.find_file(parent.as_posix())
            if above is not None:
                return _both(above.place, above.file, made.place, file)
    owner = _owner(found, file, ledger)
    one, other = sorted((made.place, owner), key=rank, reverse=True)
    return f"{one} and {other} would both write {file}.\n    Keep one of them."


def _owner(found: Written | None, file: str, ledger: Ledger) -> str:
    # What isn't listed is a variant, such as the .gz of a listed file, or the build's own.
    original = found or ledger.find_file(file.rpartition(".")[0])
    return original.place if original is not None else "The build"


def _both(owner: str, file: str, other: str, below: str) -> str:
    return (
        f"{owner} would write the file {file}, and {other} needs a folder there for {below}.\n"
        "    Rename one, or give it an extension."
    )
