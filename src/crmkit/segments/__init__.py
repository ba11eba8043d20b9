"""Whom: the rule, its text, its SQL and its words."""
