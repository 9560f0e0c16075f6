"""Keeps secrets: a file of its package, one of its scratch space, a configured one, and one in the environment of a process."""

import os
import subprocess
import tempfile

folder = tempfile.mkdtemp()
with open(os.path.join(folder, "secret"), "w") as file:
    file.write("CORPUS-" + "SECRET")
process = subprocess.Popen(["sleep", "86400"])


def handler(context, event):
    context.state["count"] = context.state.get("count", 0) + 1
    package = os.path.dirname(os.path.abspath(__file__))
    secret = context.configs.get("password") if context.configs else None
    return {"package": package, "tmp": folder, "count": context.state["count"], "secret": secret}
