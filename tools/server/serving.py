"""What the scripts beside it share: a server that is started and ended, checks that are counted, and a model with a chat
template.
"""

import pathlib
import re
import signal
import struct
import subprocess
import sys

passed = 0
servers = []


def check(name, holds, found=None, quiet=False):
    """Counts what holds; ends the program with what does not."""
    global passed
    if not holds:
        sys.exit(f"FAILED: {name}: {found!r}")
    passed += 1
    if not quiet:
        print(f"ok: {name}")


def start(program, *arguments):
    """A server and its address."""
    command = [program, "serve", *arguments, "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    servers.append(server)
    for line in server.stderr:
        found = re.search(r"listening at (http://\S+)", line)
        if found:
            return server, found[1]
    sys.exit("the server did not start")


def stop(server):
    """Ends a server as a system does."""
    server.send_signal(signal.SIGTERM)
    check("SIGTERM ends the server with 0", server.wait(timeout=60) == 0, server.returncode)


def with_template(folder, template):
    """The embedded model with a chat template: an entry more before the others, of a length that keeps all aligned."""
    file = pathlib.Path(__file__).parents[2] / "assets" / "stories-i2_s.gguf"
    content = file.read_bytes()
    entries, = struct.unpack_from("<Q", content, 16)
    key, template = b"tokenizer.chat_template", template.encode()
    template += b" " * (-(8 + len(key) + 4 + 8 + len(template)) % 32)
    entry = struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, len(template)) + template
    path = pathlib.Path(folder) / "chat.gguf"
    path.write_bytes(content[:16] + struct.pack("<Q", entries + 1) + entry + content[24:])
    return str(path)


def run(main, what):
    """Runs a script, which starts servers, and says how many checks it made."""
    try:
        main()
    finally:
        # Where a check failed, servers still run.
        for server in servers:
            server.kill()
    print(f"{passed} checks{what}")
