"""Makes the names in a folder survive a power cut, where the file system can do that, and knows what some lack.

Invariant: a file system that does not offer this is not a reason to fail. It writes names by its own rules, and to wait
or to give up would not change them.
"""

from __future__ import annotations

import errno
import os

NOT_OFFERED = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""What fsync of a folder says where there is none: EINVAL on CIFS and 9p, the others on FUSE. PostgreSQL and the usual
backup programs pass over it too."""

NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})
"""What a hard link says on file systems without them: EPERM on FAT, the others on CIFS, FUSE and unions of folders."""


def sync_folder(descriptor: int) -> None:
    """Write the names in an open folder to the disk.

    Raises:
        OSError: The disk failed. That the file system does not offer this is passed over.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NOT_OFFERED:
            raise
