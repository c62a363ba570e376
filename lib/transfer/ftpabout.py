"""What is asked of a file over FTP. A part, loaded for that."""

from ftpreply import command


async def about(session):
    """(size or None, time of modification or "") of the file."""
    total = None
    mark = ""
    if await command(session, b"SIZE " + session.path) == 213:
        total = size(session.text)
    if await command(session, b"MDTM " + session.path) == 213 and len(session.text) < 32:
        from transferwords import clean

        mark = clean(session.text, ())
    return total, mark


def size(text):
    """Number in the reply to SIZE; None if there is none."""
    text = text.strip()
    n = int(text) if text.isdigit() and len(text) <= 10 else -1
    return n if 0 <= n < 1 << 30 else None
