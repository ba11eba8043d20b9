"""One database: engine, transactions, the table prefix and the column types. Only this room opens connections."""
