"""A sink or source that goes to another place of the file. Loaded for that."""

from transfer import TransferError


def restart(sink, place):
    """Begin again: the file is not the one that was begun."""
    if not hasattr(sink, "restart"):
        raise TransferError("changed", "the file has changed since it was begun")
    try:
        sink.restart()
    except OSError as e:
        from transferfailure import local

        raise local(e)
    place.offset = 0
    place.mark = ""


def seek(source, offset, place):
    """Go to a place in the source."""
    try:
        source.seek(offset)
    except OSError as e:
        from transferfailure import local

        raise local(e)
    place.offset = offset
