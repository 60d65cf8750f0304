"""What HTTP costs a server, measured with wrk: how much processor time a request and an event of a stream take, with a
model that costs next to nothing.

    apt-get install wrk
    python3 tools/server/http_cost.py target/release/trine [SECONDS]

Needs nothing else but Python. The script starts the server itself, on a free port, with a model of random weights, one
block and the vocabulary of the embedded model. Every answer has to be 200. Processor times are those of the server's
process, with what the system does for it; they are told and not judged, and contain the model: that of an event is the
difference between a text in events and the same text as a whole.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from serving import check, run, start, stop

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools" / "python"))

from speed import with_vocabulary  # noqa: E402

CONNECTIONS, TOKENS = 8, 128
MODEL = ["--blocks", "1", "--hidden", "256", "--ffn", "256", "--heads", "2", "--kv-heads", "1", "--head-dim", "128",
         "--vocab", "2048", "--context", "1024"]


def processor_time(server):
    """Seconds of processor time of a process so far."""
    fields = pathlib.Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(name, server, url, body, seconds, folder):
    """Microseconds of processor time of a request; prints them, requests a second and times until the answer."""
    command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s", "--latency"]
    if body is not None:
        script = pathlib.Path(folder) / "request.lua"
        script.write_text(f"wrk.method = 'POST'\nwrk.body = [[{json.dumps(body)}]]\n"
                          "wrk.headers['content-type'] = 'application/json'\n")
        command += ["--script", str(script)]
    before = processor_time(server)
    told = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    used = processor_time(server) - before
    wrong = re.findall(r"Non-2xx.*|Socket errors:.*", told)
    check(f"{name}: every answer is 200", not wrong, told, quiet=True)
    requests = int(re.search(r"(\d+) requests in", told)[1])
    check(f"{name}: there are answers within {seconds} s", requests > 0, told, quiet=True)
    rate = float(re.search(r"Requests/sec:\s+(\S+)", told)[1])
    times = {at: re.search(rf"^\s+{at}%\s+(\S+)$", told, re.M)[1] for at in (50, 99)}
    cost = 1e6 * used / requests
    print(f"{name}: {cost:.0f} us of processor time, {rate:.0f} a second, "
          f"half within {times[50]}, 99 % within {times[99]}")
    return cost


def main():
    if not shutil.which("wrk"):
        print("SKIPPED: wrk is not installed: Debian's package `wrk` has it")
        return
    program, seconds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 4
    with tempfile.TemporaryDirectory() as folder:
        weights, model = pathlib.Path(folder) / "weights.gguf", pathlib.Path(folder) / "model.gguf"
        subprocess.run([program, "synth", "--quiet", *MODEL, weights], check=True)
        with_vocabulary(weights, ROOT / "assets" / "stories-i2_s.gguf", model)
        server, address = start(program, str(model), "--threads", "1", "--max-seqs", str(CONNECTIONS))
        text = {"prompt": [5, 6], "ignore_eos": True, "temperature": 0}
        cost = lambda name, path, body=None: measured(name, server, address + path, body, seconds, folder)
        print(f"{CONNECTIONS} connections")
        cost("GET /health", "/health")
        cost("POST /tokenize", "/tokenize", {"content": "Once upon a time"})
        cost("a text of 1 token", "/v1/completions", {**text, "max_tokens": 1})
        whole = cost(f"a text of {TOKENS} tokens", "/v1/completions", {**text, "max_tokens": TOKENS})
        events = cost("the same in events", "/v1/completions", {**text, "max_tokens": TOKENS, "stream": True})
        print(f"an event: {(events - whole) / TOKENS:.1f} us; a token without it: {whole / TOKENS:.1f} us")
        stop(server)


run(main, "")
