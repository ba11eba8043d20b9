"""The page: one self-contained HTML file with tables and plots."""
