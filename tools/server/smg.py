"""Requests through smg, the model gateway of PyPI, to three servers: equal beginnings go to one server, one is killed
in the middle of streams, one is stopped while it answers.

    pip install smg==1.13.0
    python tools/server/smg.py target/release/trine

The script starts gateway and servers itself, on free ports of this machine, with the embedded model.
"""

import concurrent.futures
import json
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from serving import check, run, servers, start, stop

PREFIXES, QUESTIONS = 8, 8
WORDS = "fox king dog crow tree river stone bread light song winter door apple boat cloud hill".split()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(address, body):
    """Status and document of an answer."""
    head = {"content-type": "application/json"}
    request = urllib.request.Request(f"{address}/v1/completions", json.dumps(body).encode(), head)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def events(address, body, begun):
    """The text of a stream, and whether it came to its end; `begun` is called with the first event."""
    head = {"content-type": "application/json"}
    data = json.dumps({**body, "stream": True}).encode()
    request = urllib.request.Request(f"{address}/v1/completions", data, head)
    text, is_whole = "", False
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            for line in answer:
                if line.startswith(b"data: [DONE]"):
                    is_whole = True
                elif line.startswith(b"data: "):
                    event = json.loads(line[6:])
                    if "error" in event:
                        return text, False
                    text += "".join(choice["text"] for choice in event["choices"])
                    begun()
    except (OSError, ValueError):
        return text, False
    return text, is_whole


def answered(address):
    """Completions that a server has answered."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    counted = [line for line in lines if line.startswith("trine_choices_total")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in counted)


def gateway(addresses):
    """A gateway before servers, and its address."""
    program = pathlib.Path(sys.executable).parent / "smg"
    command = [str(program) if program.exists() else shutil.which("smg") or sys.exit("smg is not installed"), "launch"]
    port, metrics = free_port(), free_port()
    command += ["--host", "127.0.0.1", "--port", str(port)]
    command += ["--prometheus-host", "127.0.0.1", "--prometheus-port", str(metrics)]
    command += ["--policy", "cache_aware", "--worker-urls", *addresses]
    servers.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    address, end = f"http://127.0.0.1:{port}", time.monotonic() + 120
    while time.monotonic() < end:
        try:
            status, _ = ask(address, {"model": "stories", "prompt": "a", "max_tokens": 1})
            if status == 200:
                return address
        except OSError:
            pass
        time.sleep(0.2)
    sys.exit("the gateway did not begin to answer")


def beginnings(chance):
    """Texts of some 100 tokens that have nothing in common."""
    return [f"Story {number}: " + " ".join(chance.choices(WORDS, k=60)) for number in range(PREFIXES)]


def affinity(address, addresses, chance):
    """Which server answers what: equal beginnings, in any order, those of others between them."""
    prefixes = beginnings(chance)
    asked = [(prefix, question) for prefix in prefixes for question in range(QUESTIONS)]
    chance.shuffle(asked)
    home, kept, repeated = {}, 0, 0
    for prefix, question in asked:
        before = [answered(server) for server in addresses]
        status, answer = ask(address, {"model": "stories", "prompt": f"{prefix} {WORDS[question]}", "max_tokens": 4})
        check("a request through the gateway", status == 200, answer, quiet=True)
        by = [at for at, server in enumerate(addresses) if answered(server) > before[at]]
        check("one server answers", len(by) == 1, by, quiet=True)
        if prefix in home:
            repeated += 1
            kept += home[prefix] == by[0]
        home.setdefault(prefix, by[0])
    used = len(set(home.values()))
    print(f"{kept} of {repeated} repeated beginnings reached the server that knows them; {used} servers were used")
    check("95 % of repeated beginnings reach one server", kept >= 0.95 * repeated, (kept, repeated))
    check("more than one server is used", used > 1, home)


def bodies(chance, count):
    """Requests of texts that take a while, each with a seed of its own."""
    words = lambda: " ".join(chance.choices(WORDS, k=5))
    common = {"model": "stories", "max_tokens": 200, "ignore_eos": True, "temperature": 1}
    return [{**common, "prompt": f"{number} {words()}", "seed": number} for number in range(count)]


def killed(address, victim, survivor, chance):
    """A server that is killed while it streams: clients see that their text is not whole, and have it when they ask
    again."""
    asked, begun = bodies(chance, 24), []

    def kill():
        while len(begun) < 200:
            time.sleep(0.005)
        victim.send_signal(signal.SIGKILL)

    with concurrent.futures.ThreadPoolExecutor(len(asked) + 1) as threads:
        threads.submit(kill)
        found = list(threads.map(lambda body: events(address, body, lambda: begun.append(1)), asked))
    cut = [at for at, (_, is_whole) in enumerate(found) if not is_whole]
    print(f"{len(cut)} of {len(asked)} streams were cut")
    check("a killed server cuts some streams and not all", 0 < len(cut) < len(asked), len(cut))
    for at, (text, is_whole) in enumerate(found):
        whole = ask(survivor, asked[at])[1]["choices"][0]["text"]
        is_right = whole == text if is_whole else whole.startswith(text)
        check("what a client has is a beginning of its text", is_right, text, quiet=True)
    for at in cut:
        whole = ask(survivor, asked[at])[1]["choices"][0]["text"]
        status, answer = ask(address, asked[at])
        check("a client that asks again has its text", status == 200 and answer["choices"][0]["text"] == whole, answer,
              quiet=True)


def drained(address, leaving, survivor, chance):
    """A server that is stopped while requests come: none is lost."""
    asked = bodies(chance, 60)

    def one(numbered):
        at, body = numbered
        if at == 20:
            leaving.send_signal(signal.SIGTERM)
        return ask(address, body)

    with concurrent.futures.ThreadPoolExecutor(6) as threads:
        found = list(threads.map(one, enumerate(asked)))
    check("the server ends with 0", leaving.wait(timeout=60) == 0, leaving.returncode)
    lost = [answer for status, answer in found if status != 200]
    check("a server that is stopped loses no request", not lost, lost[:1])
    for body, (_, answer) in zip(asked, found):
        whole = ask(survivor, body)[1]["choices"][0]["text"]
        check("each has its text", answer["choices"][0]["text"] == whole, answer, quiet=True)


def main():
    program = sys.argv[1]
    chance = random.Random(7)
    started = [start(program, "--id", "stories", "--threads", "1") for _ in range(3)]
    addresses = [address for _, address in started]
    address = gateway(addresses)
    affinity(address, addresses, chance)
    killed(address, started[0][0], addresses[2], chance)
    drained(address, started[1][0], addresses[2], chance)
    stop(started[2][0])


run(main, " with smg")
