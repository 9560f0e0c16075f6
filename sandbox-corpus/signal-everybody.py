# Looks for processes that it could signal, but for its own; outside, asks for the server alone. Sends none. outside: root
import os

# Process 1 of the inside takes no signal from there.
own = {os.getpid(), 1}
processes = [int(os.environ["CORPUS_SERVER"])] if "CORPUS_OUTSIDE" in os.environ else range(1, 100_000)
others = []
for process in processes:
    if process not in own:
        try:
            os.kill(process, 0)
            others.append(process)
        except OSError:
            pass
print("ESCAPED" if others else "HELD", len(others), "others")
