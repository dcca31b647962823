"""Run the tests, without the browser's, on each Python and on the lowest versions of the libraries.

`nox` runs everything; `nox -s tests-3.12 -- tests/web` one Python, with arguments for pytest.
"""

import configparser
import os
from pathlib import Path

import nox

PYTHONS = ["3.11", "3.12", "3.13"]
LOWEST = PYTHONS[0]

# pyenv puts only the chosen versions on the path; add those that are installed.
PYENV = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
FOLDERS = [str(path) for version in PYTHONS for path in PYENV.glob(f"versions/{version}.*/bin")]
os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *FOLDERS])

nox.options.reuse_existing_virtualenvs = True
nox.options.stop_on_first_error = False


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The newest versions of the libraries."""
    session.install("--quiet", "--editable", ".[test]")
    run_tests(session)


@nox.session(python=LOWEST)
def lowest(session: nox.Session) -> None:
    """The lowest versions that setup.cfg allows."""
    constraints = Path(session.create_tmp()) / "lowest.txt"
    constraints.write_text("\n".join(lowest_versions()))
    session.install("--quiet", "--editable", ".[test]", "--constraint", str(constraints))
    run_tests(session)


@nox.session(python=["3.11", "3.13"], default=False)
def bench(session: nox.Session) -> None:
    """Compare speed with other frameworks, and write benchmarks/RESULTS.md."""
    session.install("--quiet", "--editable", ".[bench]")
    session.run("python", "-m", "benchmarks", *session.posargs)


def run_tests(session: nox.Session) -> None:
    options = ("--quiet", "--numprocesses=auto", "--dist=worksteal", "--ignore=tests/browser")
    session.run("pytest", *options, *session.posargs)


def lowest_versions() -> list[str]:
    """Every requirement `a >= 1` of an application and of the tests, as `a == 1`."""
    setup = configparser.ConfigParser()
    setup.read("setup.cfg")
    extras = setup["options.extras_require"]
    lines = [
        setup["options"]["install_requires"],
        extras["compress"],
        extras["fast"],
        extras["test"],
    ]
    return "\n".join(lines).replace(">=", "==").splitlines()
