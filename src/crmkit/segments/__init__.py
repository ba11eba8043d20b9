"""Whom: the rule, its text, its SQL and its words.

A segment is a small tree of values (`tree`). It is read from a line of text (`text`) or from JSON (`form`), fitted to
the fields that exist (`catalogue`), and compiled to one condition over the patient table (`condition`).
"""
