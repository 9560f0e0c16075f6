"""Runs the case that the event names, in the worker's own process, and replies with what it prints."""

import contextlib
import io
import os
import runpy

HERE = os.path.dirname(os.path.abspath(__file__))


def handler(context, event):
    os.environ["CORPUS_PACKAGE"] = HERE
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        runpy.run_path(os.path.join(HERE, event.body.decode()), run_name="__main__")
    return said.getvalue()
