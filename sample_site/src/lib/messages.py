"""The messages that visitors send to the shop."""

from dataclasses import dataclass

from .database import run


@dataclass(frozen=True, slots=True)
class Message:
    """A message. `sent` is the time in UTC."""

    id: int
    name: str
    email: str
    text: str
    sent: str


def add(name: str, email: str, text: str) -> None:
    """Store a message."""
    run("INSERT INTO messages (name, email, text) VALUES (?, ?, ?)", (name, email, text))


def latest(limit: int = 20) -> list[Message]:
    """Return the newest messages, the newest first."""
    return [
        Message(*row) for row in run("SELECT * FROM messages ORDER BY id DESC LIMIT ?", (limit,))
    ]
