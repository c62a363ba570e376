"""Tables in text files, whatever falls onto the border of a block."""

import table

LONG = "x" * 700


def written(text):
    with open("table.txt", "w") as f:
        f.write(text)
    return "table.txt"


CASES_FIND = [
    ("first", "a 1\nb 2\n", "a", "1"),
    ("last without an end", "a 1\nb 2", "b", "2"),
    ("blanks in the rest", "a one two \n", "a", "one two "),
    ("empty rest", "a \nb 2\n", "a", ""),
    ("none", "a 1\nb 2\n", "c", None),
    ("a beginning only", "alpha 1\n", "alp", None),
    ("an end only", "alpha 1\n", "ha", None),
    ("not at the start of a line", "a b 1\nb 2\n", "b", "2"),
    ("empty file", "", "a", None),
    ("longer than blocks", "b 2\na " + LONG + "\nc 3\n", "a", LONG),
    ("behind a long line", "a " + LONG + "\nc 3\n", "c", "3"),
    ("not ASCII", "a Caf\u00e9\n", "a", "Caf\u00e9"),
]


def test_find(label, text, name, wanted):
    assert table.find(written(text), name) == wanted


# Wherever a name falls between two blocks of 256 bytes.
def test_borders():
    for filler in range(230, 270):
        path = written("f" + " " * filler + "\nname the rest\nz 1\n")
        assert table.find(path, "name") == "the rest", filler
        assert list(table.lines(path))[1:] == ["name the rest", "z 1"], filler


CASES_LINES = [
    ("empty", "", []),
    ("ended", "a\n\nb\n", ["a", "", "b"]),
    ("not ended", "a\nb", ["a", "b"]),
    ("long", LONG + "\n" + LONG, [LONG, LONG]),
]


def test_lines(label, text, wanted):
    assert list(table.lines(written(text))) == wanted
