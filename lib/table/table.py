# Text files that are tables: lines of a NAME, a blank and the rest. Read in blocks, since readline takes a byte at a time.
_BLOCK = 256


def find(path, name):
    """The rest of the first line that begins with `name` and a blank, or None."""
    wanted = ("\n" + name + " ").encode()
    with open(path, "rb") as f:
        text = b"\n"
        while True:
            at = text.find(wanted)
            end = text.find(b"\n", at + 1)
            if at >= 0 and end >= 0:
                return text[at + len(wanted) : end].decode()
            block = f.read(_BLOCK)
            if not block:
                return None if at < 0 else text[at + len(wanted) :].decode()
            text = text[at if at >= 0 else -len(wanted) :] + block


def lines(path):
    """Every line, without its end; a generator, to be closed by who does not ask for all: the file stays open till then."""
    with open(path, "rb") as f:
        text, at = b"", 0
        while True:
            end = text.find(b"\n", at)
            if end >= 0:
                yield text[at:end].decode()
                at = end + 1
                continue
            block = f.read(_BLOCK // 2)  # beside what the lines are for
            if not block:
                break
            text, at = text[at:] + block, 0
        if at < len(text):
            yield text[at:].decode()
