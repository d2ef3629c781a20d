"""The system calls that a job in bubblewrap may not make, as a program for the kernel's filter.

Training needs none of them; most doors out of a sandbox that were found in Linux go through one (new user namespaces, mounts, kernel
keys, BPF, io_uring). Docker has such a filter of its own.

Source: Linux, Documentation/userspace-api/seccomp_filter.rst; numbers from arch/x86/entry/syscalls/syscall_64.tbl and
include/uapi/asm-generic/unistd.h; the choice follows https://docs.docker.com/engine/security/seccomp.
"""

from __future__ import annotations

import errno
import os
import platform
import struct

# Numbers on x86-64 and on 64-bit Arm.
_DENIED = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setns": (308, 268),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
_SOCKET = (41, 198)
_FAMILIES = (1, 2, 10, 16)
"""UNIX, IPv4, IPv6 and netlink live in the job's own network; others (VSOCK to the host of a virtual machine) need not."""
_CLONE, _CLONE3 = (56, 220), (435, 435)
_CLONE_NEWUSER = 0x10000000
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_FIRST_X32_CALL = 0x40000000

# Instructions of the classic Berkeley packet filter: (code, jump if true, jump if false, value).
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _FAIL_WITH = 0x7FFF0000, 0x00050000
_NUMBER_OFFSET, _MACHINE_OFFSET, _FIRST_ARGUMENT_OFFSET = 0, 4, 16


def filter_program(machine: str) -> bytes:
    """Return the filter for a machine (`platform.machine()`); where its numbers are not known, it lets everything pass."""
    if machine not in _MACHINES:
        return struct.pack("=HBBI", _RETURN, 0, 0, _ALLOW)
    column, machine_code = _MACHINES[machine]
    refuse, absent = _FAIL_WITH | errno.EPERM, _FAIL_WITH | errno.ENOSYS
    program = [
        (_LOAD, 0, 0, _MACHINE_OFFSET),
        (_IF_EQUAL, 1, 0, machine_code),
        (_RETURN, 0, 0, refuse),  # a program for another machine (32-bit) has other numbers: none of its calls
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        (_IF_AT_LEAST, 0, 1, _FIRST_X32_CALL),
        (_RETURN, 0, 0, refuse),
        (_IF_EQUAL, 0, 1, _CLONE3[column]),
        (_RETURN, 0, 0, absent),  # its flags cannot be seen from here; the C library then uses clone
    ]
    for numbers in _DENIED.values():
        program += [(_IF_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, refuse)]
    program += [(_IF_EQUAL, 0, len(_FAMILIES) + 3, _SOCKET[column]), (_LOAD, 0, 0, _FIRST_ARGUMENT_OFFSET)]
    program += [(_IF_EQUAL, len(_FAMILIES) - place, 0, family) for place, family in enumerate(_FAMILIES)]
    program += [(_RETURN, 0, 0, _FAIL_WITH | errno.EAFNOSUPPORT), (_RETURN, 0, 0, _ALLOW)]
    program += [
        (_IF_EQUAL, 0, 3, _CLONE[column]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_OFFSET),
        (_IF_ANY_BIT, 0, 1, _CLONE_NEWUSER),
        (_RETURN, 0, 0, refuse),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def filter_descriptor() -> int:
    """Return an open file descriptor from which the filter for this machine can be read; the caller closes it."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as file:
        file.write(filter_program(platform.machine()))
    return reading
