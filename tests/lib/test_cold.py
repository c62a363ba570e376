# Cold modules: what they took is free again after their job.
import gc
import sys

import cold

SOURCE = "class Job:\n    table = b'%s'\n" % ("x" * 4000)


def write(name, text):
    with open(name, "w") as f:
        f.write(text)


def used():
    for _ in range(3):
        gc.collect()
    return gc.mem_alloc()


def test_module_is_gone():
    import os

    write("cold_one.py", SOURCE)
    sys.path.append("")
    before = used()
    module = cold.load("cold_one")
    assert len(module.Job.table) == 4000
    cold.drop("cold_one")
    assert "cold_one" not in sys.modules
    module = None
    os.remove("cold_one.py")
    assert used() - before < 1500  # interned names stay


# An allocation that fails collects too late, deep in the loader: where memory is short, what is dead is gone before.
def test_short_memory_is_collected_first():
    import os

    write("cold_short.py", "import gc\nFREE = gc.mem_free()\n")
    sys.path.append("")
    gc.collect()
    gc.disable()
    try:
        while gc.mem_free() << 3 >= gc.mem_alloc():
            bytes(1000)
        short = gc.mem_free()
        assert cold.load("cold_short").FREE > short + 4000
    finally:
        gc.enable()
    cold.drop("cold_short")
    os.remove("cold_short.py")


def test_part_of_a_package():
    import os

    os.mkdir("cold_two")
    write("cold_two/part.py", "X = 7\n")
    module = cold.load("cold_two.part")
    assert module.X == 7
    cold.drop("cold_two.part")
    assert not hasattr(sys.modules["cold_two"], "part")
    write("cold_two/part.py", "X = 8\n")
    assert cold.load("cold_two.part").X == 8
    cold.drop("cold_two.part")
    os.remove("cold_two/part.py")
    os.rmdir("cold_two")


def test_missing():
    try:
        cold.load("cold_nothing")
        raise AssertionError("no error")
    except ImportError:
        pass
    cold.drop("cold_nothing")


def test_call():
    import os

    write("cold_three.py", "def add(a, b):\n    return a + b\n\ndef fail():\n    raise ValueError('x')\n")
    assert cold.call("cold_three", "add", 2, 3) == 5
    assert "cold_three" not in sys.modules
    try:
        cold.call("cold_three", "fail")
        raise AssertionError("no error")
    except ValueError:
        pass
    assert "cold_three" not in sys.modules
    os.remove("cold_three.py")
