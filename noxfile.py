"""Run the tests, without the browser's, on each Python and on the lowest versions of the libraries.

    nox                                 everything
    nox -s tests-3.12 -- tests/web      one Python, with arguments for pytest
"""

import configparser
import re
from pathlib import Path

import nox

PYTHONS = ["3.11", "3.12", "3.13"]
LOWEST = PYTHONS[0]

nox.options.reuse_existing_virtualenvs = True
nox.options.stop_on_first_error = False


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The newest versions of the libraries."""
    session.install("--editable", ".[test]")
    run_tests(session)


@nox.session(python=LOWEST)
def lowest(session: nox.Session) -> None:
    """The lowest versions that setup.cfg allows."""
    constraints = Path(session.create_tmp()) / "lowest.txt"
    constraints.write_text("\n".join(lowest_versions()))
    session.install("--editable", ".[test]", "--constraint", str(constraints))
    run_tests(session)


def run_tests(session: nox.Session) -> None:
    arguments = session.posargs or ["tests", "framework"]
    session.run("pytest", "--numprocesses=auto", "--ignore=tests/browser", *arguments)


def lowest_versions() -> list[str]:
    """Every requirement `a >= 1` of an application and of the tests, as `a == 1`."""
    setup = configparser.ConfigParser()
    setup.read("setup.cfg")
    extras = setup["options.extras_require"]
    lines = [setup["options"]["install_requires"], extras["compress"], extras["test"]]
    return re.sub(">=", "==", "\n".join(lines)).split("\n")
