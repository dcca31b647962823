"""`framework build`: write the files of a site, and print what was written."""

import logging
import sys
from functools import partial
from pathlib import Path

from ..build.progress import show_progress
from ..build.run import Report, build
from .terminal import counted

_SLOWEST = 3  # the number of slow routes to print


def run(root: Path, *, jobs: int | None) -> int:
    """Build the site in the folder `root` and return the exit status."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    progress = partial(show_progress, stream=sys.stderr)
    try:
        report = build(root, jobs=jobs, progress=progress)
    except KeyboardInterrupt:
        print("Interrupted. The last build is unchanged.", file=sys.stderr)
        return 130
    for warning in report.warnings:
        print(f"Warning: {warning}")
    _print_summary(report)
    return 0


def _print_summary(report: Report) -> None:
    slowest = sorted(report.routes.items(), key=lambda item: -item[1][1])[:_SLOWEST]
    for route, (count, seconds) in slowest:
        print(f"{seconds:7.2f} s  {counted(count, 'path'):>14}  {route}")
    print(
        f"Wrote {counted(report.rendered + report.public, 'file')} ({report.rendered:,} rendered, "
        f"{report.public:,} public), {report.size:,} bytes, to {report.folder} "
        f"in {report.seconds:.1f} s"
    )
