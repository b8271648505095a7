"""Clippings: filed once, then a page, a feed entry and a line in a digest. `store` is the room's front door."""
