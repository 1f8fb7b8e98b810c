"""What services refuse, in the words of who pressed the button.

A service says what is wrong as one English sentence, for logs and for programs too. Each that staff can meet is known
here by its template; one that nobody has entered stands as it came, behind what its code means.
"""

from functools import cache
from typing import Any

from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_noop as _

from billing.models import Prepayment, Purchase
from kernel.errors import PlatformError
from kernel.sentences import Template, known

CODES: dict[str, Any] = {
    "second_person_needed": gettext_lazy("Another person has to confirm this: who asked for it cannot."),
    "already_decided": gettext_lazy("Somebody has decided this already."),
    "grant_is_extended": gettext_lazy("A later grant continues this one; end that one first."),
    "refund_refused": gettext_lazy("This refund is not possible."),
    "not_that_money": gettext_lazy("This money does not pay this order."),
    "nothing_to_give": gettext_lazy("There is nothing to give, or nobody to give it to."),
    "bad_purchase": gettext_lazy("This is not possible."),
    "already_said": gettext_lazy("The same was said less than a minute ago."),
    "already_resolved": gettext_lazy("This is over already; announce something new."),
    "bad_fapiao": gettext_lazy("This fapiao is not possible."),
}
_STATES: dict[str, Any] = {**dict(Prepayment.State.choices), **dict(Purchase.State.choices)}
# A more particular one stands before the one that would take it too.
TEXTS = (
    _("%(asked)s cannot be paid back: %(left)s are left of this payment"),
    _("%(asked)s cannot be paid back: %(left)s are left in the customer's balance"),
    _("%(asked)s cannot be cancelled: %(left)s are left of this fapiao"),
    _("only a refund that is decided and not with the gateway is paid by hand, with the bank's reference"),
    _("only a refund that failed is sent again"),
    _("only a payment can be paid back"),
    _("a refund has a reason"),
    _("this payment bought nothing that could end: choose that the buyer keeps everything"),
    _("this pack was upgraded: shorten order %(order)s, which replaced it"),
    _("a shorter end lies between now and %(end)s"),
    _("a later grant continues this one, or an upgrade replaced it: refund it together with what stands on it"),
    _("this payment is disputed: the bank decides, and a refund would be paid a second time"),
    _("a gift code is paid back as a whole, and only while nobody has redeemed it"),
    _("what is given by hand has a reason"),
    _("it ends between now and %(months)s months from now, not at %(end)s"),
    _("%(count)s symbols are nothing to give"),
    _("a compensation has a reason, 1 to %(hours)s hours, and a group, a node or a market"),
    _("nobody has anything in force there"),
    _("a batch of gift codes has a name and a reason"),
    _("there is a batch %(name)s already; choose another name"),
    _("a batch has 1 to %(most)s codes, not %(count)s"),
    _("the codes would have ended already: %(end)s"),
    _("codes are voided with a reason"),
    _("order %(order)s is %(state)s: only one that waits for payment can be cancelled"),
    _("order %(order)s is %(state)s: only one that waits can be cancelled"),
    _("nobody was asked to transfer with the purpose %(purpose)s"),
    _("a transfer has the bank's reference and an amount"),
    _("the transfer %(reference)s was noted before"),
    _("there is no order %(order)s"),
    _("order %(order)s is paid already"),
    _("%(came)s came, and %(due)s are due"),
    _("order %(order)s cannot be settled any more: %(reason)s"),
    _("a fapiao is on 1 to %(most)s orders, not %(count)s"),
    _("fapiao %(number)s stands on another request"),
    _("red letter %(number)s is entered already"),
    _("everything of these orders was paid back: there is nothing to issue; withdraw it"),
    _("give the link or the file of the fapiao, so that the buyer has it"),
    _("%(text)s is no number of a fapiao: letters and digits, 40 at most"),
    _("%(name)s (%(size)s bytes) is no fapiao: a pdf, ofd or xml file of %(most)s bytes at most"),
    _("%(link)s is no https address"),
    _("it ends before it begins"),
    _("planned work has an end"),
)


@cache
def _templates() -> tuple[Template, ...]:
    return tuple(Template(text) for text in TEXTS)


def said(message: str) -> str:
    """Return a service's message in the reader's language; one that is not known as it is."""
    found = known(_templates(), message)
    if found is None:
        return message
    text, values = found
    if state := values.get("state"):
        values = {**values, "state": _STATES.get(state, state)}
    return gettext(text) % values


def sentence(error: PlatformError) -> str:
    """Return what a service refused, for a person: what its code means, and what is wrong with this one."""
    meaning = CODES.get(error.code)
    if not error.message or error.message == type(error).message:
        return str(meaning or error.message)
    return f"{meaning} {said(error.message)}" if meaning else said(error.message)
