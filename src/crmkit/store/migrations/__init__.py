"""How the tables came to be what they are: one file in `versions` for each revision, never changed once released."""
