# SPDX-License-Identifier: MPL-2.0
"""The memory devices and the device registry."""

import pytest

from cruck.abi.errno import ENODEV, ENOSPC, ENOTTY, ENXIO, EPERM
from cruck.abi.stat import S_IFBLK, S_IFCHR
from cruck.framework.entropy import SeededEntropy
from cruck.framework.hardware import PROT_READ, PROT_WRITE
from cruck.framework.mm.user_memory import BytesReader, BytesWriter
from cruck.kernel.drivers.registry import DeviceRegistry, major_of, makedev, minor_of
from cruck.kernel.errors import LinuxError
from cruck.kernel.kernel import Kernel
from cruck.kernel.process.task import Task
from cruck.kernel.tty.tests.world import DATA, World
from cruck.kernel.vfs.file import File
from cruck.testing.kernels import boot, spawn


class Devices:
    def __init__(self) -> None:
        self.world = World()
        self.world.fake.entropy = SeededEntropy(1)
        self.task: Task = self.world.task()
        self.kernel: Kernel = self.world.kernel

    def open(self, minor: int, major: int = 1) -> File:
        return self.kernel.devices.open(self.task, S_IFCHR, makedev(major, minor), None, 2)


@pytest.fixture
def devices() -> Devices:
    return Devices()


def take(file: File, length: int) -> bytes:
    out = BytesWriter(length)
    assert file.read(out, 0) == len(out.getvalue())
    return out.getvalue()


def test_null_is_empty_and_takes_everything(devices: Devices) -> None:
    file = devices.open(3)
    assert take(file, 10) == b""
    data = BytesReader(b"abc")
    assert file.write(data, 0) == 3 and data.remaining == 0
    assert file.lseek(5, 0) == 0
    assert file.mapping() is None and file.map_error() == -ENODEV


def test_zero_gives_zeros(devices: Devices) -> None:
    file = devices.open(5)
    assert take(file, 5000) == bytes(5000)
    assert file.write(BytesReader(b"abc"), 0) == 3


def test_full_gives_zeros_and_is_full(devices: Devices) -> None:
    file = devices.open(7)
    assert take(file, 3) == bytes(3)
    assert file.write(BytesReader(b"x"), 0) == -ENOSPC


def test_random_gives_all_that_is_asked(devices: Devices) -> None:
    for minor in (8, 9):
        file = devices.open(minor)
        data = take(file, 200_000)
        assert len(data) == 200_000 and len(set(data)) == 256
        assert file.write(BytesReader(b"seed"), 0) == 4


def test_random_stops_early_for_a_signal(devices: Devices) -> None:
    devices.world.run_as(devices.task)
    devices.task.pending.bits = 1
    assert 0 < len(take(devices.open(9), 1 << 20)) < 1 << 20


def test_random_ioctls(devices: Devices) -> None:
    file = devices.open(8)
    assert file.ioctl(devices.task, 0x80045200, DATA) == 0
    assert devices.task.user.read_u32(DATA) == 256
    assert file.ioctl(devices.task, 0x40085203, DATA) == -EPERM
    assert file.ioctl(devices.task, 1, DATA) == -ENOTTY


def test_a_private_mapping_of_zero_is_anonymous_and_a_shared_one_is_shared(devices: Devices) -> None:
    first, second = devices.world.fake.machine.new_space(), devices.world.fake.machine.new_space()
    mapping = devices.open(5).mapping()
    assert mapping is not None and mapping.length() > 1 << 40
    assert mapping.map_pages(first, 0x1000, 0x1000, 0, PROT_READ | PROT_WRITE, True) == 0
    assert mapping.map_pages(first, 0x2000, 0x1000, 0, PROT_READ | PROT_WRITE, False) == 0
    assert mapping.map_pages(second, 0x2000, 0x1000, 0, PROT_READ | PROT_WRITE, False) == 0
    first.write(0x1000, b"private")
    first.write(0x2000, b"shared")
    assert second.read(0x2000, 6) == b"shared"


@pytest.mark.parametrize(("mode", "major", "minor"), [(S_IFCHR, 1, 1), (S_IFCHR, 99, 0), (S_IFBLK, 1, 3), (S_IFCHR, 5, 3)])
def test_an_unknown_device_is_enxio(devices: Devices, mode: int, major: int, minor: int) -> None:
    with pytest.raises(LinuxError) as caught:
        devices.kernel.devices.open(devices.task, mode, makedev(major, minor), None, 0)
    assert caught.value.errno == ENXIO


def test_without_a_terminal_there_is_no_console(devices: Devices) -> None:
    with pytest.raises(LinuxError) as caught:
        devices.open(1, 5)
    assert caught.value.errno == ENODEV


def test_device_numbers_round_trip() -> None:
    for major, minor in ((1, 3), (136, 0), (136, 300), (4095, 0xFFFFF)):
        rdev = makedev(major, minor)
        assert (major_of(rdev), minor_of(rdev)) == (major, minor)
    assert makedev(1, 3) == 0x103


def test_a_registry_takes_other_drivers() -> None:
    empty = DeviceRegistry(())
    with pytest.raises(LinuxError):
        empty.open(spawn(boot(), []), S_IFCHR, makedev(1, 3), None, 0)
