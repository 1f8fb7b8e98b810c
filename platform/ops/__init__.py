"""Pages and figures for operators.

What may happen here: asking every app how it stands, and drawing the answer. What may not: rules, and verbs of its own;
what an operator changes is changed by the services of the app that it belongs to.
"""
