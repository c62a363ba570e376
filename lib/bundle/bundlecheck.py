"""Is a bundle for this device, and of whom? Asked when its list is there, before anything is touched."""

from bundle import BundleError

_KEY_FORMAT = 1


def check(wanted, board, mpy, least, pair, size=None):
    """BundleError unless it may be installed.

    Args:
        wanted: the List that has read it.
        board: id of the board.
        mpy: .mpy version of the MicroPython that runs.
        least: no older version may be installed, "" for any.
        pair: can the board take a MicroPython image?
        size: of the whole bundle, as far as the server has told.
    """
    head = wanted.head
    if board not in head["boards"]:
        raise BundleError("board", "it is for " + ", ".join([str(name) for name in head["boards"]])[:80])
    if head.get("image"):
        if not pair:
            raise BundleError("board", "it has an image of MicroPython, and this board can not change its own")
    elif head["mpy"] != mpy:
        raise BundleError("mpy", "it is for .mpy version %d.%d" % (head["mpy"] & 0xFF, head["mpy"] >> 8))
    if number(head["version"]) < number(least):
        raise BundleError("version", "%s is older than %s" % (head["version"], least))
    end = wanted.end + head["bytes"]
    if size is not None and size != end:
        raise BundleError("size", "it has %d bytes in place of %d" % (size, end))


def verify(wanted, key, unsigned):
    """Steps: BundleError unless it is signed by the key, the bytes of /update.pub; `unsigned`: no signature will do."""
    if not wanted.signature:
        if unsigned:
            return
        raise BundleError("signature", "it is not signed")
    if not key or key[0] != _KEY_FORMAT:
        raise BundleError("signature", "there is no key to check it with")
    import rsa  # not for the rest

    encoded = yield from rsa.recover(
        int.from_bytes(key[5:], "big"), int.from_bytes(key[1:5], "big"), wanted.signature
    )
    if encoded is None or not rsa.is_pkcs1(encoded, wanted.digest):
        raise BundleError("signature", "it is not signed by the key of this device")


def number(version):
    """"1.20.3rc1" -> [1, 20, 3], to compare."""
    parts = []
    for part in version.split("."):
        digits = ""
        for c in part:
            if not c.isdigit():
                break
            digits += c
        parts.append(int(digits or 0))
    return parts
