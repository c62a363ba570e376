"""Small files in one directory: a write leaves the old content or the new, never half of it."""

import os

_ENOENT = 2


class Store:
    """Files under `root`, which is made when it is missing."""

    def __init__(self, root):
        self._root = root.rstrip("/") + "/"
        try:
            os.mkdir(self._root[:-1])
        except OSError:
            pass  # it is there; if not, the first write says so

    def path(self, name):
        """Path of `name`; ValueError for a name that leaves the root or belongs to a write."""
        if not name or "/" in name or "\0" in name or name in (".", "..") or name[-1] == "~":
            raise ValueError("bad file name")
        return self._root + name

    def read(self, name, most=-1):
        """Content as bytes, at most so many; None when there is no such file."""
        try:
            with open(self.path(name), "rb") as f:
                if most < 0:
                    most = f.seek(0, 2)  # read() alone takes twice as much memory, for a while
                    f.seek(0)
                return f.read(most)
        except OSError as e:
            if e.args[0] != _ENOENT:
                raise
            return None

    def write(self, name, data):
        """Replace the content; OSError (disk full) leaves the old one."""
        path = self.path(name)
        temporary = path + "~"
        try:
            with open(temporary, "wb") as f:
                f.write(data)
            os.rename(temporary, path)
        except OSError:
            self._unlink(temporary)  # a full disk must not stay full because of us
            raise

    def remove(self, name):
        """Remove the file if it is there."""
        self._unlink(self.path(name))

    def _unlink(self, path):
        try:
            os.remove(path)
        except OSError as e:
            if e.args[0] != _ENOENT:
                raise
