"""The application for a WSGI server: `gunicorn sample_site.wsgi`, or `gunicorn wsgi` here."""

from pathlib import Path

from framework import App

application = App(Path(__file__).parent)
