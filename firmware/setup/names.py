# Cold: the name server of set-up mode, which gives our own address for every name. Sans-I/O (RFC 1035).
_A = b"\0\1\0\1"  # type A, class IN


def answer(query, address):
    """The reply to `query`, with `address` of four bytes; None for what is no question."""
    if len(query) < 17 or query[2] & 0xF8 or query[4:6] != b"\0\1":
        return None
    end = 12
    while end < len(query) and query[end]:
        end += query[end] + 1
    end += 5
    if end > len(query):
        return None
    found = query[end - 4 : end] == _A  # for AAAA and the like: the name is there, but has none
    head = query[:2] + b"\x85\x80\0\1" + (b"\0\1" if found else b"\0\0") + b"\0\0\0\0"
    # Not to be remembered (0 s): at home the name means somebody else.
    return head + query[12:end] + (b"\xc0\x0c" + _A + b"\0\0\0\0\0\4" + address if found else b"")
