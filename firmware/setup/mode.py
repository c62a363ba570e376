# Cold: set-up mode. The charge point does not run in it: there is an access point, a name server that knows only us, and one
# page, on which everything can be set. It ends with a restart.
import asyncio
import gc
import json
import os

import ticks
from microdot import Microdot, Request, Response
from setup import form, names, page

_TICK_MS = 100
_REPORT_MS = 60000
_IDLE_MS = 600000  # without a request
_GOODBYE_MS = 2000  # for the last page to arrive
_MAX_FORM = 6144
_LETTERS = "abcdefghjkmnpqrstuvwxyz123456789"  # 32 that cannot be taken for each other


def password(settings):
    """What the access point asks for: of this charger alone; made here if nobody has set it."""
    if not settings.get("SetupPassword"):
        settings.set("SetupPassword", "".join([_LETTERS[n & 31] for n in os.urandom(10)]))
    return settings.get("SetupPassword")


class Mode:
    """`access` is a port.access_point; `lasting`: there is nothing to go back to, so it does not end when nobody comes;
    `tell` gets the facts of the line "@{...}" that a monitor reads."""

    def __init__(self, board, settings, access, clock, lasting, tell):
        self.board = board
        self.settings = settings
        self.access = access
        self.clock = clock
        self.lasting = lasting
        self.tell = tell
        self.address = "http://%s/" % access.ADDRESS
        self.token = "".join(["%02x" % n for n in os.urandom(8)])  # only our own page may save
        self.seen_ms = clock.now_ms()
        self.saved = False

    def app(self):
        """The page as an application of microdot."""
        app = Microdot()
        Request.max_content_length = Request.max_body_length = _MAX_FORM
        Response.default_content_type = "text/html; charset=UTF-8"

        @app.before_request
        async def first(request):
            self.seen_ms = self.clock.now_ms()
            # Phones look for a captive portal under names of their own; the redirect is how they find it.
            if request.headers.get("Host") != self.access.ADDRESS:
                return Response.redirect(self.address)

        @app.get("/")
        async def show(request):
            return page.whole(self.settings, {}, {}, self.token)

        @app.post("/")
        async def save(request):
            fields = request.form or {}
            if fields.get("token") != self.token:
                return "open the page again", 403
            changes, wrong = form.check(self.settings, fields)
            if wrong:
                return page.whole(self.settings, fields, wrong, self.token), 422
            form.keep(self.settings, changes)
            self.saved = True
            return page.saved(self.settings)

        @app.errorhandler(404)
        async def other(request):
            return Response.redirect(self.address)

        return app

    async def run(self):
        """Until something was saved, or nobody comes."""
        key = password(self.settings)
        self.access.start(key)
        tasks = [asyncio.create_task(self.app().start_server(port=80))]
        tasks.append(asyncio.create_task(self.access.names(names.answer)))
        fact = {"network": self.access.name, "password": key, "address": self.address}
        told_ms = None
        while not self.saved:
            now = self.clock.now_ms()
            self.board.feed()
            self.board.led("Setup")
            if told_ms is None or ticks.diff(now, told_ms) >= _REPORT_MS:
                told_ms = now
                gc.collect()
                self.tell(fact)
            if not self.lasting and ticks.diff(now, self.seen_ms) >= _IDLE_MS:
                return
            for task in tasks:
                if task.done():
                    await task  # raises what it died of
            await asyncio.sleep_ms(_TICK_MS)
        self.board.feed()
        await asyncio.sleep_ms(_GOODBYE_MS)


def run(board, settings, access, clock, lasting, version, slot):
    """Set-up mode from its start to the restart; see Mode."""

    def tell(fact):
        told = {"version": version, "slot": slot, "setup": fact, "heap": gc.mem_alloc()}
        print("@" + json.dumps(told))

    gc.collect()
    clock.hold(1)  # a person is waited for
    asyncio.run(Mode(board, settings, access, clock, lasting, tell).run())
    board.restart("provisioned")
