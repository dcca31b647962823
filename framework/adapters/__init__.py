"""Adapters: the servers that can serve a site in production."""

from .gunicorn import gunicorn

__all__ = ["gunicorn"]
