"""What a run with --ladder loads late, loaded once: an inner run forgets each module that it was the first to import.

Rich alone is forty modules, a third of what a small inner run takes.
"""

from __future__ import annotations

import email.feedparser
import email.parser

import jsonschema
import numpy
import rank_bm25
import rfc8785
import rich.box
import rich.console
import rich.padding
import rich.table
import rich.text
import scipy.stats

import pytest_ladder.plugin.controller
import pytest_ladder.plugin.xdist

__all__ = ["email", "jsonschema", "numpy", "pytest_ladder", "rank_bm25", "rfc8785", "rich", "scipy"]
