"""The notes of the shop. They are part of the code, so their pages are prerendered."""

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
        "We tested a fan that is sold as *whispering*. The cat left the room after four minutes, "
        "and we sent the fan back the next day.",
    ),
    Note(
        "how-we-listen",
        "2026-09-02",
        "How we listen",
        "We put a product on a desk at night and sit beside it:\n\n"
        "1. for an hour with the window closed,\n"
        "2. for an hour with the window open,\n"
        "3. until one of us asks *what was that?*\n\n"
        "If somebody asks in the first hour, we do not sell it in [the shop](/products).",
    ),
    Note(
        "felt",
        "2026-07-30",
        "In praise of felt",
        "Most things on a desk are loud only because they touch the desk.",
    ),
]
