"""Help: what customers ask, what staff answer, and answers to our mails that come back by mail.

What may happen here: threads of messages, who may write in them, how often, and which mail belongs to which. What may
not: changing an order, a token or an account that a thread is about; staff do that where it stands, by its own verb.
"""
