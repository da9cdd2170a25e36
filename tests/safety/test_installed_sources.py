# SPDX-License-Identifier: MPL-2.0
"""An installed cruck has the C sources of its framework too: `cruck check --report` would count too little without them."""

from pathlib import Path

import cruck

SOURCES = Path(__file__).parents[2] / "src" / "cruck"


def test_what_the_report_counts_is_installed() -> None:
    installed = Path(cruck.__file__).parent
    counted = [path.relative_to(SOURCES) for ending in ("c", "h", "S", "ld", "lds") for path in SOURCES.rglob(f"*.{ending}")]
    assert len(counted) > 20
    assert [str(path) for path in counted if not (installed / path).exists()] == []
