"""Open what all requests of a worker share."""

from lib import database


def lifespan(app):
    with database.opened() as opened:
        yield {"database": opened}
