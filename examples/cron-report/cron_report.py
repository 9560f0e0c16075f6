"""A small report on the machine, made on a schedule: disk use and load average, as JSON.

Nobody calls this function; its cron trigger does. What it returns is kept as the invocation's result, what it logs as
the invocation's log.
"""

import os
import shutil
from datetime import datetime, timezone

GIB = 2**30
DISK_USED_PERCENT_MAX = 90


def handler(context, event):
    report = {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "disk": disk("/"),
        "load": load(),
    }
    used = report["disk"]["used_percent"]
    if used > DISK_USED_PERCENT_MAX:
        context.logger.warn_with("the disk is nearly full", used_percent=used)
    context.logger.info(f"disk {used} % used, load {report['load']['last_minute']} on {report['load']['cpus']} CPUs")
    return report


def disk(path):
    """Size and use of the file system that holds `path`."""
    usage = shutil.disk_usage(path)
    return {
        "path": path,
        "total_gib": round(usage.total / GIB, 1),
        "free_gib": round(usage.free / GIB, 1),
        "used_percent": round(100 * usage.used / (usage.used + usage.free), 1),
    }


def load():
    """How many processes wanted to run, on average over the last 1, 5 and 15 minutes."""
    one, five, fifteen = (round(value, 2) for value in os.getloadavg())
    return {"cpus": os.cpu_count(), "last_minute": one, "last_5_minutes": five, "last_15_minutes": fifteen}
