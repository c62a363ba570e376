"""Short private names: the module does the same, and its lines stay where they are."""

import pytest

from pilotwire.errors import PilotwireError
from pilotwire.shrink import keywords, short_arguments, shrink, without_unused

SOURCE = '''\
"""Docstring with _secret in it."""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_LIMIT = const(3)
PUBLIC = const(4)  # public


def _helper(_first, second=1):
    return _first + second


class Box:
    def __init__(self):
        self._secret = _helper(_LIMIT)
        self.open = f"{self._secret}"

    def _hidden(self, other):
        for _ in range(2):
            other._theirs()
        return getattr(self, "_by_name", None), self._secret

    def read(self):
        self._by_name = 1
        return self._hidden(Other())


class Other:
    def _theirs(self):
        pass
'''


def run(text):
    space: dict = {"const": lambda value: value}
    exec(text, space)
    return space


def test_names_are_short_and_lines_stay():
    small = shrink(SOURCE, "x.py")
    assert "_helper" not in small and "_first" not in small and "_hidden" not in small
    assert "self._secret" in small, "a name in an f-string stays"
    assert "_by_name" in small, "a name that stands in a string stays"
    assert "micropython" not in small
    assert len(small.splitlines()) == len(SOURCE.splitlines())
    assert small.splitlines().index("class Box:") == SOURCE.splitlines().index("class Box:")


def test_the_module_does_the_same():
    box = run(shrink(SOURCE, "x.py"))["Box"]()
    assert box.open == "4"
    assert box.read() == (1, 4)


def test_names_of_others_stay():
    small = shrink("import asyncio\n\n\ndef _wait(s):\n    return asyncio.core._io_queue.queue_read(s)\n", "x.py")
    assert "core._io_queue" in small and "_wait" not in small


def test_short_names_do_not_hit_names_in_use():
    small = shrink("_a = 1\n_long = 2\n_b = _long\n", "x.py")
    space = run(small)
    assert space["_a"] == 1 and space["_b"] == 2


def test_inheritance_across_modules_is_refused():
    with pytest.raises(PilotwireError, match="inherits from Base"):
        shrink("from x import Base\n\n\nclass A(Base):\n    pass\n", "a.py")
    shrink("class A(Exception):\n    def f(self):\n        self._own = 1\n", "a.py")


ARGUMENTS = '''\
def add(first, second, option=1):
    third = first + second
    return third * option


def nested(outer, other):
    def inner(value):
        return value + outer

    return inner(other)


def shown(named, print=print):
    return f"{named}"


class Box:
    def put(self, content, label="\u00e9"):
        self.content = content; self.label = label
        return [content for _ in range(2)]


result = add(1, 2, option=3), nested(1, 2), shown(4), Box().put(5), Box().content if False else 6
'''


def test_arguments_are_short_where_nobody_names_them():
    passed = keywords([ARGUMENTS])
    assert passed == {"option"}
    small = short_arguments(ARGUMENTS, passed, ["first", "a", "b", "c"], free={"outer"})
    assert "(a, b, option=1)" in small and "second" not in small and "content)" not in small
    assert "outer" in small and "named" in small and "self.content = " in small
    assert run(small)["result"] == run(ARGUMENTS)["result"] == (9, 3, "4", [5, 5], 6)
    assert short_arguments(ARGUMENTS, {"**"}, ["a"]) == ARGUMENTS


def test_what_nobody_names_goes():
    text = "class A:\n    def __init__(self): self.f()\n    def f(self): pass\n    def g(self): k()\n"
    text += "def k(): pass\ndef m(): pass\n"
    assert without_unused(text, {"m"}) == "def m():\n    pass"
    left = without_unused(text, {"A", "g"})
    assert all(f"def {name}" in left for name in ("__init__", "f", "g", "k")) and "def m" not in left
    left = without_unused(text, {"A"})
    assert "def f" in left and "def g" not in left and "def k" not in left, "what only it has used goes with it"
