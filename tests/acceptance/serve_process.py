"""A whole site as a process of its own: `python serve_process.py CONFIG`. Says its address, then serves until told."""

import sys
from pathlib import Path

from syndicate.app.parts import open_site
from syndicate.app.serving import Server
from syndicate.app.stopping import rest, stoppable

with open_site(Path(sys.argv[1])) as app, stoppable() as stop:
    server = Server(app, host="127.0.0.1", port=0)
    server.start()
    print(server.address, flush=True)
    rest(stop)
    server.stop()
