"""First of the chain: a CSV table in, a list of records out.

A plain function: no context and no event. It gets the decoded body (text, since the content type is text/csv), and
what it returns becomes a JSON response, which is the next function's event.
"""

import csv
import io


def extract(table):
    records = [{name: value(text) for name, text in row.items()} for row in csv.DictReader(io.StringIO(table))]
    print(f"{len(records)} records")
    return records


def value(text):
    """A number if the text is one, else the text."""
    try:
        return float(text)
    except ValueError:
        return text
