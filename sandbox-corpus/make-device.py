# Makes a device file for a disk. outside: root
import os
import stat

path = os.path.join(os.environ["CORPUS_TMP"], "disk")
try:
    os.mknod(path, 0o600 | stat.S_IFBLK, os.makedev(7, 0))
    os.unlink(path)
    print("ESCAPED made")
except OSError as error:
    print("HELD", error)
