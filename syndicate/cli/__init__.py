"""The command line. One file a noun; `entry` runs it and turns every failure into one line and an exit status.

Commands import what they need when they run, so that `syndicate --help` answers at once.
"""
