# SPDX-License-Identifier: MPL-2.0
"""load_service: checks first, runs exactly what was checked, refuses with the findings, and is loud when told not to check."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cruck.safety import CheckError, SourceError, load_service

CLEAN = "import struct\n\ndef word() -> bytes:\n    return struct.pack('<I', 7)\n"
UNSAFE = "import os\nos.environ['CRUCK_TEST_RAN'] = '1'\n"


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CRUCK_TEST_RAN", raising=False)
    modules, finders = dict(sys.modules), list(sys.meta_path)
    yield
    sys.meta_path[:] = finders
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def has_run() -> bool:
    import os

    return "CRUCK_TEST_RAN" in os.environ


def test_clean_file_is_imported_under_its_name(tmp_path: Path) -> None:
    module = load_service(write(tmp_path / "my_fs.py", CLEAN))
    assert module.word() == b"\x07\0\0\0"
    assert sys.modules["my_fs"] is module
    assert module.__file__ == str(tmp_path / "my_fs.py")


def test_unsafe_file_is_refused_before_it_runs(tmp_path: Path) -> None:
    with pytest.raises(CheckError) as caught:
        load_service(write(tmp_path / "my_fs.py", UNSAFE))
    assert [finding.rule for finding in caught.value.findings][:1] == ["import-not-allowed"]
    assert "my_fs.py:1:1: import-not-allowed" in str(caught.value)
    assert not has_run() and "my_fs" not in sys.modules


def test_unchecked_is_explicit_and_loud(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "cruck.safety"):
        load_service(write(tmp_path / "my_fs.py", UNSAFE), unchecked=True)
    assert has_run()
    assert "UNCHECKED" in caplog.text and "my_fs.py" in caplog.text


def test_package_is_checked_whole(tmp_path: Path) -> None:
    write(tmp_path / "my_fs/__init__.py", CLEAN)
    write(tmp_path / "my_fs/deep/__init__.py", "")
    write(tmp_path / "my_fs/deep/later.py", UNSAFE)
    with pytest.raises(CheckError, match="later.py"):
        load_service(tmp_path / "my_fs")


def test_package_may_import_from_itself_and_what_runs_is_what_was_checked(tmp_path: Path) -> None:
    write(
        tmp_path / "my_fs/__init__.py",
        "from my_fs.inner import size\n\ndef later() -> int:\n    from .more import more\n    return more()\n",
    )
    write(tmp_path / "my_fs/inner.py", "def size() -> int:\n    return 5\n")
    more = write(tmp_path / "my_fs/more.py", "def more() -> int:\n    return 6\n")
    module = load_service(tmp_path / "my_fs")
    more.write_text(UNSAFE)
    assert (module.size(), module.later()) == (5, 6)
    assert not has_run()


def test_what_appears_after_the_check_cannot_be_imported(tmp_path: Path) -> None:
    write(tmp_path / "my_fs/__init__.py", "")
    load_service(tmp_path / "my_fs")
    write(tmp_path / "my_fs/new.py", UNSAFE)
    with pytest.raises(ModuleNotFoundError, match="among the checked files"):
        __import__("my_fs.new")
    assert not has_run()


def test_compiled_module_beside_the_source_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "my_fs/__init__.py", "from my_fs import fast\n")
    write(tmp_path / "my_fs/fast.py", "")
    write(tmp_path / "my_fs/fast.cpython-311-x86_64-linux-gnu.so", "")
    with pytest.raises(CheckError, match="native-module"):
        load_service(tmp_path / "my_fs")


def test_dotted_module_is_checked_with_its_parents_which_do_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    write(tmp_path / "my_app/__init__.py", UNSAFE)
    write(tmp_path / "my_app/fs.py", CLEAN)
    with pytest.raises(CheckError):
        load_service("my_app.fs")
    assert not has_run()
    (tmp_path / "my_app/__init__.py").write_text("")
    assert load_service("my_app.fs").word() == b"\x07\0\0\0"


def test_module_that_raises_leaves_nothing_behind(tmp_path: Path) -> None:
    path = write(tmp_path / "my_fs.py", "raise ValueError('no')\n")
    before = list(sys.meta_path)
    with pytest.raises(ValueError, match="no"):
        load_service(path)
    assert "my_fs" not in sys.modules and sys.meta_path == before


def test_name_of_a_loaded_module_is_refused(tmp_path: Path) -> None:
    load_service(write(tmp_path / "one/my_fs.py", CLEAN))
    with pytest.raises(ImportError, match="loaded already"):
        load_service(write(tmp_path / "two/my_fs.py", CLEAN))


def test_name_of_a_standard_module_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportError, match="standard module"):
        load_service(write(tmp_path / "wave.py", CLEAN))


def test_service_of_ours_is_returned() -> None:
    import cruck.kernel.errors

    assert load_service("cruck.kernel.errors") is cruck.kernel.errors


def test_missing_service_is_said(tmp_path: Path) -> None:
    for name in ("no_such_module", str(tmp_path / "none.py"), str(tmp_path)):
        with pytest.raises(SourceError):
            load_service(name)
