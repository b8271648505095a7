"""What the public can fetch: clippings as feed entries, the feeds as ready documents, and the same bytes as files.

Knows nothing of HTTP: `syndicate.web` serves what this package makes.
"""
