"""What servers say, for error texts."""


def clean(words, secrets):
    """A server's words for an error text: printable, short, empty if they hold one of `secrets`."""
    text = "".join([chr(c) if 31 < c < 127 else "?" for c in words[:512]])
    for secret in secrets:
        if secret in text:
            return ""
    return text[:80].strip()
