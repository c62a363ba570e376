"""A signed firmware bundle that is taken apart while it arrives: README.md has the story, docs/bundle.md the format."""


class BundleError(Exception):
    """A bundle that is not installed: `kind`, one word of the table in README.md, and `text`."""

    def __init__(self, kind, text):
        super().__init__(kind, text)
        self.kind = kind
        self.text = text


class Complete(Exception):
    """The list has been read: what follows is for the installation."""
