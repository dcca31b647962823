"""The command line, run as `python -m framework`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
