"""People: who logs in, in which language they are written to, and what staff may see.

What may happen here: a person's own row, signing up and logging in (allauth's adapters), a person's settings. What may
not: anything about money, rights or nodes; those apps stand above and name a person by a foreign key.
"""
