"""The outbox's verbs: rows are said and delivered (`sending`), reports are read (`reports`)."""
