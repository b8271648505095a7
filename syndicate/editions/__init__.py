"""An edition's life: what goes in (plan), when it is due (schedule), and how it is made, frozen, sent and reported.

`lifecycle.Editions` is the room's front door."""
