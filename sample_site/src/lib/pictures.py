"""The uploaded pictures of products."""

from dataclasses import dataclass
from pathlib import Path

from framework import File

from . import database

MOST_BYTES = 2 * 1024 * 1024

# The first bytes decide the type. The name and type that the client sends are ignored.
KINDS = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff"}


@dataclass(frozen=True, slots=True)
class Picture:
    """An image file and its media type."""

    path: Path
    type: str


def find(product: str) -> Picture | None:
    """Return the uploaded picture of a product, or `None`."""
    rows = database.run("SELECT file, type FROM pictures WHERE product = ?", (product,))
    return Picture(_folder() / rows[0]["file"], rows[0]["type"]) if rows else None


def put(product: str, upload: File) -> str:
    """Store an upload as the picture of a product. Return what is wrong with it, or `""`."""
    if upload.size > MOST_BYTES:
        return "This file is larger than 2 MB."
    start = upload.stream().read(8)
    kind = next((kind for kind, magic in KINDS.items() if start.startswith(magic)), None)
    if kind is None:
        return "Choose a PNG or a JPEG file."
    _folder().mkdir(parents=True, exist_ok=True)
    old = find(product)
    path = upload.save_to(_folder(), f"{product}.{kind}")
    database.run("REPLACE INTO pictures VALUES (?, ?, ?)", (product, path.name, f"image/{kind}"))
    if old:
        old.path.unlink(missing_ok=True)
    return ""


def _folder() -> Path:
    return database.file().parent / "pictures"
