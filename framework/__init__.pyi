# The public names with their types. `__init__.py` imports a module when its first name is used.

from .app import App
from .config import Build, Config, Proxies, Security, Server
from .context import APIContext
from .errors import SessionError, SiteError
from .middleware import sequence
from .options import ConfigError
from .sessions import Session, Sessions
from .version import __version__
from .web.cookies import Cookie, Cookies
from .web.errors import BadBodyError, BodyUsedError, FormTypeError, InvalidDataError
from .web.formdata import File, FormData
from .web.headers import Headers
from .web.request import Request
from .web.response import Response
from .web.search_params import URLSearchParams
from .web.url import URL

__all__ = [
    "URL",
    "APIContext",
    "App",
    "BadBodyError",
    "BodyUsedError",
    "Build",
    "Config",
    "ConfigError",
    "Cookie",
    "Cookies",
    "File",
    "FormData",
    "FormTypeError",
    "Headers",
    "InvalidDataError",
    "Proxies",
    "Request",
    "Response",
    "Security",
    "Server",
    "Session",
    "SessionError",
    "Sessions",
    "SiteError",
    "URLSearchParams",
    "__version__",
    "sequence",
]
