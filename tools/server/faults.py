"""Requests whose clients leave at random, beside connections that are silent or slow, and the end of a server in the middle
of streams. Memory has to stay what it is, no page may be lost, `/health` has to be answered at once.

    python3 tools/server/faults.py target/release/trine [REQUESTS]

Needs nothing but Python. The script starts the server itself, on a free port, with the embedded model. Times are those of
this machine, and are told and not judged.
"""

import asyncio
import json
import pathlib
import random
import re
import signal
import sys
import time
import urllib.request

from serving import check, run, start

TOGETHER = 24
SILENT = 200


def anonymous(server):
    """Memory of the process that no file stands behind, in kilobytes."""
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    return sum(int(number) for number in re.findall(r"(?:RssAnon|VmSwap):\s+(\d+)", status))


def metric(address, name):
    with urllib.request.urlopen(f"{address}/metrics") as answer:
        text = answer.read().decode()
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    return float(found[1]) if found else 0.0


def request(host, body):
    text = json.dumps(body)
    head = f"POST /v1/completions HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nconnection: close\r\n"
    return f"{head}content-length: {len(text)}\r\n\r\n{text}".encode()


async def one(host, port, number, chance, statuses):
    body = {"prompt": f"{number} The old king {'and his dog ' * chance.randrange(12)}", "seed": number,
            "max_tokens": chance.randrange(1, 40), "n": chance.choice([1, 1, 1, 3]), "stream": chance.random() < 0.5,
            "temperature": 1}
    if chance.random() < 0.1:
        body["guided_regex"] = "[a-z ]{3,20}"
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        sent = request(f"{host}:{port}", body)
        fate = chance.random()
        if fate < 0.1:
            writer.write(sent[:chance.randrange(len(sent))])
            await writer.drain()
            await asyncio.sleep(chance.random() * 0.02)
            return
        writer.write(sent)
        await writer.drain()
        if fate < 0.5:
            await asyncio.sleep(chance.random() * 0.2)
            return
        if fate < 0.6:
            await reader.read(chance.randrange(1, 300))
            return
        answer = await reader.read()
        status = answer[9:12].decode() or "none"
        statuses[status] = statuses.get(status, 0) + 1
    finally:
        writer.close()


async def health(address, done, times):
    loop = asyncio.get_running_loop()
    host, port = address.removeprefix("http://").split(":")
    while not done.is_set():
        begun = loop.time()
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET /health HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        check("health", answer.startswith(b"HTTP/1.1 200"), answer, quiet=True)
        times.append(loop.time() - begun)
        await asyncio.sleep(0.05)


async def soak(server, address, requests):
    host, port = address.removeprefix("http://").split(":")
    silent = [await asyncio.open_connection(host, int(port)) for _ in range(SILENT)]
    for _, writer in silent[::2]:
        writer.write(b"POST /v1/completions HTTP/1.1\r\nhost: ")
    chance, statuses, times, memory = random.Random(24), {}, [], []
    done, numbers = asyncio.Event(), iter(range(requests))

    async def client():
        for number in numbers:
            await one(host, port, number, chance, statuses)
            if number % max(requests // 10, 1) == 0 or number == 100:
                memory.append((number, anonymous(server)))

    watching = asyncio.create_task(health(address, done, times))
    begun = time.monotonic()
    await asyncio.gather(*[client() for _ in range(TOGETHER)])
    done.set()
    await watching
    times.sort()
    took = time.monotonic() - begun
    print(f"{requests} requests in {took:.0f} s, answers by status: {statuses}")
    print(f"/health: median {1e3 * times[len(times) // 2]:.1f} ms, "
          f"p99 {1e3 * times[len(times) * 99 // 100]:.1f} ms of {len(times)}")
    print("anonymous memory in MB, after requests:", ", ".join(f"{at}: {kb / 1e3:.1f}" for at, kb in memory))
    for _, writer in silent:
        writer.close()
    return statuses, memory


def settled(address):
    """Waits until nothing is generated, as clients that left are noticed in the next step."""
    gauges = ["trine_requests_running", "trine_requests_queued", 'trine_kv_positions{state="active"}']
    for _ in range(600):
        if all(metric(address, name) == 0 for name in gauges):
            return True
        time.sleep(0.1)
    return False


async def end_in_the_middle(server, address):
    host, port = address.removeprefix("http://").split(":")
    body = {"prompt": "The king", "max_tokens": 150, "ignore_eos": True, "stream": True}
    streams = [await asyncio.open_connection(host, int(port)) for _ in range(16)]
    for seed, (_, writer) in enumerate(streams):
        writer.write(request(f"{host}:{port}", {**body, "seed": seed}))
    begun = [await reader.readuntil(b"data: ") for reader, _ in streams]
    server.send_signal(signal.SIGTERM)
    texts = [await reader.read() for reader, _ in streams]
    check("SIGTERM in the middle of 16 streams loses none",
          len(begun) == 16 and all(b'"finish_reason":"length"' in text and b"[DONE]" in text for text in texts), texts)
    check("and ends the server with 0", server.wait(timeout=60) == 0, server.returncode)


def main():
    requests = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    server, address = start(sys.argv[1], "--max-wait", "600", "--max-queue", "1000", "--max-connections", "1000")
    statuses, memory = asyncio.run(soak(server, address, requests))
    check("answers are 200", set(statuses) == {"200"}, statuses)
    check("nothing runs any more", settled(address))
    check("no page is lost", metric(address, "trine_kv_pages_elsewhere") == 0)
    # What the allocator keeps differs a little from moment to moment.
    early, late = [kb for at, kb in memory if at >= 100][:1], memory[-1][1]
    check("memory is flat after the first 100", not early or late < early[0] * 1.1 + 8_000, memory)
    asyncio.run(end_in_the_middle(server, address))


run(main, "")
