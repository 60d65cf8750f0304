"""Commands that write while the disk is full: batches, conversions, made-up models, logits, pictures. What cannot be
written is one line that names the file; nothing half-written stays, what was there stays as it was, and the same
command makes the same bytes once there is room.

    python3 tools/server/disk.py target/release/trine

Needs nothing but Python, and Linux: the full disk is a file system in memory of four megabytes, in a namespace of the
script's own, so that nothing is left mounted when the script ends.
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import serving
from serving import check, servers, stop

SIZE = 4 << 20
SHARDS, ROWS = 6, 40


def made(program, *arguments, out=subprocess.DEVNULL):
    """What a command does: exit code, lines on standard error."""
    command = [program, *map(str, arguments)]
    done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, timeout=300, check=False)
    return done.returncode, done.stderr.splitlines()


def contents(folder):
    """The files of a folder."""
    return {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()}


def fill(disk, room):
    """Takes all of the disk but for `room` bytes, in whole pages."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        left = shutil.disk_usage(disk).free - room
        while left > 0:
            left -= file.write(b"\0" * min(left, 1 << 16))
    return ballast


def refuses(name, done, path):
    """Whether a command says in one line that the file does not fit."""
    code, lines = done
    errors = [line for line in lines if line.startswith("error:")]
    is_told = len(errors) == 1 and lines[-1] == errors[0] and str(path) in errors[0] and "No space left" in errors[0]
    check(f"{name}: one line that names the file", code == 1 and is_told, done)


def batches(program, folder, disk):
    """Shards that become shards, as many as there is room for, and the others later."""
    shards, whole, output = folder / "shards", folder / "whole", disk / "out"
    shards.mkdir()
    for shard in range(SHARDS):
        rows = [{"id": f"{shard}/{row}", "prompt": f"The {row} fox"} for row in range(ROWS)]
        (shards / f"{shard}.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    command = lambda to: made(program, "batch", shards, to, "--field", "max_tokens=24")
    check("a batch where there is room", (done := command(whole))[0] == 0, done)
    expected = contents(whole)
    ballast = fill(disk, sum(map(len, expected.values())) // 2)
    refuses("a batch on a full disk", command(output), output)
    found = contents(output)
    check("it leaves whole shards and nothing else", 0 < len(found) < SHARDS and found.items() <= expected.items(),
          sorted(found))
    times = {path.name: path.stat().st_mtime_ns for path in output.iterdir()}
    refuses("the same again", command(output), output)
    ballast.unlink()
    check("the same command when there is room", (done := command(output))[0] == 0, done)
    check("makes the bytes of a batch that had room", contents(output) == expected)
    check("and no shard twice", all((output / name).stat().st_mtime_ns == at for name, at in times.items()))
    shutil.rmtree(output)


def files(program, folder, disk):
    """Commands that write one file: a new one, and one in place of another."""
    model, ids = folder / "model.gguf", ",".join(map(str, range(1, 33)))
    check("a model", (done := made(program, "synth", model, "--seed", "2"))[0] == 0, done)
    commands = {
        "convert": lambda to: ["convert", model, to, "--to", "tq2_0"],
        "synth": lambda to: ["synth", to, "--seed", "3"],
        "logits": lambda to: ["logits", "--ids", ids, "--out", to],
        "check --svg": lambda to: ["check", "--trace", "--svg", to],
    }
    new, old = disk / "new.out", disk / "old.out"
    for name, command in commands.items():
        whole = folder / "whole.out"
        check(f"{name} where there is room", (done := made(program, *command(whole)))[0] == 0, done)
        expected = whole.read_bytes()
        old.write_bytes(b"what was there")
        ballast = fill(disk, len(expected) // 2)
        for path in [new, old]:
            refuses(f"{name} on a full disk", made(program, *command(path)), path)
        check("it leaves nothing, and what was there", contents(disk).keys() == {"ballast", "old.out"}
              and old.read_bytes() == b"what was there", sorted(contents(disk)))
        ballast.unlink()
        for path in [new, old]:
            check(f"{name} when there is room", (done := made(program, *command(path)))[0] == 0, done)
            check("makes the same bytes", path.read_bytes() == expected)
            path.unlink()
        whole.unlink()


def streams(program, disk):
    """What is printed, into a file on the full disk: an error of a command, and nothing to a server."""
    ballast = fill(disk, 0)
    for name, command in {"run": ["run", "--greedy", "-n", "20"], "inspect": ["inspect"]}.items():
        with (disk / "printed").open("wb") as out:
            refuses(f"{name} > FILE on a full disk", made(program, *command, out=out), "standard output")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (disk / "log").open("wb") as log:
        server = subprocess.Popen([program, "serve", "--log", "--port", str(port)], stderr=log)
    servers.append(server)
    body = json.dumps({"prompt": "The fox", "max_tokens": 8}).encode()
    head = {"content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/completions", body, head)
    for _ in range(5):
        check("a server whose log is full answers", answered(request) == 200)
    stop(server)
    check("the log is empty", (disk / "log").stat().st_size == 0)
    ballast.unlink()


def answered(request):
    """The status of an answer of a server that may still be starting."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status
        except ConnectionError as error:
            found = error
        except urllib.error.URLError as error:
            found = error.reason
        time.sleep(0.1)
    return found


def main():
    program = os.path.abspath(sys.argv[1])
    if len(sys.argv) == 2:
        # A file system of its own needs a namespace of its own, which ends with the script.
        inside = ["unshare", "--map-root-user", "--mount"]
        if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode != 0:
            print("SKIPPED: this system has no namespaces for file systems (`unshare --map-root-user --mount`)")
            return
        sys.exit(subprocess.run([*inside, sys.executable, __file__, program, "inside"], check=False).returncode)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        disk = folder / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", disk], check=True)
        try:
            batches(program, folder, disk)
            files(program, folder, disk)
            streams(program, disk)
        finally:
            subprocess.run(["umount", "--lazy", disk], check=True)
    print(f"{serving.passed} checks")


try:
    main()
finally:
    for server in servers:
        server.kill()
