"""Which servers can a site be served with in production?"""

from .gunicorn import gunicorn

__all__ = ["gunicorn"]
