"""GET /sitemap.xml: list the pages for search engines."""

from xml.etree.ElementTree import Element, SubElement, tostring

from framework import URL, Response

from lib import catalog
from lib.notes import NOTES

NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def GET(site, url_for):
    patterns = ("/", "/products", "/notes", "/about", "/contact", "/how")
    paths = [url_for(pattern) for pattern in patterns]
    paths += [url_for("/products/[id]", id=product.id) for product in catalog.every()]
    paths += [url_for("/notes/[slug]", slug=note.slug) for note in NOTES]
    urlset = Element("urlset", xmlns=NAMESPACE)
    for path in paths:
        SubElement(SubElement(urlset, "url"), "loc").text = URL(path, site).href
    body = tostring(urlset, encoding="UTF-8", xml_declaration=True)
    return Response(body, headers={"content-type": "application/xml"})
