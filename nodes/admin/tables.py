"""Tables inside a row's page, written in one place so that all have the looks of `.ops-table` (ops/admin.css)."""

from collections.abc import Iterable

from django.utils.html import format_html, format_html_join


def table(heads: tuple[object, ...], rows: Iterable[tuple[object, ...]], *, title: object = "") -> str:
    """Return a table with what stands above it.

    Args:
        rows: cells, as many as heads.
    """
    row = f"<tr>{'<td>{}</td>' * len(heads)}</tr>"
    return format_html(
        '{}<div class="ops-table"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>',
        format_html("<p>{}</p>", title) if title else "",
        format_html_join("", '<th scope="col">{}</th>', ((head,) for head in heads)),
        format_html_join("", row, rows),
    )
