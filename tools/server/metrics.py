"""What a server counts, read by `promtool` as Prometheus reads it: after nothing, after requests of each kind, and with
an id that has to be escaped.

    apt-get install prometheus
    python3 tools/server/metrics.py target/release/trine

Needs nothing else but Python. The script starts the server itself, on a free port, with the embedded model.
"""

import http.client
import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

from serving import check, run, start, stop

ID = 'the "king"\\dog'


def ask(address, path, body=None, head=None):
    """The status and the text of an answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{address}{path}", data, {"content-type": "application/json", **(head or {})})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def read(promtool, address, when):
    """The text of `/metrics`, which `promtool` finds nothing wrong with."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=60) as answer:
        kind, text = answer.headers["content-type"], answer.read().decode()
    check(f"type of the text {when}", kind.startswith("text/plain") and "version=0.0.4" in kind, kind)
    told = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    check(f"promtool check metrics {when}", told.returncode == 0 and not told.stderr, told.stdout + told.stderr)
    return text


def leave(address):
    """Begins a stream and goes away."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"))
    body = {"prompt": "The king", "max_tokens": 200, "ignore_eos": True, "stream": True}
    connection.request("POST", "/v1/completions", json.dumps(body), {"content-type": "application/json"})
    connection.getresponse().read(100)
    connection.close()


def main():
    promtool = shutil.which("promtool")
    if not promtool:
        print("SKIPPED: promtool is not installed: Debian's package `prometheus` has it")
        return
    server, address = start(sys.argv[1], "--id", ID, "--max-queue", "1", "--max-seqs", "1")
    read(promtool, address, "of a server that nobody asked")
    text = {"prompt": "The king", "max_tokens": 8}
    asked = {
        "a text": ("/v1/completions", text), "texts": ("/v1/completions", {**text, "n": 2}),
        "a stream": ("/v1/completions", {**text, "stream": True}), "a wrong field": ("/v1/completions", {"n": "two"}),
        "another model": ("/v1/completions", {**text, "model": 'no "model"\n'}),
        "no path": ('/none"such', None), "no conversation": ("/v1/chat/completions", {"messages": []}),
    }
    for name, (path, body) in asked.items():
        status, _ = ask(address, path, body)
        read(promtool, address, f"after {name} ({status})")
    for _ in range(4):
        leave(address)
    statuses = [ask(address, "/v1/completions", {**text, "n": 20})[0] for _ in range(2)]
    text = read(promtool, address, f"after streams that were left ({statuses})")
    expected = ID.replace("\\", "\\\\").replace('"', '\\"')
    check("the id is escaped", f'model="{expected}"' in text, text[-300:])
    stop(server)


run(main, "")
