"""The bench page: see, touch and script wallboxes and their central system in a browser.

    bench = Bench(central)                    # what is on it; either half may be missing
    bench.add("CP1", supervisor)
    async with PageServer(bench) as page:     # http://127.0.0.1:8180
        print(page.url)

`bench` knows what is to be seen and carries out what is asked, `recorder` writes that down as a scenario, `views` and `patch`
make small JSON of it, `forms` are the forms of all messages, `server` speaks HTTP and WebSocket; the rest is in `static/`.
"""

from pilotwire.page.bench import Bench
from pilotwire.page.server import PageServer

__all__ = ["Bench", "PageServer"]
