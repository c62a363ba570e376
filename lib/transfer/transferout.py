"""Where a file comes from: the source of transfer.put()."""

from transfer import TransferError


def fill(source, view, place):
    """Bytes that the source has put into `view`, no more than place.size asks for."""
    if place.size is not None:
        view = view[: max(0, place.size - place.offset)]
        if not len(view):
            return 0
    try:
        n = source.readinto(view) or 0
    except OSError as e:
        from transferfailure import local

        raise local(e)
    if not n and place.size is not None:
        raise TransferError("store", "source ends at %d of %d bytes" % (place.offset, place.size))
    place.offset += n
    return n


def seek(source, offset):
    """Go to a place in the source."""
    try:
        source.seek(offset)
    except OSError as e:
        from transferfailure import local

        raise local(e)
