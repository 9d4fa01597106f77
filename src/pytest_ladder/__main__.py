"""`python -m pytest_ladder` is the `ladder` command."""

import sys

from pytest_ladder.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
