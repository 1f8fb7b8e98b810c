"""A customer's access tokens: seen, made, replaced and revoked, each by itself."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import may
from accounts.models import ApiKey, Customer
from billing import selectors
from billing.api.shop import shown
from billing.api.shop.base import ShopView, customer_of, described, said
from billing.api.shop.serializers import Strict
from billing.errors import BadTokenRequest, TokenGone, TooManyTokens
from billing.services import tokens
from billing.services.holdings import holdings
from kernel.clock import utc_now
from kernel.instruments import BadSymbol
from nodes.errors import NoSuchGroup
from nodes.models import NodeGroup


class TokenNode(serializers.Serializer[Any]):
    node = serializers.CharField()
    ws_url = serializers.CharField()
    http_url = serializers.CharField()


class CurrentToken(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField(help_text="empty: the main one, which came with the first pack")
    symbols = serializers.ListField(
        child=serializers.CharField(), help_text="the only ones that it follows; empty: whatever you may"
    )
    issued = serializers.DateTimeField()
    expires = serializers.DateTimeField()
    last_used = serializers.DateTimeField(allow_null=True, help_text="as nodes report it, a minute or so behind")
    token = serializers.CharField(allow_null=True, help_text="null without the scope `tokens`")


class OldToken(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    works_until = serializers.DateTimeField()


class TokenShown(serializers.Serializer[Any]):
    """The tokens of a node group; `current` is the first of `tokens`, null where all were revoked."""

    group = serializers.CharField()
    nodes = TokenNode(many=True)
    current = CurrentToken(allow_null=True)
    tokens = CurrentToken(many=True)
    replaced = OldToken(many=True, help_text="replaced ones that still work")


class TokenNamed(Strict):
    """Which token of a group is meant."""

    id = serializers.CharField(required=False, max_length=32, help_text="one of `tokens`; of revoke, all without it")


class NewToken(Strict):
    """A token beside those that there are; without a name the main one, where there is none."""

    name = serializers.CharField(required=False, max_length=40)
    symbols = serializers.ListField(child=serializers.CharField(max_length=32), required=False, max_length=50)


class TokensShown(serializers.Serializer[Any]):
    items = TokenShown(many=True)


class Tokens(ShopView):
    @described("shop_tokens", {200: TokensShown})
    def get(self, request: Request) -> Response:
        """List your access tokens by node group; the texts need the scope `tokens`."""
        readable = may(request, ApiKey.Scope.TOKENS)
        held = holdings(customer=customer_of(request), now=utc_now())
        return Response({"items": [shown.token(one, readable=readable) for one in held]})


class _TokenVerb(ShopView):
    scopes = {"POST": ApiKey.Scope.TOKENS}


class Rotate(_TokenVerb):
    @described(
        "shop_rotate_token", {200: TokenShown}, errors=(NoSuchGroup, TooManyTokens, TokenGone), request=TokenNamed
    )
    def post(self, request: Request, group: str) -> Response:
        """Replace a group's token, the current one unless `id` names another; the old one works for 24 hours more."""
        customer = customer_of(request)
        own, wanted = _own_group(customer, group), said(TokenNamed, request)
        tokens.rotate_token(customer=customer, group=own, jti=wanted.get("id"), now=utc_now())
        return _tokens_of(customer, group)


class Revoke(_TokenVerb):
    @described("shop_revoke_tokens", {200: TokenShown}, errors=(NoSuchGroup, TokenGone), request=TokenNamed)
    def post(self, request: Request, group: str) -> Response:
        """End the token that `id` names at once, without it every one of the group; their sockets are closed."""
        customer, now = customer_of(request), utc_now()
        own, wanted = _own_group(customer, group), said(TokenNamed, request)
        if "id" in wanted:
            tokens.revoke_token(customer=customer, group=own, jti=wanted["id"], now=now)
        else:
            tokens.revoke_tokens(customer=customer, group=own, now=now)
        return _tokens_of(customer, group)


class Create(_TokenVerb):
    @described(
        "shop_create_token",
        {200: TokenShown},
        errors=(NoSuchGroup, TooManyTokens, BadTokenRequest, BadSymbol),
        request=NewToken,
    )
    def post(self, request: Request, group: str) -> Response:
        """Make another token by its name, perhaps for some symbols alone; without a name the first, where none is."""
        customer, now = customer_of(request), utc_now()
        own, wanted = _own_group(customer, group), said(NewToken, request)
        if "name" in wanted or "symbols" in wanted:
            tokens.add_token(customer=customer, group=own, now=now, **{"name": "", **wanted})
        else:
            tokens.issue_token(customer=customer, group=own, now=now)
        return _tokens_of(customer, group)


def _own_group(customer: Customer, slug: str) -> NodeGroup:
    found = next((one for one in selectors.groups_of(customer) if one.slug == slug), None)
    if found is None:
        raise NoSuchGroup("you have nothing on such a node group", group=slug[:40])
    return found


def _tokens_of(customer: Customer, slug: str) -> Response:
    held = next(one for one in holdings(customer=customer, now=utc_now()) if one.group.slug == slug)
    return Response(shown.token(held, readable=True))
