# SPDX-License-Identifier: MPL-2.0
"""Extended attributes: include/uapi/linux/xattr.h. Their limits are in `limits`."""

from typing import Final

from cruck.abi.layout import Layout

XATTR_CREATE: Final = 1
XATTR_REPLACE: Final = 2

XATTR_OS2_PREFIX: Final = b"os2."
XATTR_MAC_OSX_PREFIX: Final = b"osx."
XATTR_SECURITY_PREFIX: Final = b"security."
XATTR_SYSTEM_PREFIX: Final = b"system."
XATTR_TRUSTED_PREFIX: Final = b"trusted."
XATTR_USER_PREFIX: Final = b"user."
XATTR_NAME_CAPS: Final = b"security.capability"
XATTR_NAME_POSIX_ACL_ACCESS: Final = b"system.posix_acl_access"
XATTR_NAME_POSIX_ACL_DEFAULT: Final = b"system.posix_acl_default"

# setxattrat, getxattrat: Linux 6.13
XATTR_ARGS_SIZE_VER0: Final = 16
XATTR_ARGS: Final = Layout("xattr_args", (("value", "u64"), ("size", "u32"), ("flags", "u32")))
