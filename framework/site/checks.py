"""What in a site only looks wrong?

Start-up refuses what can't be right. These are the warnings: what Python and the routes allow,
and hardly anybody means.
"""

import ast
from collections.abc import Iterator

import jinja2
from jinja2 import nodes

from ..error_pages import ERROR_PAGES
from ..errors import Mistake
from ..route import Route
from .endpoints import METHODS
from .frontmatter import split_frontmatter
from .loader import Site
from .page_files import KINDS

LOCK = "routes.lock"
_HEAD = "# The URLs of this site. `framework check` warns when one of them vanishes.\n"


def find_warnings(site: Site) -> list[Mistake]:
    """Everything in the site that only looks wrong, in order of place."""
    found = [
        Mistake(
            name,
            "is no route: only .py, .jinja and .md files are",
            "Move it to public/ if it is to be served, else out of src/pages.",
        )
        for name in site.other_files
    ]
    for route in site.routes.all:
        if route.kind in KINDS.values():
            found += _of_route(site, route)
    return sorted([*found, *find_static_warnings(site), *_of_lock(site)])


def find_static_warnings(site: Site) -> list[Mistake]:
    """What of the site will not do as files what it does as code."""
    found = []
    for route in site.routes.all:
        if route.prerender and len(route.middleware) > len(site.middleware):
            what = "is prerendered below a _middleware.py, which runs only when the site is built"
            remedy = "Set prerender = False, or move the check to the client's side."
            found.append(Mistake(route.file, what, remedy))
        is_redirect = route.kind == "redirect" and site.config.output == "static"
        if is_redirect and route.pattern.params:
            what = "has parameters, so no file can redirect"
            remedy = "Servers that read _redirects or the snippet for nginx redirect all the same."
            found.append(Mistake(route.file, what, remedy))
    return sorted(found)


def lock_text(site: Site) -> str:
    """What `routes.lock` holds: the pattern of each route but the error pages', sorted."""
    patterns = sorted(route.pattern.text for route in site.routes.all)
    linked = [text for text in patterns if text.rpartition("/")[2] not in ERROR_PAGES]
    return _HEAD + "".join(f"{text}\n" for text in linked)


def _of_lock(site: Site) -> Iterator[Mistake]:
    path = site.root / LOCK
    if not path.is_file():
        return
    here = {route.pattern.text for route in site.routes.all}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        pattern = line.strip()
        if pattern and not pattern.startswith("#") and pattern not in here:
            yield Mistake(
                f"{LOCK}:{number}",
                f"{pattern} has vanished: links to it are broken",
                f'Add Config(redirects={{"{pattern}": "..."}}), or run: framework routes --lock',
            )


def _of_route(site: Site, route: Route) -> Iterator[Mistake]:
    shadow = f"{site.config.base.rstrip('/')}{route.pattern.text}"
    if not route.pattern.params and shadow.encode().decode("latin-1") in site.files:
        yield Mistake(
            route.file,
            f"public{route.pattern.text} is served in its place",
            "Keep one of them.",
        )
    path = site.root / route.file
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        names = []
    elif route.kind == "page":
        code, template = split_frontmatter(source, route.file)
        tree = ast.parse(code)
        names = [*_asked_params(tree), *_asked_in_template(template)]
    else:
        tree = ast.parse(source)
        names = list(_asked_params(tree))
        yield from _of_functions(tree, route)
        yield from _of_content_type(tree, route)
    for line, name in names:
        if name not in route.pattern.names:
            has = ", ".join(route.pattern.names) or "none"
            yield Mistake(
                f"{route.file}:{line}",
                f'asks for the parameter "{name}", which the path does not have',
                f"{route.pattern.text} has {has}.",
            )


def _of_functions(tree: ast.Module, route: Route) -> Iterator[Mistake]:
    functions = [n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for node in functions:
        if node.name.upper() in (*METHODS, "ALL") and not node.name.isupper():
            yield Mistake(
                f"{route.file}:{node.lineno}",
                f"{node.name} is no handler: methods are written in capitals",
                f"Rename it to {node.name.upper()}, or to something that is no method.",
            )
    if route.handlers.methods == ("OPTIONS",):
        yield Mistake(route.file, "has no handler", "Define GET, or begin its name with _.")


def _of_content_type(tree: ast.Module, route: Route) -> Iterator[Mistake]:
    if not route.pattern.text.endswith(".json"):
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            if not (isinstance(key, ast.Constant) and isinstance(value, ast.Constant)):
                continue
            named, kind = str(key.value).lower(), ascii(value.value)
            if named == "content-type" and "json" not in kind.lower():
                yield Mistake(
                    f"{route.file}:{key.lineno}",
                    f"sets the content type {kind}, and its name says .json",
                    "Return Response.json(...), or rename the file.",
                )


def _asked_params(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, name) of each `params["name"]` and `params.get("name")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            base, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            base, key = node.func.value, node.args[0]
            if node.func.attr != "get":
                continue
        else:
            continue
        is_params = (isinstance(base, ast.Name) and base.id == "params") or (
            isinstance(base, ast.Attribute) and base.attr == "params"
        )
        if is_params and isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield node.lineno, key.value


def _asked_in_template(template: str) -> Iterator[tuple[int, str]]:
    """(line, name) of each `params.name` and `params["name"]`."""
    tree = jinja2.Environment(autoescape=True).parse(template)
    for got in tree.find_all(nodes.Getattr):
        if _is_params(got.node) and not hasattr(dict, got.attr):
            yield got.lineno, got.attr
    for item in tree.find_all(nodes.Getitem):
        if _is_params(item.node) and isinstance(item.arg, nodes.Const):
            yield item.lineno, str(item.arg.value)


def _is_params(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Name) and node.name == "params"
