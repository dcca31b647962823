from framework import Config, Security, Sessions
from framework.adapters import gunicorn

config = Config(
    site="https://example.com",
    adapter=gunicorn(workers=2, threads=8),
    redirects={"/p/[id]": {"status": 302, "destination": "/products/[id]"}},  # a short link
    session=Sessions(),
    security=Security(max_body_size=3 * 1024 * 1024),
)
