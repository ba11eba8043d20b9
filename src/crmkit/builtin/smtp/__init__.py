"""How the channel `email` talks to a mail server: sessions, letters, and what an answer means."""
