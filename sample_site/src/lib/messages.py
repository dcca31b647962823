"""What did visitors write to the shop?"""

from dataclasses import dataclass

from .database import run


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `sent` is its time in UTC."""

    id: int
    name: str
    email: str
    text: str
    sent: str


def add(name: str, email: str, text: str) -> None:
    """Keep a message."""
    run("INSERT INTO messages (name, email, text) VALUES (?, ?, ?)", (name, email, text))


def latest(limit: int = 20) -> list[Message]:
    """The newest messages, the newest first."""
    return [
        Message(*row) for row in run("SELECT * FROM messages ORDER BY id DESC LIMIT ?", (limit,))
    ]
