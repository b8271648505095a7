"""The sender of a site as a process of its own, with a short lease: `python sender_process.py CONFIG`.

Ends by itself when its standard input does, so that no test can leave one behind."""

import sys
from pathlib import Path

from syndicate.app.parts import open_site
from syndicate.engine.embedded import EmbeddedSender
from syndicate.sender.process import Times

TIMES = Times(lease=1.5, poll=0.05, stop=5.0)

with open_site(Path(sys.argv[1])) as app:
    engine = EmbeddedSender(lambda: app.sender(TIMES), first=0.2)
    engine.start()
    sys.stdin.read()
    engine.stop()
