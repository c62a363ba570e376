# Starts the app in the directory that boot.py chose. Never updated over the air.
import sys

import cold

wallbox = cold.call("start", "make", sys.path[0][1:])

import app  # noqa: E402  (what start needed is free again by now)

app.run(wallbox)
