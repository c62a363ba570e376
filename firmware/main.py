# Starts the app in the directory that boot.py chose. Never updated over the air.
import sys

import app

app.main(sys.path[0][1:])
