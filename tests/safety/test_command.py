# SPDX-License-Identifier: MPL-2.0
"""`cruck check` as a command: exit statuses, output, JSON, which files are checked; the report and the generated pages."""

import json
import runpy
from pathlib import Path

import pytest

from cruck.cli.main import main
from cruck.safety.report import measure

ROOT = Path(__file__).resolve().parents[2]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_clean_file_exits_0_silently(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(write(tmp_path / "a.py", "x = 1\n"))]) == 0
    assert capsys.readouterr() == ("", "")


def test_findings_exit_1_one_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.py", "import os\nx = eval('1')\n")
    assert main(["check", str(path)]) == 1
    out, err = capsys.readouterr()
    first, second = out.splitlines()
    assert first.startswith(f"{path}:1:1: import-not-allowed ") and second.startswith(f"{path}:2:5: dynamic-code ")
    assert "2 findings in 1 file" in err


def test_json_has_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.py", "import os\n")
    assert main(["check", "--json", str(path)]) == 1
    answer = json.loads(capsys.readouterr().out)
    (finding,) = answer["findings"]
    assert not answer["clean"]
    assert (finding["path"], finding["line"], finding["column"], finding["rule"]) == (str(path), 1, 1, "import-not-allowed")
    assert finding["message"] and finding["reason"] and finding["instead"]


@pytest.mark.parametrize(
    "words", [[], ["--json"], ["--frobnicate", "x"], ["/no/such/file"], ["no.such.module"], ["--report", "x"], ["--report", "--rules"]]
)
def test_usage_errors_exit_125(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *words]) == 125
    assert capsys.readouterr().err


def test_tree_is_checked_without_its_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "p/__init__.py", "from p.q import x\n")
    write(tmp_path / "p/q.py", "x = 1\n")
    write(tmp_path / "p/tests/test_q.py", "import os\n")
    assert main(["check", str(tmp_path)]) == 0
    write(tmp_path / "p/r.py", "from p.tests.test_q import os\n")
    assert main(["check", str(tmp_path)]) == 1
    assert "tests" in capsys.readouterr().out


def test_sibling_that_is_not_checked_may_not_be_imported(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a.py", "import b\nb.x\n"), write(tmp_path / "b.py", "x = 1\n")
    assert main(["check", str(first)]) == 1
    assert main(["check", str(first), str(second)]) == 0


def test_file_named_as_a_standard_module_does_not_open_it(tmp_path: Path) -> None:
    write(tmp_path / "os.py", "")
    write(tmp_path / "a.py", "import os\n")
    assert main(["check", str(tmp_path)]) == 1


def test_reexport_of_a_checked_module_is_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "p/__init__.py", "")
    write(tmp_path / "p/a.py", "from cruck.framework.io.host_file import HostFile as F\nfrom p.b import F\n")
    write(tmp_path / "p/b.py", "from p.a import F as G\nx = G(3)\n")
    assert main(["check", str(tmp_path)]) == 1
    assert "forged-capability" in capsys.readouterr().out


def test_byte_code_without_source_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "p/__init__.py", "")
    write(tmp_path / "p/q.pyc", "")
    assert main(["check", str(tmp_path)]) == 1
    assert "native-module" in capsys.readouterr().out


def test_dotted_module_is_found_without_import(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "cruck.kernel.errors", "cruck.abi.errno"]) == 0
    assert main(["check", "cruck.framework.clock"]) == 1


def test_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--rules"]) == 0
    assert "forged-capability" in capsys.readouterr().out


def test_report_counts_and_names_native_calls(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--report", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["framework_ratio"] == round(answer["framework"]["lines"] / answer["package"]["lines"], 4)
    assert sum(folder["lines"] for folder in answer["folders"].values()) == answer["package"]["lines"]
    assert {use["path"] for use in answer["native_calls"]} == {"framework/confine.py", "framework/host_machine.py"}
    assert not [path for path in answer["host_modules"] if path.startswith(("kernel/", "abi/"))]


def test_report_leaves_out_tests_and_generated_files(tmp_path: Path) -> None:
    write(tmp_path / "framework/a.py", "x = 1\n")
    write(tmp_path / "framework/a.c", "int x;\nint y;\n")
    write(tmp_path / "framework/tests/test_a.py", "x = 1\n" * 100)
    write(tmp_path / "kernel/b.py", "x = 1\n" * 7)
    write(tmp_path / "kernel/c.py", '"""Generated by tools/x.py; do not edit."""\n')
    report = measure(tmp_path)
    assert report.framework_ratio() == 3 / 10
    assert report.generated == ["kernel/c.py"]


def test_page_of_the_rules_is_fresh() -> None:
    tool = runpy.run_path(str(ROOT / "tools/gen_report.py"))
    page = (ROOT / "docs/soundness/checker.md").read_text()
    assert page == tool["checker_text"](page), "run `python tools/gen_report.py`"
