"""A short list of instruments in place of the committed one: entering six thousand takes a second a test."""

from kernel.listing import complete


def few_rows():
    return [
        complete({"symbol": "600519.SH", "name_zh": "贵州茅台", "pinyin": "gui zhou mao tai", "initials": "gzmt"}),
        complete({"symbol": "000001.SZ", "name_zh": "平安银行", "pinyin": "ping an yin hang", "initials": "payh"}),
        complete({"symbol": "430047.BJ", "name_zh": "诺思兰德", "pinyin": "nuo si lan de", "initials": "nsld"}),
        complete({"symbol": "00700.HK", "name_zh": "腾讯控股", "pinyin": "teng xun kong gu", "initials": "txkg"}),
    ]
