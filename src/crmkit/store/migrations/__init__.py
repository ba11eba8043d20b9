"""How the tables came to be what they are: one file in `versions` for each revision, never changed once released.

To change a table: change its declaration, write the next file in `versions` in the words of `change.py`, and set `HEAD`
in `version.py`. `tests/test_store_migrations.py` tells what still differs between the two. The order of states is such
a change too: its revision drops the triggers and makes them anew.
"""
