"""Plays a whole site: sample clippings and subscribers, a mail catcher as relay, real HTTP and real SMTP."""

from syndicate.demo.play import run_demo

__all__ = ["run_demo"]
