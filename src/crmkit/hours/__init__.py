"""When one may write: the lawful window of wherever the recipient may be, the practice's week and its quiet days."""
