"""How does one path become a file on the disk: rendered, or kept from the last build?"""

import errno
import os
import pickle
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from ..app import App
from ..errors import StaticPathsError
from ..route import Route
from ..static.files import StaticFile
from ..site.static_paths import Listing, StaticPath
from .encodings import Encoder, encode, may_encode, variant_of
from .folder import Workplace
from .inputs import digest_of
from .ledger import Ledger, Written, headers_text
from .outputs import Output, OutputError, Outputs, Place
from .reads import Reads
from .secrets import Secrets

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV}


class Made(NamedTuple):
    """What became of one path of a route.

    `path` is what a client asks for, `asked` the same without `base`. `reason` says why it was
    rendered; `None`: it was kept. Where it became nothing `fault` says why, or `clash` is the file
    that is there already, or that is a folder.
    """

    place: str
    number: int
    path: str
    asked: str = ""
    reason: str | None = None
    seconds: float = 0.0
    written: Written | None = None
    fault: str = ""
    clash: str = ""


Reasons = tuple[str | None, str | None]


class _ClashError(Exception):
    """Another file is where this one, or a folder of it, would be."""


class Maker:
    """Makes files in one process.

    `reasons` say for each route why all of its files are rendered, and why those whose paths have
    no props; `None`: each is looked at. `reads` hears what is read while they are, `asked` what is
    read to list the paths of a route.
    """

    def __init__(
        self,
        app: App,
        work: Workplace,
        reasons: Mapping[str, Reasons],
        encoders: Mapping[str, Encoder],
        reads: Reads,
        asked: Mapping[str, Reads],
    ) -> None:
        self.reads = reads
        self.secrets = Secrets(app.config.build.secrets)
        self._reasons = reasons
        self._asked = asked
        self._work = work
        self._encoders = encoders
        self._outputs = Outputs(app)
        self._last: Ledger | None = None

    @contextmanager
    def looking_into(self, last: Path | None) -> Iterator[None]:
        """With the ledger of the last build open, in this process."""
        self._last = None if last is None else Ledger.find(last)
        try:
            yield
        finally:
            if self._last is not None:
                self._last.close()
            self._last = None

    def make_all(self, route: Route, listing: Listing) -> Iterator[Made]:
        """What becomes of each path of a route."""
        paths, number = iter(listing), -1
        while True:
            try:
                if listing.size is None:  # the site's own code runs
                    with self._asked[route.file].on():
                        path = next(paths, None)
                else:
                    path = next(paths, None)
            except StaticPathsError as error:
                number += 1
                yield Made(route.file, number, "", fault=str(error))
                continue
            if path is None:
                return
            number = path.number
            yield self._make(route, path)

    def _make(self, route: Route, path: StaticPath) -> Made:
        begun = time.perf_counter()
        made = Made(route.file, path.number, route.pattern.text)
        try:
            place = self._outputs.locate(route, path)
            made = made._replace(path=place.full, asked=place.path)
            last = None if self._last is None else self._last.find_path(place.path)
            key, problem = _key_of(path)
            reason = self._reason(route, path, last, key, problem)
            if reason is None and last is not None:
                written = last._replace(place=route.file, number=path.number)
                self._keep(last)
            else:
                with self.reads.on():
                    output = self._outputs.make(place, path)
                key = None if output.depends_on_others else key
                written = self._write(place, path, output, last, key)
        except OutputError as error:
            return made._replace(fault=str(error))
        except _ClashError as error:
            return made._replace(clash=str(error))
        return made._replace(reason=reason, written=written, seconds=time.perf_counter() - begun)

    def copy(self, source: StaticFile, name: str, place: str) -> Written:
        """Take a file of `public/` into the build. Raises `OutputError`."""
        try:
            name.encode()
            return self._copy(source, name, place)
        except UnicodeEncodeError:
            raise OutputError(f"{place!r}: the name is not UTF-8. Rename the file.") from None
        except _ClashError as error:
            raise OutputError(
                f"{place}: another file of public/ has the name {error}, in other letters, or "
                "needs a folder there.\n    Rename one of them."
            ) from None

    def _copy(self, source: StaticFile, name: str, place: str) -> Written:
        facts = os.stat(source.path)
        # A variant that is there already is the site's own.
        own = {e for e in self._encoders if os.path.exists(variant_of(source.path, e))}
        encoders = {e: self._encoders[e] for e in sorted(self._encoders.keys() - own)}
        # Both times: whoever sets the first can't set the second.
        key = f"{' '.join(encoders)} {facts.st_ctime_ns}".encode()
        last = None if self._last is None else self._last.find_file(name)
        same = last is not None and (last.place, last.size, last.mtime, last.key) == (
            place,
            facts.st_size,
            facts.st_mtime_ns,
            key,
        )
        if same and last is not None and self._is_whole(last):
            self._keep(last)
            return last
        made = Written(
            name, None, place, 0, 200, None, None, "", facts.st_size, facts.st_mtime_ns, "", key
        )
        variants: Mapping[str, bytes] = {}
        if self.secrets or may_encode(source.content_type, facts.st_size):
            content = Path(source.path).read_bytes()
            self._refuse_secrets(made, content)
            variants = encode(content, source.content_type, encoders)
            made = made._replace(etag=digest_of(content))
        self._put(name, lambda path: _copy(Path(source.path), path), place)
        return self._put_variants(made, variants)

    # ------------------------------------------------------------------------ kept

    def _reason(
        self, route: Route, path: StaticPath, last: Written | None, key: bytes | None, problem: str
    ) -> str | None:
        """Why the path is rendered; `None` if what was made of it last time is right."""
        reason, without_props = self._reasons[route.file]
        if reason is not None:
            return reason
        if without_props is not None and not path.props:
            return without_props
        if last is None:
            return "it is new"
        if key is None:
            return problem
        if last.key is None:
            return "what it was made from last time can't be compared"
        if last.key != key:
            return "its params or props changed"
        if not self._is_whole(last):
            return f"{last.file} was changed in the output, or taken out"
        return None

    def _is_whole(self, last: Written) -> bool:
        """Whether the file is as the last build wrote it."""
        names = [last.file, *(variant_of(last.file, e) for e in last.encodings.split())]
        try:
            files = [os.lstat(self._work.target / name) for name in names]
        except OSError:
            return False
        same = {(stat.S_IFMT(file.st_mode), file.st_mtime_ns) for file in files}
        return files[0].st_size == last.size and same == {(stat.S_IFREG, last.mtime)}

    def _keep(self, last: Written) -> None:
        if self.secrets:
            self._refuse_secrets(last, (self._work.target / last.file).read_bytes())
        for name in (last.file, *(variant_of(last.file, e) for e in last.encodings.split())):
            self._put(name, partial(_link, self._work.target / name), last.place)

    # --------------------------------------------------------------------- written

    def _write(
        self,
        place: Place,
        path: StaticPath,
        output: Output,
        last: Written | None,
        key: bytes | None,
    ) -> Written:
        made = Written(
            file=output.file,
            path=place.path,
            place=place.route.file,
            number=path.number,
            status=output.status,
            headers=headers_text(output.headers),
            location=output.location,
            etag=digest_of(output.content),
            size=len(output.content),
            mtime=0,
            encodings="",
            key=key,
        )
        self._refuse_secrets(made, output.content)
        put: Callable[[Path], None] = partial(_write_new, output.content)
        same = last is not None and (last.file, last.etag) == (made.file, made.etag)
        if same and last is not None and self._is_whole(last):
            # With its time: who has it in a cache need not fetch it again.
            put = partial(_link, self._work.target / last.file)
        variants: Mapping[str, bytes] = {}
        if "content-encoding" not in (output.headers or ()):
            variants = encode(output.content, output.content_type, self._encoders)
        self._put(output.file, put, made.place)
        mtime = os.stat(self._work.fresh / output.file).st_mtime_ns
        return self._put_variants(made._replace(mtime=mtime), variants)

    def _put_variants(self, made: Written, variants: Mapping[str, bytes]) -> Written:
        # The smallest first: the application takes the first of those that a client likes best.
        smallest = sorted(variants, key=lambda encoding: len(variants[encoding]))
        for encoding, content in variants.items():
            name = variant_of(made.file, encoding)
            self._put(name, partial(_write_new, content), made.place)
            os.utime(self._work.fresh / name, ns=(made.mtime, made.mtime))
        return made._replace(encodings=" ".join(smallest))

    def _refuse_secrets(self, file: Written, content: bytes) -> None:
        name = self.secrets.find(content, (file.headers or "").encode())
        if name is not None:
            raise OutputError(
                f"{file.place}: {file.file} would hold the value of {name}, and "
                "Build(secrets=...) says that it is secret.\n"
                "    Use it on the server only: set prerender = False, or leave it out."
            )

    def _put(self, file: str, put: Callable[[Path], None], place: str) -> None:
        """Make a file in the fresh folder, where it is the only one of its name."""
        path = self._work.fresh / file
        try:
            try:
                put(path)
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                put(path)
        except (FileExistsError, NotADirectoryError):
            raise _ClashError(file) from None
        except OSError as error:
            raise OutputError(f"{place}: {file} can't be written: {error.strerror}.") from error


def _key_of(path: StaticPath) -> tuple[bytes | None, str]:
    """What is equal for equal params and props, or why there is nothing."""
    try:
        data = pickle.dumps((path.params, path.props), protocol=5)
    except Exception as error:  # whatever an object of the site's raises
        return None, f"its props can't be compared: {error}"
    return blake2b(data, digest_size=16).digest(), ""


def _write_new(content: bytes, path: Path) -> None:
    with path.open("xb") as file:
        file.write(content)


def _copy(source: Path, path: Path) -> None:
    with source.open("rb") as file, path.open("xb") as copy:
        shutil.copyfileobj(file, copy)
    shutil.copystat(source, path)


def _link(source: Path, path: Path) -> None:
    try:
        os.link(source, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copy2(source, path, follow_symlinks=False)
