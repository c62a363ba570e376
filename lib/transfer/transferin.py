"""Where a file goes to: the sink of transfer.get()."""

from transfer import TransferError


def store(sink, piece, place):
    """Hand a piece to the sink."""
    try:
        sink.write(piece)
    except OSError as e:
        from transferfailure import local

        raise local(e)
    place.offset += len(piece)


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
    place.size = None
