"""What can be refused when somebody announces."""

from kernel.errors import Refused


class AlreadySaid(Refused):
    """The same words were said a moment ago: a form that was sent twice."""

    code = "already_said"
    message = "the same was said less than a minute ago"


class AlreadyResolved(Refused):
    """There is nothing to add to what is over."""

    code = "already_resolved"
    message = "this is resolved already; announce something new"


class BadAnnouncement(Refused):
    """It names what cannot be."""

    code = "bad_announcement"
    message = "this announcement is not possible"
