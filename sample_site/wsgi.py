"""For any WSGI server: `gunicorn sample_site.wsgi`, or `gunicorn wsgi` in this folder."""

from pathlib import Path

from framework import App

application = App(Path(__file__).parent)
