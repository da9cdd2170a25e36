# SPDX-License-Identifier: MPL-2.0
"""README says what is true: its example prints what it shows, its Python runs, its links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_first_example_prints_what_it_shows(tmp_path: Path) -> None:
    command, _, expected = blocks("console")[0].partition("\n")
    bin_directory = tmp_path / "bin"
    bin_directory.mkdir()
    (bin_directory / "cruck").write_text(f'#!/bin/sh\nexec {sys.executable} -m cruck "$@"\n')
    (bin_directory / "cruck").chmod(0o755)
    here = tmp_path / "demo"
    here.mkdir()
    environment = {**os.environ, "PATH": f"{bin_directory}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT / "src")}
    result = subprocess.run(
        command.removeprefix("$ "),
        shell=True,
        cwd=here,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    assert result.stdout == expected.replace("/tmp/demo", str(here))
    assert not (here / "note.txt").exists()


def test_the_python_example_runs() -> None:
    for code in blocks("python"):
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_links_lead_to_files() -> None:
    for document in [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CAVEATS.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_files_that_the_documents_name_exist() -> None:
    missing = []
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CAVEATS.md"):
        for path in re.findall(r"`((?:src|tests|tools|docs|kernel|framework|sandbox|cli|abi)/[\w./-]+)`", (ROOT / name).read_text()):
            if not ((ROOT / path).exists() or (ROOT / "src/cruck" / path).exists()):
                missing.append(f"{name}: {path}")
    assert not missing
