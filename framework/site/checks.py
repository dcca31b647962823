"""Warnings about a site: code that is valid, but probably not what its author means."""

import ast
import re
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
TOP_MIDDLEWARE = "src/middleware.py"
_reads_visitor_data = re.compile(r"\b(cookies|session|authorization|client_address)\b", re.I).search
_LOCK_HEADER = "# The URLs of this site. `framework check` warns when one of them disappears.\n"


def find_warnings(site: Site) -> list[Mistake]:
    """Find everything to warn about, sorted by file."""
    found = [_explain_other_file(site, name) for name in site.other_files]
    for route in site.routes.all:
        if route.kind in KINDS.values():
            found += _check_route(site, route)
    return sorted([*found, *find_static_warnings(site), *_check_lock(site)])


def find_static_warnings(site: Site) -> list[Mistake]:
    """Find prerendered routes and redirects that work differently as files."""
    found = []
    for route in site.routes.all:
        if route.prerender and len(route.middleware) > len(site.missing.middleware):
            what = "is prerendered, so its _middleware.py runs only when the site is built"
            remedy = "Set prerender = False, or do without the middleware."
            found.append(Mistake(route.file, what, remedy))
        is_static_redirect = route.kind == "redirect" and site.config.output == "static"
        if is_static_redirect and route.pattern.params:
            what = "has parameters, so a build cannot write a file for it"
            remedy = "Use a host that reads _redirects, or nginx with the generated snippet."
            found.append(Mistake(route.file, what, remedy))
    return sorted([*found, *_check_middleware(site)])


def _check_middleware(site: Site) -> Iterator[Mistake]:
    """Warn of a `src/middleware.py` that is probably meant to run for visitors of built pages.

    That is likely if the site has live routes too, or if the code reads data of the visitor.
    """
    routes = [
        route
        for route in site.routes.all
        if route.kind in KINDS.values() and route.pattern.last_name not in ERROR_PAGES
    ]
    built = sorted(route.file for route in routes if route.prerender)
    if not site.missing.middleware or not built:
        return
    source = (site.root / TOP_MIDDLEWARE).read_text(encoding="utf-8")
    if "is_prerendered" in source or (
        len(built) == len(routes) and not _reads_visitor_data(source)
    ):
        return
    names = ", ".join(built[:3]) + (f" and {len(built) - 3} more" if len(built) > 3 else "")
    yield Mistake(
        TOP_MIDDLEWARE,
        f"does not run for visitors of the prerendered routes {names}, only for the build",
        "If it checks who the visitor is, set prerender = False in these routes. Otherwise mention "
        "is_prerendered in a comment, and this warning ends.",
    )


def lock_text(site: Site) -> str:
    """Return the content of `routes.lock`: the patterns of all routes except error pages."""
    patterns = sorted(route.pattern.text for route in site.routes.all)
    linked = [text for text in patterns if text.rpartition("/")[2] not in ERROR_PAGES]
    return _LOCK_HEADER + "".join(f"{text}\n" for text in linked)


def _explain_other_file(site: Site, name: str) -> Mistake:
    if (site.root / name).is_dir():
        what = "is a link to a folder outside of the site, or to one that contains the link"
        return Mistake(name, what, "Move the folder into the site, or remove the link.")
    what = "is not a route: the suffix is not .py, .jinja or .md"
    return Mistake(name, what, "Move it to public/ to serve it as it is, or out of src/pages.")


def _check_lock(site: Site) -> Iterator[Mistake]:
    path = site.root / LOCK
    if not path.is_file():
        return
    patterns = {route.pattern.text for route in site.routes.all}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        pattern = line.strip()
        if pattern and not pattern.startswith("#") and pattern not in patterns:
            yield Mistake(
                f"{LOCK}:{number}",
                f"the site has no route {pattern} any more, so links to it are broken",
                f'Add Config(redirects={{"{pattern}": "..."}}), or run: framework routes --lock',
            )


def _check_route(site: Site, route: Route) -> Iterator[Mistake]:
    is_static = not route.pattern.params
    if is_static and site.routes.add_prefix(route.pattern.text) in site.files:
        what = f"the server sends public{route.pattern.text} instead"
        yield Mistake(route.file, what, "Remove one of the two files.")
    path = site.root / route.file
    source = path.read_text(encoding="utf-8")
    names: list[tuple[int, str]] = []
    if route.kind == "endpoint":
        tree = ast.parse(source)
        names += _params_in_code(tree)
        yield from _check_functions(tree, route)
        yield from _check_content_type(tree, route)
    elif path.suffix == ".jinja" and "params" in source:
        code, template = split_frontmatter(source, route.file)
        names += [*_params_in_code(ast.parse(code)), *_params_in_template(template)]
    for line, name in names:
        if name not in route.pattern.names:
            has = ", ".join(route.pattern.names) or "none"
            yield Mistake(
                f"{route.file}:{line}",
                f'the path has no parameter "{name}"',
                f"{route.pattern.text} has {has}.",
            )


def _check_functions(tree: ast.Module, route: Route) -> Iterator[Mistake]:
    for node in tree.body:
        name = node.name if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else ""
        upper = name.upper()
        if upper in (*METHODS, "ALL") and name != upper:
            yield Mistake(
                f"{route.file}:{node.lineno}",
                f"{name} is not a handler, because it is not in capitals",
                f"Rename it to {upper}, or to a name that is not an HTTP method.",
            )


def _check_content_type(tree: ast.Module, route: Route) -> Iterator[Mistake]:
    if not route.pattern.text.endswith(".json"):
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            if not (isinstance(key, ast.Constant) and isinstance(value, ast.Constant)):
                continue
            name, content_type = str(key.value).lower(), ascii(value.value)
            if name == "content-type" and "json" not in content_type.lower():
                yield Mistake(
                    f"{route.file}:{key.lineno}",
                    f"the content type is {content_type}, but the file's name says .json",
                    "Return Response.json(...), or rename the file.",
                )


def _params_in_code(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, name) of each `params["name"]` and `params.get("name")`."""
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=base, slice=ast.Constant(value=str(name))):
                pass
            case ast.Call(
                func=ast.Attribute(value=base, attr="get"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                pass
            case _:
                continue
        match base:
            case ast.Name(id="params") | ast.Attribute(attr="params"):
                yield node.lineno, name


def _params_in_template(template: str) -> Iterator[tuple[int, str]]:
    """(line, name) of each `params.name` and `params["name"]`."""
    tree = jinja2.Environment(autoescape=True).parse(template)
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        match node:
            case nodes.Getattr(node=nodes.Name(name="params"), attr=name):
                if not hasattr(dict, name):
                    yield node.lineno, name
            case nodes.Getitem(node=nodes.Name(name="params"), arg=nodes.Const(value=name)):
                yield node.lineno, str(name)
