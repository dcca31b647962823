"""The same two static sites for the framework, Frozen-Flask and Astro.

    JSON endpoints   /products/<id>.json   about 150 bytes
    HTML pages       /products/<id>/       a layout and a loop over ten products, about 2.5 kB

Each site is written as in the documentation of its tool. COUNT is replaced by the number of files.
"""

_CATALOG_PY = """
KINDS = ["Keyboard", "Mouse", "Monitor", "Headset", "Webcam"]
TAGS = ["office", "wireless", "ergonomic", "recycled"]


def product(number):
    name = f"{KINDS[number % 5]} of the series number {number}"
    return {"name": name, "price": (number % 10000 + 99) / 100, "tags": TAGS}


def related(number):
    numbers = [(number + step) % COUNT for step in range(1, 11)]
    return [{"id": other, **product(other)} for other in numbers]
"""
_CATALOG_JS = """
const KINDS = ["Keyboard", "Mouse", "Monitor", "Headset", "Webcam"];
const TAGS = ["office", "wireless", "ergonomic", "recycled"];

export function product(number) {
  const name = `${KINDS[number % 5]} of the series number ${number}`;
  return { name, price: ((number % 10000) + 99) / 100, tags: TAGS };
}

export function related(number) {
  const numbers = Array.from({ length: 10 }, (_, step) => (number + step + 1) % COUNT);
  return numbers.map((other) => ({ id: other, ...product(other) }));
}
"""
_LAYOUT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{% block title %}{% endblock %} - Shop</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header><a href="/">Shop</a><nav><a href="/products/">Products</a><a href="/about/">About</a></nav></header>
<main>
{% block main %}{% endblock %}
</main>
<footer><p>Prices with taxes, without shipping.</p></footer>
</body>
</html>
"""
_PAGE = """{% block title %}{{ name }}{% endblock %}
{% block main %}
<h1>{{ name }}</h1>
<p class="price">{{ "%.2f" | format(price) }} EUR</p>
<ul class="tags">{% for tag in tags %}<li>{{ tag }}</li>{% endfor %}</ul>
<h2>Related</h2>
<ul class="related">
{% for item in related %}
<li class="card"><a href="/products/{{ item.id }}/">{{ item.name }}</a>
<span class="price">{{ "%.2f" | format(item.price) }} EUR</span>
{% if item.tags %}<small>{{ item.tags | join(", ") }}</small>{% endif %}
</li>
{% endfor %}
</ul>
{% endblock %}
"""
_CONFIG = """
from framework import Config

config = Config(output="static")
"""
_ENDPOINT = """
from framework import Response
from lib.catalog import product


def get_static_paths():
    return [{"params": {"id": id}, "props": product(id)} for id in range(COUNT)]


def GET(params, props):
    return Response.json({"id": params["id"], **props})
"""
_GENERATOR = """
from framework import Response
from lib.catalog import product


def get_static_paths():
    for id in range(COUNT):
        yield {"params": {"id": id}, "props": product(id)}


def GET(params, props):
    return Response.json({"id": params["id"], **props})
"""
_FRAMEWORK_PAGE = f"""---
from lib import catalog

def get_static_paths():
    return [{{"params": {{"id": id}}, "props": catalog.product(id)}} for id in range(COUNT)]

name, price, tags = props["name"], props["price"], props["tags"]
related = catalog.related(int(params["id"]))
---
{{% extends "layouts/base.jinja" %}}
{_PAGE}"""
_FREEZE = """
import catalog
from flask import Flask
from flask_frozen import Freezer

app = Flask(__name__)
freezer = Freezer(app)


@app.route("/products/<int:id>.json")
def endpoint(id):
    return {"id": str(id), **catalog.product(id)}


@freezer.register_generator
def endpoint():
    for id in range(COUNT):
        yield {"id": id}


freezer.freeze()
"""
_FREEZE_PAGES = """
import catalog
from flask import Flask, render_template
from flask_frozen import Freezer

app = Flask(__name__)
freezer = Freezer(app)


@app.route("/products/<int:id>/")
def page(id):
    product = catalog.product(id)
    return render_template("product.html", related=catalog.related(id), **product)


@freezer.register_generator
def page():
    for id in range(COUNT):
        yield {"id": id}


freezer.freeze()
"""
_ASTRO_ENDPOINT = """
import { product } from "../../lib/catalog.js";

export function getStaticPaths() {
  return Array.from({ length: COUNT }, (_, id) => ({
    params: { id: String(id) },
    props: product(id),
  }));
}

export function GET({ params, props }) {
  return Response.json({ id: params.id, ...props });
}
"""
_ASTRO_LAYOUT = """---
const { title } = Astro.props;
---
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title} - Shop</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header><a href="/">Shop</a><nav><a href="/products/">Products</a><a href="/about/">About</a></nav></header>
<main>
<slot />
</main>
<footer><p>Prices with taxes, without shipping.</p></footer>
</body>
</html>
"""
_ASTRO_PAGE = """---
import Base from "../../layouts/Base.astro";
import { product, related } from "../../lib/catalog.js";

export function getStaticPaths() {
  return Array.from({ length: COUNT }, (_, id) => ({
    params: { id: String(id) },
    props: product(id),
  }));
}

const { name, price, tags } = Astro.props;
const items = related(Number(Astro.params.id));
---
<Base title={name}>
<h1>{name}</h1>
<p class="price">{price.toFixed(2)} EUR</p>
<ul class="tags">{tags.map((tag) => <li>{tag}</li>)}</ul>
<h2>Related</h2>
<ul class="related">
{items.map((item) => (
<li class="card"><a href={`/products/${item.id}/`}>{item.name}</a>
<span class="price">{item.price.toFixed(2)} EUR</span>
{item.tags && <small>{item.tags.join(", ")}</small>}
</li>
))}
</ul>
</Base>
"""

_FRAMEWORK = {"framework.config.py": _CONFIG, "src/lib/catalog.py": _CATALOG_PY}
_ASTRO = {"package.json": '{"type": "module"}', "src/lib/catalog.js": _CATALOG_JS}
FRAMEWORK = {
    "JSON endpoints": {**_FRAMEWORK, "src/pages/products/[id].json.py": _ENDPOINT},
    "HTML pages": {
        **_FRAMEWORK,
        "src/layouts/base.jinja": _LAYOUT,
        "src/pages/products/[id].jinja": _FRAMEWORK_PAGE,
    },
}
FRAMEWORK_GENERATOR = {
    "JSON endpoints": {**_FRAMEWORK, "src/pages/products/[id].json.py": _GENERATOR},
}
FROZEN_FLASK = {
    "JSON endpoints": {"freeze.py": _FREEZE, "catalog.py": _CATALOG_PY},
    "HTML pages": {
        "freeze.py": _FREEZE_PAGES,
        "catalog.py": _CATALOG_PY,
        "templates/base.html": _LAYOUT,
        "templates/product.html": '{% extends "base.html" %}\n' + _PAGE,
    },
}
ASTRO = {
    "JSON endpoints": {**_ASTRO, "src/pages/products/[id].json.js": _ASTRO_ENDPOINT},
    "HTML pages": {
        **_ASTRO,
        "src/layouts/Base.astro": _ASTRO_LAYOUT,
        "src/pages/products/[id].astro": _ASTRO_PAGE,
    },
}
