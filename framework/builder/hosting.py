"""Stub."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config import Config
from ..pattern import Pattern

NGINX = ".framework.nginx.conf"


@dataclass(frozen=True, slots=True)
class Entry:
    file: str
    headers: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Redirect:
    source: Pattern
    destination: str
    status: int


def write_hosting(
    folder: Path,
    config: Config,
    entries: Callable[[], Iterable[Entry]],
    redirects: Sequence[Redirect],
) -> list[str]:
    return []
