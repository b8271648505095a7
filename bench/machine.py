"""What a result was measured on, in one line."""

import os
import platform
import re
import sqlite3
from pathlib import Path


def machine() -> str:
    """Cores, processor, memory, kernel and versions; how loaded the machine was besides."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    gibibytes = f"{int(memory[1]) / 2**20:.0f} GiB, " if memory else ""
    return (
        f"{os.cpu_count()} cores ({found[1] if found else platform.machine()}), {gibibytes}Linux {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"load {os.getloadavg()[0]:.1f} at the start"
    )
