"""What a browser may run: nothing inline, but in the admin."""

import pytest

from tests.factories import a_customer, a_plan

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_the_panel_runs_no_inline_code_and_the_admin_alone_may(client):
    a_plan()
    panel = client.get("/")["Content-Security-Policy"]
    client.force_login(a_customer("root", is_staff=True, is_superuser=True))
    admin = client.get("/admin/")["Content-Security-Policy"]

    assert "unsafe" not in panel
    assert "script-src 'self';" in panel + ";"
    assert "'unsafe-eval'" in admin
    assert "unsafe" not in client.get("/administrator")["Content-Security-Policy"]
