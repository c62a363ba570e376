"""Long computations in short steps: a generator that yields between them and returns the result.

    ok = await steps.finish(rsa.verify(...))      other tasks run between the steps
    ok = steps.run(rsa.verify(...))               all at once: tests, the desktop

`await` on such a generator itself would lose the task: MicroPython's scheduler knows nothing of a plain `yield`.
"""


def run(generator):
    """What the generator returns, after all of its steps."""
    try:
        while True:
            next(generator)
    except StopIteration as end:
        return end.value


async def finish(generator):
    """The same, and whoever waits for the processor gets it after each step."""
    import asyncio

    try:
        while True:
            next(generator)
            await asyncio.sleep(0)
    except StopIteration as end:
        return end.value
