"""What the shop has to tell: a few notes, which change only when somebody writes one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    slug: str
    date: str
    title: str
    text: str


NOTES = [
    Note(
        "the-cat-and-the-fan",
        "2026-10-19",
        "The cat and the fan",
        "We tried a fan that calls itself *whispering*. The cat left the room after four minutes, "
        "and the fan left the shop the day after.",
    ),
    Note(
        "how-we-listen",
        "2026-09-02",
        "How we listen",
        "A thing lies on a desk at night, and we sit beside it:\n\n"
        "1. for an hour with the window shut,\n"
        "2. for an hour with it open,\n"
        "3. until one of us says *what was that?*\n\n"
        "What is asked about in hour one never comes into [the shop](/products).",
    ),
    Note(
        "felt",
        "2026-07-30",
        "In praise of felt",
        "Most of what makes a noise on a desk does so because it touches the desk.",
    ),
]
