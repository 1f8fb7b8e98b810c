"""What ingest and its lines say of themselves, in the reader's language.

Ingest has no languages: it writes an English sentence for logs and for people. Here each is known by its template, so
that a node of an older release is understood as well; a sentence that nobody has entered is shown as it came.
"""

from functools import cache
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from kernel.sentences import Template, known

# A more particular one stands before the one that would take it too.
TEXTS = (
    _("It closed the connection."),
    _("It said nothing for %(seconds)s s; connecting again."),
    _("It cannot be reached (%(error)s); trying again."),
    _("Its adapter failed (%(error)s); this is a fault of the program."),
    _("It answers 429 to the connection: too many connections, or too often."),
    _("It answers %(status)s to the connection: it does not let us in; look at %(key)s and at what the plan allows."),
    _("It answers %(status)s to the connection: it does not let us in."),
    _("It answers %(status)s to the connection where a WebSocket is due."),
    _("%(key)s (or %(file)s) is not set where the ingest worker runs: without a key this provider tells nothing."),
    _("There is no instrument of %(market)s to ask for; look at %(symbols)s."),
    _("Sina does not serve this address at present: it is barred, for minutes to hours."),
    _("%(provider)s answered with %(bytes)s bytes, which is no page of rows."),
    _(
        "%(provider)s answers 403: this machine's address is barred, for minutes to hours, or its terms of "
        "access have changed."
    ),
    _(
        "%(provider)s answers %(status)s: it was asked too often from this address; %(per_minute)s and "
        "%(seconds)s say how often."
    ),
    _("%(provider)s answers %(status)s where rows are due."),
    _("It was asked for %(what)s and gave %(why)s."),
    _("Its ticks tell the day's total: the quotes count."),
    _("It does not follow %(count)s symbols, like %(some)s."),
    _("%(symbols)s has what is no symbol of this program: %(some)s."),
    _("%(count)s of %(all)s instruments are none that it has."),
    _(
        "%(count)s of %(all)s instruments are asked for, which is the limit (%(most)s); the first one left "
        "out is %(symbol)s."
    ),
    _(
        "%(day)s is not in the published calendar, and nothing was traded in its first 15 minutes: taken for "
        "closed until something is; bring the exchange's notice: manage.py import_calendar FILE"
    ),
    _("feed %(feed)s has nothing for this lane"),
    _("no line has said anything since %(time)s"),
    _("the Redis of the node group does not answer (%(error)s)"),
    _("AllTick does not accept the key; look at %(key)s."),
    _("AllTick was asked too often."),
    _("AllTick was asked too often and closes the connection."),
    _("AllTick knows one of the codes not (%(msg)s); %(symbols)s can leave it out."),
    _("The plan of this AllTick key does not include one of the codes (%(msg)s); %(symbols)s can leave it out."),
    _("The plan of this AllTick key does not include this."),
    _("AllTick refused: %(ret)s (%(msg)s)."),
    _("TickDB does not accept the key, or it has expired; look at %(key)s."),
    _("TickDB was told no key; look at %(key)s."),
    _("The TickDB key has expired; look at %(key)s."),
    _("TickDB was asked too often."),
    _("The quota of this TickDB key is used up."),
    _("TickDB allows no further connection with this key."),
    _("The plan of this TickDB key has fewer symbols than are asked for; look at %(most)s."),
    _("The plan of this TickDB key does not include one of its channels."),
    _("TickDB refused: %(code)s."),
    _("iTick does not accept the key; look at %(key)s."),
    _("iTick refused the subscription (%(msg)s): the plan has fewer symbols than are asked for; look at %(most)s."),
    _("iTick refused (%(msg)s)."),
)


@cache
def _templates() -> tuple[Template, ...]:
    return tuple(Template(text) for text in TEXTS)


def said(sentence: Any) -> str:
    """Return a sentence of ingest in the reader's language."""
    found = known(_templates(), str(sentence))
    return gettext(found[0]) % found[1] if found else str(sentence)
