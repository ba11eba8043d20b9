"""The audit trail: one signed link for each transaction, over the rows that it wrote."""
