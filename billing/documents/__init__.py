"""Files that people take away. What may happen here: rows in, text out. What may not: asking the database."""
