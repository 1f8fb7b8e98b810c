"""What the shop says to everybody: texts that a seller edits, what stands in the foot of a page, announcements.

What may happen here: keeping every version of a text with who wrote it and when, drawing Markdown without HTML, saying
an announcement to pages, open sockets and mailboxes at once. What may not: deciding what anybody may follow or owes,
or changing what was said once; a correction is another version, or another update.
"""
