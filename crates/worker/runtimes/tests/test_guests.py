"""Runs every conformance case on the Python and Node.js workers and on the two binary examples.

``python3 test_guests.py`` runs the tests, ``python3 test_guests.py --bench`` measures echo calls. A runtime whose
program is not installed, or an example that is not built, is left out with a line on standard error; TIDEMILL_GUESTS, a
comma-separated list of python, nodejs, binary-rust and binary-go, names those that must run.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bench
from cases import CaseRun, load_case
from guest import RUNTIMES, nodejs_command, python_command, start

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(RUNTIMES)))
CONFORMANCE = os.path.join(ROOT, "conformance")
WANTED = [name for name in os.environ.get("TIDEMILL_GUESTS", "").split(",") if name]
_built = tempfile.TemporaryDirectory(prefix="tidemill-guests-")


def _build_go():
    program = os.path.join(_built.name, "binary-go")
    source = os.path.join(ROOT, "examples", "binary-go")
    subprocess.run(["go", "build", "-o", program, "."], cwd=source, check=True)
    return [program]


def _build_rust():
    target = os.path.join(_built.name, "rust")
    source = os.path.join(ROOT, "examples", "binary-rust")
    subprocess.run(["cargo", "build", "--quiet", "--locked", "--target-dir", target], cwd=source, check=True)
    return [os.path.join(target, "debug", "binary-rust")]


def guests():
    """``name -> (runtime, command, environment)`` of the workers that can run here."""
    possible = {
        "python": ("python", "python3", python_command),
        "nodejs": ("nodejs", "node", nodejs_command),
        "binary-go": ("binary", "go", lambda: (_build_go(), {})),
        "binary-rust": ("binary", "cargo", lambda: (_build_rust(), {})),
    }
    found = {}
    for name, (runtime, program, command) in possible.items():
        if WANTED and name not in WANTED:
            continue
        if shutil.which(program) is None and not WANTED:
            print(f"{name}: {program} is not installed, left out", file=sys.stderr)
            continue
        found[name] = (runtime, *command())
    return found


class Conformance(unittest.TestCase):
    """One test method a case and worker, added below."""

    maxDiff = None


def _add_tests():
    folders = sorted(entry.path for entry in os.scandir(CONFORMANCE) if entry.is_dir())
    for name, (runtime, command, environment) in guests().items():
        for folder in folders:
            case = load_case(folder)
            if runtime not in case["runtimes"]:
                continue

            def test(self, folder=folder, case=case, runtime=runtime, command=command, environment=environment):
                with start(command, environment) as guest:
                    CaseRun(guest, folder, case, runtime).run()

            test.__doc__ = None
            title = os.path.basename(folder).replace("-", "_")
            setattr(Conformance, f"test_{name.replace('-', '_')}_{title}", test)


if __name__ == "__main__" and "--bench" in sys.argv:
    bench.main(guests(), CONFORMANCE)
else:
    _add_tests()
    if __name__ == "__main__":
        unittest.main()
