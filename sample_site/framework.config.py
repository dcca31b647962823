from framework import Config
from framework.adapters import gunicorn

config = Config(
    site="https://example.com",
    adapter=gunicorn(workers=2, threads=8),
)
