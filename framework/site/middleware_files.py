"""Load the middleware of a site: `src/middleware.py` and each `_middleware.py` below `src/pages`."""

import os
from pathlib import Path

from ..errors import Mistake
from ..middleware import make_middleware
from ..route import Middleware
from .hooks import find_hook
from .modules import LoadError, SiteModules
from .near_misses import find_misnamed_files
from .page_files import MIDDLEWARE, PageFolder
from .wrappers import refuse_with


class MiddlewareFiles:
    """The middleware of a site by folder, and the mistakes in it.

    A file that has a mistake, or is probably meant to be middleware, refuses every request: a guard
    must not be left out.
    """

    def __init__(self, modules: SiteModules, folder: PageFolder) -> None:
        self.mistakes: list[Mistake] = []
        self._modules = modules
        root, source = modules.root, modules.root / "src"
        files = [str(source / "middleware.py"), *(file.path for file in folder.middleware)]
        self._around: dict[str, tuple[Middleware, ...]] = {}
        self._of_folder = {
            os.path.dirname(path): self._load(path)
            for path in files
            if os.path.lexists(path)  # a link that leads nowhere is a mistake
        }
        private = [Path(file.path) for file in folder.private]
        for path, mistake in (
            *find_misnamed_files(private, MIDDLEWARE, root),
            *find_misnamed_files(sorted(source.iterdir()), "middleware.py", root),
        ):
            self._of_folder[str(path.parent)] = self._refuse(mistake)
        package = source / "middleware" / "__init__.py"  # as src/middleware/index.js in Astro
        is_guard = package.is_file() and b"def on_request" in package.read_bytes()
        if is_guard and str(source) not in self._of_folder:
            what = "is not src/middleware.py, so its on_request never runs"
            mistake = Mistake(modules.relative(package), what, "Move it to src/middleware.py.")
            self._of_folder[str(source)] = self._refuse(mistake)

    def around(self, folder: str) -> tuple[Middleware, ...]:
        """Return the middleware of a folder and of those around it, the outermost first."""
        found = self._around.get(folder)
        if found is None:
            outer = os.path.dirname(folder)
            above = self.around(outer) if outer != folder else ()
            found = self._around[folder] = above + self._of_folder.get(folder, ())
        return found

    def _load(self, path: str) -> tuple[Middleware, ...]:
        file = self._modules.relative(path)
        try:
            return make_middleware(find_hook(self._modules.load(path), file, "on_request"), file)
        except LoadError as error:
            return self._refuse(*error.mistakes)

    def _refuse(self, *mistakes: Mistake) -> tuple[Middleware, ...]:
        """Record mistakes; return middleware that shows them."""
        self.mistakes += mistakes
        return (Middleware(refuse_with(mistakes), mistakes[0].location, is_async=False),)
