"""Settings of the doors beside the password, codes to phones and WeChat, and how often each may be tried."""

from config.env import env_bool, env_choice, env_int, env_secret, env_text

__all__ = [
    "ACCOUNT_FORMS",
    "ACCOUNT_LOGIN_BY_CODE_ENABLED",
    "ACCOUNT_LOGIN_BY_CODE_MAX_ATTEMPTS",
    "ACCOUNT_LOGIN_BY_CODE_TIMEOUT",
    "ACCOUNT_PHONE_VERIFICATION_CODE_FORMAT",
    "ACCOUNT_PHONE_VERIFICATION_MAX_ATTEMPTS",
    "ACCOUNT_PHONE_VERIFICATION_TIMEOUT",
    "ACCOUNT_RATE_LIMITS",
    "SMS_APP_ID",
    "SMS_DAILY_CAP_FEN",
    "SMS_KEY_ID",
    "SMS_KEY_SECRET",
    "SMS_PRICE_FEN",
    "SMS_PROVIDER",
    "SMS_REGION",
    "SMS_SIGN_NAME",
    "SMS_TEMPLATE_LOGIN",
    "SMS_TEMPLATE_PHONE",
    "SMS_URL",
    "SOCIALACCOUNT_ADAPTER",
    "SOCIALACCOUNT_EMAIL_AUTHENTICATION",
    "SOCIALACCOUNT_EMAIL_REQUIRED",
    "SOCIALACCOUNT_LOGIN_ON_GET",
    "WEIXIN_LOGIN_APP_ID",
    "WEIXIN_LOGIN_SECRET",
]
_TRYING_OUT = env_bool("DEBUG") or env_bool("TICKPACK_EMBEDDED")

# Failed logins count by address, and by address and account together (accounts.adapters): with the account alone,
# anybody could lock its owner out.
ACCOUNT_RATE_LIMITS = {
    "login_failed": "10/m/ip,5/5m/key",
    "reset_password": "20/m/ip,5/h/key",
    # Codes to phones count in one place, by number and by address (accounts.pages), before anybody looks whose number
    # it is. The numbers' limits are those that the providers have anyway.
    "sms": "1/m/key,5/h/key,10/d/key,10/h/ip,30/d/ip",
    "request_login_code": "",
    "verify_phone": "",
    "change_phone": "20/m/user",
    "export": "6/h/user",
    "captcha_picture": "60/m/ip",
    "captcha_sound": "10/m/ip",
}

# -- codes to phones -------------------------------------------------------------------------------------------------
SMS_PROVIDER = env_choice(
    "SMS_PROVIDER", ("none", "console", "aliyun", "tencent"), "console" if _TRYING_OUT else "none"
)
SMS_KEY_ID = env_text("SMS_KEY_ID")
SMS_KEY_SECRET = env_secret("SMS_KEY_SECRET")
SMS_SIGN_NAME = env_text("SMS_SIGN_NAME")
SMS_APP_ID = env_text("SMS_APP_ID")  # Tencent's SdkAppId
SMS_REGION = env_text("SMS_REGION", "ap-guangzhou")  # Tencent's
SMS_TEMPLATE_LOGIN = env_text("SMS_TEMPLATE_LOGIN")
SMS_TEMPLATE_PHONE = env_text("SMS_TEMPLATE_PHONE")
SMS_URL = env_text("SMS_URL")  # of another address than the provider's own, for trying out
SMS_PRICE_FEN = env_int("SMS_PRICE_FEN", 5)
SMS_DAILY_CAP_FEN = env_int("SMS_DAILY_CAP_FEN", 5_000)
# The other pages say theirs (accounts.pages).
ACCOUNT_FORMS = {"login": "accounts.forms.LoginForm", "verify_phone": "accounts.forms.ProvePhoneForm"}
ACCOUNT_LOGIN_BY_CODE_ENABLED = SMS_PROVIDER != "none"
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = ACCOUNT_PHONE_VERIFICATION_TIMEOUT = 300  # a code; three wrong ones end it too
ACCOUNT_LOGIN_BY_CODE_MAX_ATTEMPTS = ACCOUNT_PHONE_VERIFICATION_MAX_ATTEMPTS = 3
ACCOUNT_PHONE_VERIFICATION_CODE_FORMAT = {"numeric": True, "length": 6, "dashed": False}

# -- WeChat ----------------------------------------------------------------------------------------------------------
WEIXIN_LOGIN_APP_ID = env_text("WEIXIN_LOGIN_APP_ID")  # of a website application at open.weixin.qq.com
WEIXIN_LOGIN_SECRET = env_secret("WEIXIN_LOGIN_SECRET")
SOCIALACCOUNT_ADAPTER = "accounts.weixin.adapter.SocialAdapter"
# Our policy lets no form lead to another host, so the way to WeChat is a link. What it begins is kept in the session:
# nobody else's code is taken, and nothing happens before a person scans.
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False  # an address that somebody types opens no account that has it
SOCIALACCOUNT_EMAIL_REQUIRED = True
