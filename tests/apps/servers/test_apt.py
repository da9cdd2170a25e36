# SPDX-License-Identifier: MPL-2.0
"""A Debian made by debootstrap as --rootfs, in which apt installs a package from a repository of files. Only in the long run: it fetches a
whole Debian from the registry."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from compare import cruck_command

LONG = bool(os.environ.get("CRUCK_LONG"))
SCRIPT = """
echo 'deb [trusted=yes] file:/repo ./' >/etc/apt/sources.list
apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq hello >/dev/null 2>&1
hello; dpkg -s hello | grep Status
"""


@pytest.mark.skipif(not LONG or shutil.which("debootstrap") is None, reason="only with CRUCK_LONG=1; needs Debian package debootstrap")
def test_apt_installs_in_a_bootstrapped_debian(tmp_path: Path) -> None:
    subprocess.run(["debootstrap", "--variant=minbase", "bookworm", "root"], cwd=tmp_path, check=True, capture_output=True, timeout=600)
    repository = tmp_path / "repo"
    repository.mkdir()
    subprocess.run(["apt-get", "download", "-q", "hello"], cwd=repository, check=True, capture_output=True)
    (package,) = repository.glob("*.deb")
    data = package.read_bytes()
    control = subprocess.run(["dpkg-deb", "-f", package.name], cwd=repository, check=True, capture_output=True, text=True).stdout.rstrip()
    digest = hashlib.sha256(data).hexdigest()
    (repository / "Packages").write_text(f"{control}\nFilename: ./{package.name}\nSize: {len(data)}\nSHA256: {digest}\n\n")
    command = cruck_command("-u", "0:0", "--rootfs", str(tmp_path / "root"), "-v", f"{repository}:/repo:ro")
    found = subprocess.run([*command, "bash", "-c", SCRIPT], capture_output=True, text=True, timeout=300)
    assert found.stdout == "Hello, world!\nStatus: install ok installed\n", found.stderr
