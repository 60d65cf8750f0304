#!/usr/bin/env python3
"""Measures what the Python package costs a program besides models: how long an import takes, and how fast a thread
counts while eight others generate texts.

    pip install ./python
    python tools/python/measure.py

Ends with 1 where an import takes 50 ms or more, or where the counting thread keeps less than 80 % of its speed. The
machine has to be quiet, and needs a core more than the engine has threads (`--threads`, 1).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import threading
import time

IMPORT = "import time; start = time.perf_counter(); import trine; print(time.perf_counter() - start)"


def of_import() -> float:
    """Seconds of an import in a process of its own."""
    return float(subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, check=True).stdout)


def counted(seconds: float) -> float:
    """How often a loop of Python runs in a second."""
    end, count = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        count += 1
    return count / seconds


def main() -> None:
    """Measures both."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1, help="of the engine")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()

    of_import()
    seconds = statistics.median(of_import() for _ in range(arguments.rounds))
    print(f"an import takes {seconds * 1e3:.1f} ms")

    import trine

    model = trine.embedded(threads=arguments.threads)
    ratios = []
    for seed in range(arguments.rounds):
        alone, is_over = counted(0.5), threading.Event()

        def generate() -> None:
            while not is_over.is_set():
                for _ in model.generate("Once", max_tokens=200, ignore_eos=True, seed=seed):
                    pass

        threads = [threading.Thread(target=generate) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        ratios.append(counted(2.0) / alone)
        is_over.set()
        for thread in threads:
            thread.join()
    kept = statistics.median(ratios)
    print(f"a thread keeps {kept:.0%} of its speed while eight generate ({min(ratios):.0%} to {max(ratios):.0%})")
    sys.exit(int(seconds >= 0.05 or kept < 0.8))


if __name__ == "__main__":
    main()
