"""Fail if any of the named packages can be imported: `python scripts/absent.py torch transformers`."""

from __future__ import annotations

import sys
from importlib.util import find_spec

present = [name for name in sys.argv[1:] if find_spec(name) is not None]
if present:
    sys.exit(f"{sys.prefix}: must not be installed here, got {', '.join(present)}. Run `make clean` and try again.")
