"""What a process and its threads must not notice: locks, signals, forks, memory. Each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest


def run(program: str, *arguments: str) -> subprocess.Popen[str]:
    """A program of Python."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(program: str, *arguments: str) -> str:
    """What a program prints that ends well."""
    process = run(program, *arguments)
    printed, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return printed


WAITS = {
    "generate": "for piece in model.generate('Once', max_tokens=200, ignore_eos=True): said()",
    "batch": "said(); model.generate_batch(['Once'] * 4000, max_tokens=200, ignore_eos=True)",
    "score": "said(); model.score(['Once upon a time ' * 40] * 40000, [' there'] * 40000)",
    "async": """
        async def read():
            async for piece in model.agenerate('Once', max_tokens=200, ignore_eos=True):
                said()
                await asyncio.sleep(3600)
        asyncio.run(read())""",
}


@pytest.mark.parametrize("what", WAITS)
def test_an_interrupt_ends_every_wait(what: str) -> None:
    program = f"""
import asyncio, sys, trine
model = trine.embedded()
def said():
    print("begun", flush=True)
try:
    while True:
{textwrap.indent(textwrap.dedent(WAITS[what]).strip(), "        ")}
except KeyboardInterrupt:
    text = "".join(model.generate("Once upon a time", max_tokens=3, temperature=0))
    print("interrupted, and then" + text, flush=True)
"""
    process = run(program)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert printed.splitlines()[-1].startswith("interrupted, and then, there"), (printed, errors)


def test_the_interpreter_is_free_while_a_text_is_waited_for() -> None:
    # No thread gives the interpreter up by itself, so that the counter runs only while the wait has left it.
    program = """
    import sys, threading, trine
    model = trine.embedded(threads=1)
    sys.setswitchinterval(1e6)
    counts, done = [0], []
    def generate():
        model.generate_batch(["Once"] * 40, max_tokens=100, ignore_eos=True)
        done.append(True)
    thread = threading.Thread(target=generate)
    thread.start()
    import time
    while not done:
        counts[0] += 1
        time.sleep(0)
    thread.join()
    print(counts[0])
    """
    assert int(output(program)) > 1000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_is_refused_and_opens_a_model_of_its_own() -> None:
    program = """
    import gc, os, sys, trine
    model = trine.embedded()
    session, text = model.session(), model.generate("Once", max_tokens=100, ignore_eos=True)
    session.feed("Once"), next(text)
    child = os.fork()
    if child == 0:
        refused = 0
        for use in (lambda: model.generate("a"), lambda: session.feed("b"), lambda: next(text), lambda: model.trace("a")):
            try:
                use()
            except trine.TrineError as error:
                refused += "this is its fork" in str(error)
        del model, session, text
        gc.collect()
        own = "".join(trine.embedded().generate("Once upon a time", max_tokens=3, temperature=0))
        print(refused, own, flush=True)
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
    print(len("".join(text)) > 0)
    """
    assert output(program).splitlines() == ["4 , there was", "True"]


def test_memory_does_not_grow_with_texts() -> None:
    program = """
    import gc, trine
    model = trine.embedded()
    def resident():
        gc.collect()
        return int(open("/proc/self/statm").read().split()[1]) * 4096
    def texts(count):
        for seed in range(count):
            "".join(model.generate(f"The {seed} king", max_tokens=4, seed=seed))
            model.session().feed("Once upon a time", all=True)
            text = model.generate("Once", max_tokens=50)
            next(text)
            del text
    texts(300)
    before = resident()
    texts(1000)
    print(resident() - before)
    """
    assert int(output(program)) < 8 << 20


def test_a_process_ends_while_texts_are_generated() -> None:
    program = """
    import asyncio, threading, trine
    model = trine.embedded()
    text = model.generate("Once", max_tokens=200, ignore_eos=True)
    next(text)
    threading.Thread(target=lambda: list(model.generate("A", max_tokens=200, ignore_eos=True)), daemon=True).start()
    print("bye")
    """
    assert output(program) == "bye\n"


def test_an_import_loads_no_numpy() -> None:
    program = """
    import sys, trine
    print([name for name in ("numpy", "asyncio", "json", "matplotlib") if name in sys.modules])
    trine.embedded()
    """
    assert output(program) == "[]\n"
