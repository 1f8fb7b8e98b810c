"""Pages for the public and for buyers.

What may happen here: reading what was asked, one call of a service or of selectors, and drawing the answer in the
visitor's language. What may not: rules. Whether something can be bought, who may see it and what becomes of it is
decided below, where the API asks the same question.
"""
