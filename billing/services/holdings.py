"""What a customer holds on every node group, for a page: a fixed number of questions, no lock, nothing written."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Customer
from billing import selectors
from billing.domain import stacking
from billing.models import AccessToken, EntitlementRev, Grant
from billing.services import tokens
from kernel.scope import Scope
from nodes.models import Node, NodeGroup


@dataclass(frozen=True, slots=True)
class Holding:
    """A customer on a node group. `tokens` are neither rotated nor revoked, `old` were rotated and still work."""

    customer: Customer
    group: NodeGroup
    rows: list[Grant]  # the newest first, each with its closure and its purchase's plan and node
    grants: list[stacking.Grant]  # the same, as the stacking rules take them
    nodes: list[Node]  # that serve, by slug
    tokens: list[AccessToken]  # as selectors.current_tokens has them
    old: list[AccessToken]
    scope: Scope | None
    asks: Node | None
    at: datetime

    def timeline(self) -> list[stacking.Segment]:
        """Return what may be followed from now on."""
        return stacking.timeline(self.grants, self.at)

    @property
    def current(self) -> AccessToken | None:
        """Return the token that pages show, where there is one."""
        return self.tokens[0] if self.tokens else None

    def token(self) -> str | None:
        """Return the current token's text, signed anew; None where all were revoked."""
        return self.text_of(self.current) if self.current is not None else None

    def text_of(self, token: AccessToken) -> str:
        """Return the text of one of its tokens, signed anew."""
        scope = self.scope or selectors.scope(self.customer, self.group, self.at)
        return tokens.sign(token, scope=scope, asks=self.asks, now=self.at)


def holdings(*, customer: Customer, now: datetime) -> list[Holding]:
    """Return a customer's groups with what they have there, the group of the newest grant first."""
    rows = Grant.objects.filter(customer=customer).prefetch_related("freezes").select_related(
        "closure", "group", "purchase__plan", "purchase__node", "purchase__plan_version"
    )  # fmt: skip
    newest: dict[int, NodeGroup] = {}
    grants: dict[int, list[Grant]] = {}
    for row in rows.order_by("-id"):
        newest.setdefault(row.group_id, row.group)
        grants.setdefault(row.group_id, []).append(row)
    nodes: dict[int, list[Node]] = {}
    for node in Node.objects.filter(group__in=newest).exclude(state=Node.State.RETIRED).order_by("slug"):
        nodes.setdefault(node.group_id, []).append(node)
    working: dict[int, list[AccessToken]] = {}
    unrevoked = AccessToken.objects.filter(customer=customer, revoked_at=None).order_by("-id")
    for token in unrevoked.select_related("customer", "group"):
        working.setdefault(token.group_id, []).append(token)
    revs = EntitlementRev.objects.filter(customer=customer).select_related("customer", "group")
    scopes = {scope.group: scope for scope in selectors.scopes(revs, now)}
    return [
        Holding(
            customer=customer,
            group=group,
            rows=grants[pk],
            grants=[row.as_value() for row in grants[pk]],
            nodes=[one for one in nodes.get(pk, []) if one.state == Node.State.ACTIVE],
            tokens=sorted((one for one in working.get(pk, []) if one.works_until_at is None), key=selectors.in_order),
            old=[one for one in working.get(pk, []) if _still_works(one, now)],
            scope=scopes.get(group.slug),
            asks=next((one for one in nodes.get(pk, []) if one.token_kind == Node.TokenKind.RT_RECEIVER), None),
            at=now,
        )
        for pk, group in newest.items()
    ]


def _still_works(token: AccessToken, now: datetime) -> bool:
    return token.works_until_at is not None and token.works_until_at > now and token.expires_at > now
