"""When: the occasions that dates of the calendar and of patients' lives give."""
