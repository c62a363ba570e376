# Starts the app in the directory that boot.py chose. Never updated over the air.
import sys

import cold

wallbox = cold.load("start").make(sys.path[0][1:])
cold.drop("start")

import app  # noqa: E402  (loaded by start, and what start alone needed is free again)

app.run(wallbox)
