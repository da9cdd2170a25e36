# SPDX-License-Identifier: MPL-2.0
"""ELF files of 64 bits: include/uapi/linux/elf.h and elf-em.h."""

from typing import Final

from cruck.abi.layout import Layout

# e_ident
ELFMAG: Final = b"\x7fELF"
SELFMAG: Final = 4
EI_MAG0: Final = 0
EI_CLASS: Final = 4
EI_DATA: Final = 5
EI_VERSION: Final = 6
EI_OSABI: Final = 7
EI_ABIVERSION: Final = 8
EI_PAD: Final = 8
EI_NIDENT: Final = 16
ELFCLASSNONE: Final = 0
ELFCLASS32: Final = 1
ELFCLASS64: Final = 2
ELFDATANONE: Final = 0
ELFDATA2LSB: Final = 1
ELFDATA2MSB: Final = 2
EV_NONE: Final = 0
EV_CURRENT: Final = 1
ELFOSABI_NONE: Final = 0
ELFOSABI_LINUX: Final = 3
ELFOSABI_GNU: Final = 3

# e_type, e_machine
ET_NONE: Final = 0
ET_REL: Final = 1
ET_EXEC: Final = 2
ET_DYN: Final = 3
ET_CORE: Final = 4
EM_NONE: Final = 0
EM_386: Final = 3
EM_X86_64: Final = 62
EM_AARCH64: Final = 183
EM_RISCV: Final = 243
PN_XNUM: Final = 0xFFFF

# p_type
PT_NULL: Final = 0
PT_LOAD: Final = 0x1
PT_DYNAMIC: Final = 0x2
PT_INTERP: Final = 0x3
PT_NOTE: Final = 0x4
PT_SHLIB: Final = 0x5
PT_PHDR: Final = 0x6
PT_TLS: Final = 0x7
PT_GNU_EH_FRAME: Final = 0x6474E550
PT_GNU_STACK: Final = 0x6474E551
PT_GNU_RELRO: Final = 0x6474E552
PT_GNU_PROPERTY: Final = 0x6474E553

# p_flags
PF_X: Final = 1
PF_W: Final = 2
PF_R: Final = 4

# sh_type, sh_flags
SHT_NULL: Final = 0
SHT_PROGBITS: Final = 1
SHT_SYMTAB: Final = 2
SHT_STRTAB: Final = 3
SHT_RELA: Final = 4
SHT_HASH: Final = 5
SHT_DYNAMIC: Final = 6
SHT_NOTE: Final = 7
SHT_NOBITS: Final = 8
SHT_REL: Final = 9
SHT_DYNSYM: Final = 11
SHF_WRITE: Final = 0x1
SHF_ALLOC: Final = 0x2
SHF_EXECINSTR: Final = 0x4
SHN_UNDEF: Final = 0
SHN_ABS: Final = 0xFFF1

# d_tag
DT_NULL: Final = 0
DT_NEEDED: Final = 1
DT_HASH: Final = 4
DT_STRTAB: Final = 5
DT_SYMTAB: Final = 6
DT_RELA: Final = 7
DT_RELASZ: Final = 8
DT_RELAENT: Final = 9
DT_STRSZ: Final = 10
DT_SYMENT: Final = 11
DT_INIT: Final = 12
DT_FINI: Final = 13
DT_SONAME: Final = 14
DT_GNU_HASH: Final = 0x6FFFFEF5
DT_VERSYM: Final = 0x6FFFFFF0
DT_VERDEF: Final = 0x6FFFFFFC
DT_VERDEFNUM: Final = 0x6FFFFFFD

# Symbols
STB_LOCAL: Final = 0
STB_GLOBAL: Final = 1
STB_WEAK: Final = 2
STT_NOTYPE: Final = 0
STT_OBJECT: Final = 1
STT_FUNC: Final = 2
STT_SECTION: Final = 3
STT_FILE: Final = 4
STT_TLS: Final = 6

# Relocations of x86-64
R_X86_64_NONE: Final = 0
R_X86_64_64: Final = 1
R_X86_64_GLOB_DAT: Final = 6
R_X86_64_JUMP_SLOT: Final = 7
R_X86_64_RELATIVE: Final = 8

# n_type
NT_PRSTATUS: Final = 0x1
NT_PRFPREG: Final = 0x2
NT_PRPSINFO: Final = 0x3
NT_TASKSTRUCT: Final = 0x4
NT_AUXV: Final = 0x6
NT_SIGINFO: Final = 0x53494749
NT_FILE: Final = 0x46494C45
NT_X86_XSTATE: Final = 0x202
NT_386_TLS: Final = 0x200
NT_386_IOPERM: Final = 0x201
NT_GNU_PROPERTY_TYPE_0: Final = 0x5
NT_GNU_ABI_TAG: Final = 0x1
NT_GNU_BUILD_ID: Final = 0x3

ELF64_EHDR: Final = Layout(
    "elf64_hdr",
    (
        ("e_ident", "char[16]"),
        ("e_type", "u16"),
        ("e_machine", "u16"),
        ("e_version", "u32"),
        ("e_entry", "u64"),
        ("e_phoff", "u64"),
        ("e_shoff", "u64"),
        ("e_flags", "u32"),
        ("e_ehsize", "u16"),
        ("e_phentsize", "u16"),
        ("e_phnum", "u16"),
        ("e_shentsize", "u16"),
        ("e_shnum", "u16"),
        ("e_shstrndx", "u16"),
    ),
)
ELF64_PHDR: Final = Layout(
    "elf64_phdr",
    (
        ("p_type", "u32"),
        ("p_flags", "u32"),
        ("p_offset", "u64"),
        ("p_vaddr", "u64"),
        ("p_paddr", "u64"),
        ("p_filesz", "u64"),
        ("p_memsz", "u64"),
        ("p_align", "u64"),
    ),
)
ELF64_SHDR: Final = Layout(
    "elf64_shdr",
    (
        ("sh_name", "u32"),
        ("sh_type", "u32"),
        ("sh_flags", "u64"),
        ("sh_addr", "u64"),
        ("sh_offset", "u64"),
        ("sh_size", "u64"),
        ("sh_link", "u32"),
        ("sh_info", "u32"),
        ("sh_addralign", "u64"),
        ("sh_entsize", "u64"),
    ),
)
ELF64_SYM: Final = Layout(
    "elf64_sym",
    (
        ("st_name", "u32"),
        ("st_info", "u8"),
        ("st_other", "u8"),
        ("st_shndx", "u16"),
        ("st_value", "u64"),
        ("st_size", "u64"),
    ),
)
ELF64_RELA: Final = Layout("elf64_rela", (("r_offset", "u64"), ("r_info", "u64"), ("r_addend", "s64")))
ELF64_DYN: Final = Layout("Elf64_Dyn", (("d_tag", "s64"), ("d_val", "u64")))
ELF64_NHDR: Final = Layout("elf64_note", (("n_namesz", "u32"), ("n_descsz", "u32"), ("n_type", "u32")))
