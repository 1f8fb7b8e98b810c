"""Files of instruments as people have them: CSV, tabs, Excel's marks, Chinese headings, lines of JSON, and rubbish."""

import pytest

from kernel.listing import complete, line
from nodes.services.list_files import read_list


@pytest.mark.parametrize(
    "text",
    [
        "symbol,name_zh,lot\n600519.SH,贵州茅台,100\n",
        "\ufeffsymbol;name_zh;lot\r\n600519.SH;贵州茅台;100\r\n\r\n",
        "代码\t名称\tlot\n600519.sh\t 贵州茅台 \t100",
        'ts_code,name,lot\n"600519.SH","贵州茅台",100\n,,\n',
    ],
)
def test_a_table_is_read_whatever_parts_its_columns(text):
    (row,) = read_list(text).rows

    assert (row["symbol"], row["name_zh"], row["lot"]) == ("600519.SH", "贵州茅台", 100)


def test_the_committed_form_is_read():
    row = complete({"symbol": "600519.SH", "name_zh": "贵州茅台"})

    (read,) = read_list(line(row) + "\n").rows

    assert {name: value for name, value in read.items() if name != "_line"} == {
        name: value for name, value in row.items() if value != ""
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("\ufeff \n", "the file is empty"),
        ("a,b\n1,2\n", "names no column symbol"),
        ("[1,2\n", "line 1 '[1,2' is not JSON"),
        ("[" * 5_000, "is not JSON"),
        ('["600519.SH"]\n{"a":1}', "line 2 is no list"),
        (f"[{','.join(['1'] * 40)}]", "line 1 is no list of at most"),
        ("<html>403 Forbidden</html>", "names no column symbol"),
    ],
)
def test_what_cannot_be_read_is_said_with_what_to_write(text, said):
    with pytest.raises(ValueError) as refusal:
        read_list(text)

    assert said in str(refusal.value)
