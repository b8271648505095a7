"""What is looked at before an edition goes: each check a small function over the composed mail and the site's facts.

`examination.examine` is the room's front door. Nothing here touches a network or a database but `reach` and `spam`,
which are asked for by name."""
