"""Private functions that are called once go into their callers, and nothing else changes."""

import asyncio

import pytest

from pilotwire.inlining import inline
from pilotwire.shrink import is_private

# Each is run as it is and inlined, with every n; "log" is what it did on the way.
GOES = {
    "statement": """
class A:
    def __init__(self): self.log = []
    def run(self, n):
        self.log.append("before")
        self._note(n)
        self.log.append("after")
        return n
    def _note(self, m):
        if m == 1:
            return
        self.log.append(m)
        m += 5
        self.log.append(m)
""",
    "early returns": """
class A:
    def __init__(self): self.log = []
    def run(self, n):
        self._step(n)
        self.log.append("end")
    def _step(self, n):
        if n < 2:
            if n < 1:
                self.log.append("none")
                return
            self.log.append("one")
            return
        elif n == 2:
            return self.log.append("two")
        self.log.append("many")
""",
    "assignment": """
class A:
    log = []
    def run(self, n):
        x = y = 1
        x = self._of(n + 1, b=4)
        return x, y
    def _of(self, a, b, c=7):
        y = a * b
        if y > 8:
            return y
        return c
""",
    "a function": """
class A:
    log = []
    def run(self, n):
        self.x, y = _pair(n)
        return self.x - y
def _pair(n):
    n = n * 3
    return n, 2
""",
    "test": """
class A:
    log = []
    def run(self, n):
        if n == 4:
            return "four"
        elif not self._odd(n):
            return "even"
        else:
            return "odd"
    def _odd(self, n):
        return n % 2
""",
    "test with two ends": """
class A:
    log = []
    def run(self, n):
        if self._good(n):
            return n
    def _good(self, n):
        if n > 2:
            return True
""",
    "the end": """
class A:
    def __init__(self): self.log = []
    def run(self, n):
        try:
            return self._last(n)
        finally:
            self.log.append("finally")
    def _last(self, n):
        for k in range(4):
            if k == n:
                return "found"
        self.log.append("not found")
""",
    "expression": """
class A:
    log = []
    def run(self, n):
        return [self._twice(n), 1 + n]
    def _twice(self, n):
        return n * 2
""",
    "one into the other": """
class A:
    log = []
    def run(self, n):
        x = self._outer(n)
        return x
    def _outer(self, n):
        n += 1
        x = self._inner(n)
        return x + n
    def _inner(self, n):
        x = n * 2
        return x
""",
    "what it catches": """
class A:
    log = []
    def run(self, n):
        e = 3
        x = self._try(n)
        return x, e
    def _try(self, n):
        x = 1
        try:
            x = 12 // n
        except ZeroDivisionError as e:
            x = str(e)
        return x
""",
    "coroutine": """
class A:
    def __init__(self): self.log = []
    async def run(self, n):
        await self._wait(n)
        return await self._last(n)
    async def _wait(self, n):
        for _ in range(n):
            await asyncio.sleep(0)
            self.log.append(n)
    async def _last(self, n):
        await asyncio.sleep(0)
        return n
""",
}

STAYS = {
    "called twice": "def _f():\n    g()\ndef h():\n    _f()\n    _f()\n",
    "passed on": "def _f():\n    g()\ndef h():\n    k(_f)\n",
    "by name": "class A:\n    def _f(self):\n        g()\n    def h(self):\n        self._f()\n        getattr(self, '_f')\n",
    "with globals": "def _f(n):\n    g()\n    k(n)\ndef h():\n    global x\n    _f(x)\n",
    "recursive": "def _f():\n    _f()\n",
    "public": "def f():\n    g()\ndef h():\n    f()\n",
    "generator": "def _f():\n    yield 1\ndef h():\n    x = _f()\n",
    "inner function": "def _f(n):\n    return [n for _ in x]\ndef h():\n    x = _f(1)\n",
    "call in an inner function": "def _f(n):\n    g(n)\ndef h():\n    return lambda: _f(1)\n",
    "of something else": "class A:\n    def _f(self):\n        g()\n    def h(self, other):\n        other._f()\n",
    "return in a loop": "def _f():\n    for x in g:\n        return x\n    return 1\ndef h():\n    y = _f()\n    k(y)\n",
    "decorated": "class A:\n    @property\n    def _f(self):\n        return 1\n    def h(self):\n        return self._f\n",
    "task of a coroutine": "async def _f():\n    g()\nasync def h():\n    await wait_for(_f(), 3)\n",
    "later in a condition": "def _f(n):\n    g()\n    return n\ndef h(n):\n    if n and _f(n):\n        k()\n",
    "argument with a meaning of its own": "def _f(n):\n    return n + n\ndef h():\n    return 1 + _f(g())\n",
}


def _run(source: str, n: int) -> tuple[object, list]:
    names: dict = {"asyncio": asyncio}
    exec(source, names)
    a = names["A"]()
    try:
        result = a.run(n)
        if asyncio.iscoroutine(result):
            result = asyncio.run(result)
    except Exception as error:
        result = repr(error)
    return result, a.log


@pytest.mark.parametrize("what", GOES)
def test_goes_and_does_the_same(what: str):
    short = inline(GOES[what], is_private)
    assert "def _" not in short.replace("def __init__", "")
    for n in range(5):
        assert _run(short, n) == _run(GOES[what], n)


@pytest.mark.parametrize("what", STAYS)
def test_stays(what: str):
    assert inline(STAYS[what], is_private) == STAYS[what]


def test_locals_of_both_are_kept_apart():
    source = "class A:\n    log = []\n    def run(self, n):\n        x = 1\n        y = self._f(x)\n        return x, y\n"
    source += "    def _f(self, y):\n        x = y + 1\n        y = x + 1\n        return x + y\n"
    short = inline(source, is_private)
    assert short != source and _run(short, 0) == _run(source, 0) == ((1, 5), [])


WAITS = """
import asyncio, weakref
class Large: pass
class A:
    log = []
    async def run(self, n):
        self.seen = []
        self._note(n)
        await asyncio.sleep(0)
        self.log.append([seen() for seen in self.seen])
        if self._fits(n):
            await asyncio.sleep(0)
            self.log.append([seen() for seen in self.seen])
        x = await self._made(n)
        return x.n, [seen() is None for seen in self.seen]
    def _note(self, n):
        what = Large()
        self.seen.append(weakref.ref(what))
    def _fits(self, n):
        part = Large()
        self.seen.append(weakref.ref(part))
        if n > 2:
            return False
        return part is not None
    async def _made(self, n):
        x = other = Large()
        self.seen.append(weakref.ref(Large()))
        x.n = n
        return other
"""


def test_a_coroutine_does_not_keep_what_a_function_would_not_have_kept():
    short = inline(WAITS, is_private)
    assert "def _" not in short
    for n in range(5):
        result, log = _run(short, n)
        assert (result, log) == _run(WAITS, n)
        assert all(held is None for line in log for held in line)
