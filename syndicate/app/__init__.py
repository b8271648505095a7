"""The wiring: the only place that builds parts from a configuration and hands each what it needs."""
