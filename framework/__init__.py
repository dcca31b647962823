"""Drop a file in `src/pages`, define `GET`, return a `Response`: its path is the URL."""

from importlib import import_module

from .version import __version__

# A module is imported when one of its names is first used (PEP 562), so that `framework --version`
# does not wait for the whole framework. `__init__.pyi` has the same names, with their types.
_MODULES = {
    "URL": "web.url",
    "APIContext": "context",
    "App": "app",
    "BadBodyError": "web.errors",
    "BodyUsedError": "web.errors",
    "Build": "config",
    "Config": "config",
    "ConfigError": "options",
    "Cookie": "web.cookies",
    "Cookies": "web.cookies",
    "File": "web.formdata",
    "FormData": "web.formdata",
    "FormTypeError": "web.errors",
    "Headers": "web.headers",
    "InvalidDataError": "web.errors",
    "Proxies": "config",
    "Request": "web.request",
    "Response": "web.response",
    "Security": "config",
    "Server": "config",
    "Session": "sessions",
    "SessionError": "errors",
    "Sessions": "sessions",
    "SiteError": "errors",
    "URLSearchParams": "web.search_params",
    "sequence": "middleware",
}
__all__ = [*_MODULES, "__version__"]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
