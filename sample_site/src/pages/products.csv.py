"""GET /products.csv: stream the whole catalogue, line by line."""

import csv
from dataclasses import astuple

from framework import Response

from lib import catalog


class Line:
    """A file for `csv.writer`, whose `writerow` returns the result of `write`."""

    def write(self, text):
        return text


def GET():
    headers = {
        "content-type": "text/csv;charset=UTF-8",
        "content-disposition": 'attachment; filename="products.csv"',
    }
    return Response(lines(), headers=headers)


def lines():
    writer = csv.writer(Line())
    yield writer.writerow(["id", "name", "price_cents", "description"])
    for product in catalog.every():
        yield writer.writerow(astuple(product))
