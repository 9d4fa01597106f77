"""The core touches no file, clock, environment or hidden seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.purity import faults

CORE = Path(__file__).parents[2] / "src" / "pytest_ladder" / "core"


@pytest.mark.parametrize("module", sorted(CORE.rglob("*.py")), ids=lambda path: path.stem)
def test_the_module_is_pure(module: Path):
    assert faults(module.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pydantic",
        "import os",
        "from time import monotonic",
        "import numpy as np",
        "from pytest_ladder.store import spec",
        "from . import cases",
        "def f():\n    import torch",
        "text = open('x')",
        "now = datetime.now()",
        "def f(path):\n    return path.read_text()",
        "import random\nx = random.random()",
        "def f():\n    import numpy as np\n    return np.random.default_rng()",
        "def f():\n    import numpy as np\n    return np.random.rand(3)",
    ],
)
def test_the_check_sees(source: str):
    assert len(faults(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import rfc8785\nimport random\nrng = random.Random(7)",
        "def f():\n    import numpy as np\n    return np.random.Generator(np.random.PCG64(7))",
        "from pytest_ladder.core.cases import Case\nfrom pytest_ladder.errors import message",
    ],
)
def test_the_check_lets_through(source: str):
    assert faults(source) == []
