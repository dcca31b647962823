"""GET /robots.txt: return the rules for crawlers."""

from framework import URL, Response

prerender = True


def GET(site):
    body = f"""User-agent: *
Allow: /
Sitemap: {URL("sitemap-index.xml", site).href}"""
    return Response(body, headers={"content-type": "text/plain"})
