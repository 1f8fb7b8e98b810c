"""Who a visitor is to WeChat: its script pays only for an openid of the very account that takes the money."""

from urllib.parse import urlencode

from django.conf import settings

from billing.errors import GatewayRefused, GatewayUnavailable
from billing.gateways import strict_json
from billing.gateways.http import ask
from billing.gateways.wechat.reading import PROVIDER


def authorize_url(*, back_to: str, state: str) -> str:
    """Return the page of WeChat's that sends the visitor back with a code, without asking anything of them.

    Args:
        back_to: absolute, on the domain that is filed with the official account.
        state: comes back with the code; only who has it in the session was sent from here.
    """
    query = {
        "appid": settings.WECHAT_APP_ID,
        "redirect_uri": back_to,
        "response_type": "code",
        "scope": "snsapi_base",
        "state": state,
    }
    return f"{settings.WECHAT_OPEN_URL}/connect/oauth2/authorize?{urlencode(query)}#wechat_redirect"


def open_id_of(code: str) -> str:
    """Return the openid that a code stands for, once.

    Raises:
        GatewayRefused: the code was used before, is too old, or was made up.
        GatewayUnavailable: WeChat does not answer.
    """
    query = {
        "appid": settings.WECHAT_APP_ID,
        "secret": settings.WECHAT_APP_SECRET,
        "code": code,
        "grant_type": "authorization_code",
    }
    answer = ask(PROVIDER, "GET", f"{settings.WECHAT_API_URL}/sns/oauth2/access_token?{urlencode(query)}")
    if answer.status_code != 200:
        raise GatewayUnavailable(f"WeChat answers {answer.status_code}", provider=PROVIDER)
    try:
        told = strict_json.read_object(answer.content)
    except ValueError:
        raise GatewayUnavailable("an answer of WeChat cannot be read", provider=PROVIDER) from None
    open_id = told.get("openid")
    if not isinstance(open_id, str) or not 0 < len(open_id) <= 128:
        code_told = str(told.get("errcode", ""))[:20]
        raise GatewayRefused("WeChat does not say who this is", provider=PROVIDER, provider_code=code_told)
    return open_id
