"""A signed firmware bundle that is taken apart while it arrives: README.md has the story, docs/bundle.md the format."""

import json


class BundleError(Exception):
    """A bundle that is not installed: `kind`, one word of the table in README.md, and `text`."""

    def __init__(self, kind, text):
        super().__init__(kind, text)
        self.kind = kind
        self.text = text


class Complete(Exception):
    """The list has been read: what follows is for the installation. Has what bundlecheck asks, so that the List may go."""

    def __init__(self, head, digest, signature, end):
        super().__init__()
        self.head = head
        self.digest = digest
        self.signature = signature
        self.end = end


def entry(line):
    """(name, size, SHA-256 in hexadecimal) of a line of the list; BundleError."""
    try:
        name, size, digest = json.loads(line)
        # It leads nowhere but into the slot.
        if not name or name[0] == "/" or ".." in name or "\0" in name or size < 0 or len(digest) != 64:
            raise ValueError
    except (ValueError, TypeError, IndexError):
        raise BundleError("format", "its list can not be read")
    return name, size, digest
