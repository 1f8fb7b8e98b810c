"""What a customer reads about packs and tokens; the one about an end is tested with its reminders."""

from datetime import timedelta

import pytest
from django.core import mail

from billing import announcements as say
from billing.models import AccessToken
from billing.services import entitlements, gifts, tokens
from kernel.clock import utc_now
from outbox.models import MailRecord
from outbox.services.sending import deliver_outbox
from tests.factories import NOW, a_customer, a_grant, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def grant(alice, keys_dir, settings):
    """alice's Pack 5, bought now."""
    settings.PANEL_URL = "https://shop.example"
    made = a_grant(alice, a_node(last_seen_at=utc_now()), at=utc_now())
    mails()
    return made


def mails():
    before = len(mail.outbox)
    deliver_outbox(now=utc_now())
    return mail.outbox[before:]


def both(sent):
    return f"{sent.body}\n{sent.alternatives[0][0]}"


class TestTokens:
    def test_a_replaced_one_is_told_with_how_long_it_works(self, grant):
        old = AccessToken.objects.get()

        tokens.rotate_token(customer=grant.customer, group=grant.group, now=utc_now())

        [sent] = mails()
        assert sent.subject == "Your token was replaced"
        assert old.jti[:8] in both(sent)
        assert old.jti not in both(sent)
        assert "change your password at once: https://shop.example/accounts/password/change/" in sent.body

    def test_five_that_are_revoked_together_are_one_mail(self, grant):
        for _ in range(3):
            tokens.rotate_token(customer=grant.customer, group=grant.group, now=utc_now())
        tokens.revoke_tokens(customer=grant.customer, group=grant.group, now=utc_now())

        assert [one.subject for one in mails()] == ["Your tokens were revoked"]  # the replaced ones are revoked by now
        assert AccessToken.objects.filter(revoked_at=None).count() == 0

    def test_revoking_again_says_nothing_again(self, grant):
        token = AccessToken.objects.get()
        for _ in range(2):
            tokens.revoke_token(customer=grant.customer, jti=token.jti, now=utc_now())

        assert [one.subject for one in mails()] == ["Your token was revoked"]


def test_a_compensation_names_its_hours_its_reason_and_the_new_end(grant):
    gifts.compensate(key="k", hours=5, reason="Feed was away", by=a_customer("root"), now=utc_now(), group=grant.group)

    [sent] = mails()
    assert sent.subject == "5 hours for you"
    assert "Feed was away" in both(sent)
    assert f"{grant.ends_at + timedelta(hours=13):%H:%M:%S}" in both(sent)  # 5 hours later, in Shanghai
    assert "subscribe" not in both(sent)


class TestRenewals:
    """What the services of renewals call; each letter is dropped where it is no longer so."""

    def test_ahead(self, grant):
        say.renewal_ahead(grant.customer, grant=grant, renews_at=grant.ends_at, months=3, amount_fen=3000)

        [sent] = mails()
        assert sent.subject.startswith("Pack 5 is renewed on ")
        assert "30.00 CNY" in both(sent)
        assert "You can stop that at any time before" in both(sent)
        assert sent.message()["List-Unsubscribe"] is None  # it has to be told

    def test_ahead_of_one_that_has_passed_is_not_told(self, grant):
        say.renewal_ahead(grant.customer, grant=grant, renews_at=NOW, months=3, amount_fen=3000)

        assert mails() == []
        assert MailRecord.objects.get(kind="renewal_ahead").state == "dropped"

    def test_renewed(self, grant):
        say.renewed(grant.purchase)

        [sent] = mails()
        assert sent.subject == "Pack 5 was renewed"
        assert grant.purchase.public_id in both(sent)

    @pytest.mark.parametrize(
        ("why", "said"),
        [("balance_too_small", "Your balance was too small."), ("???", "The payment did not come about.")],
    )
    def test_failed_says_why_until_when_it_lasts_and_how_to_renew(self, grant, why, said):
        say.renewal_failed(grant, why=why)

        [sent] = mails()
        assert sent.subject == "Pack 5 could not be renewed"
        assert said in both(sent)
        assert f"kind=extend&extends={grant.pk}" in sent.body

    def test_a_trial(self, grant):
        say.trial_ends(grant)

        [sent] = mails()
        assert sent.subject.startswith("Your trial ends on ")
        assert "Nothing is charged" in both(sent)

    def test_a_trial_that_was_ended_is_not_told(self, grant):
        entitlements.close_grant(grant_id=grant.pk, reason="r", now=utc_now())
        mails()
        say.trial_ends(grant)

        assert mails() == []
