"""Rules about what comes back: texts in, values out.

What may not happen here: asking a database or a mail server.
"""
