# SPDX-License-Identifier: MPL-2.0
"""A file system written by a user, from its source to a guest that reads it: checked, loaded, mounted, used; and refused where it is unsafe."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cruck.safety import CheckError, load_service

pytest.importorskip("cruck.framework._machine")

SOURCE = Path(__file__).parent / "services" / "greeting_fs.py"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    finders = list(sys.meta_path)
    yield
    sys.meta_path[:] = finders
    sys.modules.pop("greeting_fs", None)


def run_with(module, tmp_path: Path, script: str) -> tuple[int, bytes]:
    from cruck.kernel.process.credentials import Credentials
    from cruck.kernel.vfs.walk import lookup_path
    from cruck.sandbox.box import Box
    from cruck.sandbox.config import RunConfig
    from cruck.sandbox.streams import InputStream, OutputStream

    config = RunConfig(["/bin/sh", "-c", script])
    config.cwd = str(tmp_path)
    config.host_environment = dict(os.environ)
    config.tty = False
    box = Box(config, hidden=True)
    kernel = box.kernel
    try:
        place = lookup_path(kernel.namespace, Credentials(0, 0, ()), b"/mnt")
        kernel.namespace.mount(module.GreetingFs(kernel.next_anon_dev(), b"good day"), place, 0, b"greeting")
        out = OutputStream(kernel.next_ino())
        box.start([InputStream(b"", kernel.next_ino()), out, out])
        while not kernel.is_halted:
            box.turn()
        assert kernel.nr_oopses == 0
        return box.exit_code(), b"".join(out.parts)
    finally:
        box.close()


def test_a_users_file_system_is_checked_loaded_mounted_and_read(tmp_path: Path) -> None:
    module = load_service(SOURCE)
    script = "ls /mnt; cat /mnt/hello; cat /mnt/hello; cat /mnt/none; echo x >/mnt/new; grep /mnt /proc/mounts"
    status, text = run_with(module, tmp_path, script)
    lines = text.decode().splitlines()
    assert lines[:3] == ["hello", "good day, reader 1", "good day, reader 2"]
    assert "No such file" in lines[3] and "Read-only file system" in lines[4]
    assert status == 0 and lines[5].startswith("greeting /mnt greeting rw")


def test_the_same_with_a_way_out_is_refused_before_it_runs(tmp_path: Path) -> None:
    text = SOURCE.read_text().replace('return b"%s, reader %d', "import os\n        os.system('id')\n        return b\"%s, reader %d")
    (tmp_path / "greeting_fs.py").write_text(text + "\nprint('this module ran')\n")
    with pytest.raises(CheckError, match=r"greeting_fs.py:\d+:\d+: import-not-allowed module os"):
        load_service(tmp_path / "greeting_fs.py")
    assert "greeting_fs" not in sys.modules
