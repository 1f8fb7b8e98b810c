"""A shop that is set up with an emulated sender of messages."""

from tests.emulators.sms import AliyunSmsEmulator, TencentSmsEmulator

SENDERS = {"aliyun": AliyunSmsEmulator, "tencent": TencentSmsEmulator}


def set_up(settings, emulator) -> None:
    """Say in settings what a customer of a provider gets from it."""
    settings.SMS_PROVIDER = next(name for name, kind in SENDERS.items() if isinstance(emulator, kind))
    settings.SMS_URL = emulator.url
    settings.SMS_KEY_ID, settings.SMS_KEY_SECRET = emulator.key_id, emulator.key_secret
    settings.SMS_SIGN_NAME = emulator.sign_name
    settings.SMS_TEMPLATE_LOGIN, settings.SMS_TEMPLATE_PHONE = sorted(emulator.templates)
    settings.SMS_APP_ID = getattr(emulator, "app_id", "")
