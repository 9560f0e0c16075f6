"""Numbers in, their statistics out. A component of Tidemill's world, in Python."""

import json
import statistics

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import context
from wit_world.imports.types import Event, Failure, Level, Reply


class Handler(exports.Handler):
    def handle(self, event: Event) -> Reply:
        try:
            numbers = [float(number) for number in json.loads(event.body)]
            found = {"count": len(numbers), "mean": statistics.fmean(numbers), "median": statistics.median(numbers)}
        except (ValueError, TypeError, statistics.StatisticsError) as error:
            raise Err(Failure(f"{type(error).__name__}: {error}", 400, "")) from None
        context.log(Level.INFO, "computed", json.dumps({"count": len(numbers)}))
        return Reply(200, "application/json", [], (json.dumps(found) + "\n").encode())
