"""Settings of the shop: who sells, and what balances, gift codes and invitations may be."""

from config.env import env_int, env_text

__all__ = [
    "API_CALLS_A_MINUTE",
    "GIFT_CODE_DAYS",
    "INVITE_PERCENT",
    "REFUND_WINDOW_DAYS",
    "SHOP_ADDRESS",
    "SHOP_NAME",
    "SHOP_PHONE",
    "SHOP_TAX_NUMBER",
    "SUPPORT_EMAIL",
    "TOP_UP_LEAST_FEN",
    "TOP_UP_MOST_FEN",
]

# Who sells, as receipts and mails print it; what is empty is not printed.
SHOP_NAME = env_text("SHOP_NAME", "Tickpack")
SHOP_TAX_NUMBER = env_text("SHOP_TAX_NUMBER")
SHOP_ADDRESS = env_text("SHOP_ADDRESS")
SHOP_PHONE = env_text("SHOP_PHONE")
# Where customers answer our mails about their questions (manage.py read_replies); empty: on the page alone. The mail
# server hands what is sent to NAME+anything@ to the same mailbox.
SUPPORT_EMAIL = env_text("SUPPORT_EMAIL")
TOP_UP_LEAST_FEN = env_int("TOP_UP_LEAST_FEN", 1000)  # of one order for the balance
TOP_UP_MOST_FEN = env_int("TOP_UP_MOST_FEN", 500_000)
API_CALLS_A_MINUTE = max(1, env_int("API_CALLS_A_MINUTE", 120))  # of an API key at the shop's own API
GIFT_CODE_DAYS = env_int("GIFT_CODE_DAYS", 365)  # how long a code that was bought can be redeemed
INVITE_PERCENT = env_int("INVITE_PERCENT", 0)  # of what invited customers pay in their first year; 0: no invitations
REFUND_WINDOW_DAYS = env_int("REFUND_WINDOW_DAYS", 7)  # a commission is held for so long
