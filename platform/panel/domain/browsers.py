"""What people call the browser that a User-Agent header stands for."""

import re

# Asked in this order: most call themselves Chrome and Safari as well.
_BROWSERS = (
    ("WeChat", r"MicroMessenger/"),
    ("Edge", r"\bEdg(?:e|A|iOS)?/"),
    ("Opera", r"\bOPR/"),
    ("QQ Browser", r"\bM?QQBrowser/"),
    ("UC Browser", r"\bUCBrowser/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Firefox", r"\b(?:Firefox|FxiOS)/"),
    ("Chrome", r"\b(?:Chrome|CriOS|HeadlessChrome)/"),
    ("Safari", r"\bVersion/.*Safari/"),
    ("curl", r"^curl/"),
    ("Python", r"^(?:python|Python|aiohttp|httpx)"),
)
_SYSTEMS = (
    ("HarmonyOS", r"HarmonyOS|OpenHarmony"),
    ("Android", r"Android"),
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Windows", r"Windows NT"),
    ("macOS", r"Macintosh|Mac OS X"),
    ("ChromeOS", r"CrOS"),
    ("Linux", r"Linux|X11"),
)


def browser_name(agent: str) -> str:
    """Return `Firefox · Windows`; less where the header says less, and "" where it says nothing that is known."""
    found = (next((name for name, sign in kind if re.search(sign, agent)), "") for kind in (_BROWSERS, _SYSTEMS))
    return " · ".join(name for name in found if name)
