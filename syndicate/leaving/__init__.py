"""Leaving, and making it last: `goodbye` by the pages, `erasing` for good, `catching_up` after a restore."""
