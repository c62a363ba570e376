# Runs inside MicroPython: calls the tests of one file and prints one record for each on stdout,
# "\x1e" and a JSON line: {"name", "ok", "error"}. Started by plugin.py.
import builtins
import gc
import io
import json
import sys
import time

_RECORD = "\x1e"
_PIECE = 4096

# Where a test that hands in its own time should begin: five seconds before the wrap under --near-wrap.
START_MS = 0

_values = None
_open = open
_files = []  # that are open, perhaps


def compare(left, operator, right):
    """What `assert left operator right` asks; keeps the two values for `why`."""
    global _values
    if operator == "==":
        ok = left == right
    elif operator == "!=":
        ok = left != right
    elif operator == "<":
        ok = left < right
    elif operator == "<=":
        ok = left <= right
    elif operator == ">":
        ok = left > right
    elif operator == ">=":
        ok = left >= right
    elif operator == "is":
        ok = left is right
    elif operator == "is not":
        ok = left is not right
    elif operator == "in":
        ok = left in right
    else:
        ok = left not in right
    if not ok:
        _values = (left, operator, right)
    return ok


def why():
    global _values
    left, operator, right = _values
    _values = None
    return "%s %s %s" % (_short(left), operator, _short(right))


def _short(value):
    text = repr(value)
    return text if len(text) <= 400 else text[:400] + "... (%d characters)" % len(text)


def _emit(**record):
    sys.stdout.write(_RECORD + json.dumps(record) + "\n")


def _text(error):
    out = io.StringIO()
    sys.print_exception(error, out)
    return out.getvalue()


async def _nothing():
    pass


def _noted(*args):
    """What open() is for the tests."""
    _left_open()
    file = _open(*args)
    _files.append(file)
    return file


def _left_open():
    """How many files are open; in place and without a name of each, since this lives in the heap of the test."""
    for i in range(len(_files) - 1, -1, -1):
        try:
            _files[i].tell()
        except ValueError:
            _files.pop(i)
    return len(_files)


def _drive(function, arguments):
    import asyncio

    loop = asyncio.new_event_loop()
    failed = []
    loop.set_exception_handler(lambda loop, context: failed.append(context["exception"]))
    asyncio.run(function(*arguments))
    asyncio.run(_nothing())  # a task that died unseen is reported one turn later
    asyncio.new_event_loop()  # what still runs goes away
    if failed:
        raise failed[0]


def _lines(path):
    """The lines of a file as they are needed: as one list they would take more of the heap than a test."""
    with _open(path) as file:
        yield from file


def _begin_table():
    """All names stand in tables that double when they are full: those of tests would make the firmware's double in a test."""
    number = 0
    while True:
        used = gc.mem_alloc()
        hasattr(sys, "~%d" % number)
        number += 1
        if gc.mem_alloc() - used > 4096:
            return


def _load(stand_ins, under_test, module, room):
    """(the test file, what is left of the room for what is no part of the firmware: taken, so that this has the chip's heap)."""
    used = gc.mem_alloc()
    for name in stand_ins:
        __import__(name)
    gc.collect()
    used -= gc.mem_alloc()
    for name in under_test:
        __import__(name)
    gc.collect()
    used += gc.mem_alloc()
    module = __import__(module)
    if not room:  # a board: its heap is what it is
        return module, None
    _begin_table()
    gc.collect()
    left = room + used - gc.mem_alloc()
    if left < 0:
        raise MemoryError("the file holds %d bytes more than it has room for (`# room:`)" % -left)
    return module, [bytearray(_PIECE) for _ in range(left // _PIECE)]


def main(module, near_wrap, items, room=0):
    """items: file with [stand-ins, modules of the firmware that the test imports], then [name, function, number of parameters,
    table or null, row or null, is it async?] in a line per item. room: bytes of the heap for what is no part of the firmware;
    0: there is none."""
    global START_MS
    builtins.open = _noted
    if near_wrap:
        START_MS = (1 << 30) - 5000
    try:
        import canary

        try:
            canary.test_canary()
        except AssertionError:
            pass
        else:
            _emit(broken="asserts are not alive: the canary, a test that must fail, has passed")
            return
        lines = _lines(items)
        stand_ins, under_test = json.loads(next(lines))
        module, _left = _load(stand_ins, under_test, module, room)
    except Exception as error:
        _emit(broken=_text(error))
        return
    for line in lines:
        name, function, parameters, table, row, is_async = json.loads(line)
        _files.clear()
        gc.collect()
        if START_MS:
            time.start(START_MS)
        if hasattr(time, "speed"):
            time.speed(0)  # the virtual clock jumps from one due time to the next
        at = row
        try:
            function = getattr(module, function)
            rows = [None] if table is None else getattr(module, table)
            for at, case in enumerate(rows):
                if row is not None and at != row:
                    continue
                arguments = () if table is None else (case,) if parameters == 1 else case
                if is_async:
                    _drive(function, arguments)
                else:
                    function(*arguments)
            # What is left to the collector stays open till then; collected within a call of LittleFS, it damages that.
            assert not _left_open(), "a file was left open"
        except Exception as error:
            _emit(name=name, ok=False, error=_text(error), row=None if table is None else at)
        except SystemExit as error:
            _emit(name=name, ok=False, error="SystemExit: the test called sys.exit(%r)" % error.args)
        else:
            _emit(name=name, ok=True)
