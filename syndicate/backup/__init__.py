"""Back-up and restore: one file that holds a whole copy of the database and says what is in it and what is not.

Rooms: `manifest` (what the file says of itself), `archive` (the file), `facts` (what a database holds), `sqlite` and
`postgres` (how a copy is made and put back), `making` and `restoring` (the two ways through), `checking` (is it sound).
"""
