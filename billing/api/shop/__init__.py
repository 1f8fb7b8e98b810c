"""The API for programs of buyers, below /api/v1/shop/: plans, orders, balance, rights, tokens.

What may happen here: reading a request, one call of a service or a selector, and the answer. What may not: rules, and
anything that the pages could not do as well. docs/shop-api.md is what buyers read; its promise of compatibility binds.
"""
