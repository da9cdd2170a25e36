# SPDX-License-Identifier: MPL-2.0
"""docs/soundness/fuzzing.md has a row for every campaign of tools/fuzz.py."""

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_campaign_has_a_row() -> None:
    page = (ROOT / "docs/soundness/fuzzing.md").read_text()
    rows = re.findall(r"^\| `([a-z-]+)` \|", page.partition("## Replaying")[0], re.MULTILINE)
    campaigns = runpy.run_path(str(ROOT / "tools/fuzz.py"), run_name="fuzz")["CAMPAIGNS"]
    assert rows == [campaign.name for campaign in campaigns]
