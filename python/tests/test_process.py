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
    "embed": "said(); model.embed(['Once upon a time ' * 40] * 40000, pooling='mean')",
    "rows": "said(); trine.batch.rows(model, [{'id': row, 'prompt': 'Once'} for row in range(4000)], max_tokens=200)",
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
import asyncio, sys, trine, trine.batch
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
    try:
        printed, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    assert printed.splitlines()[-1].startswith("interrupted, and then, there"), (printed, errors)


def test_an_interrupt_between_two_events_ends_a_batch() -> None:
    # The exception is raised by the interpreter and not by the wait, and its traceback has the frames of the call.
    program = """
    import trine
    from trine._generation import Generated
    model = trine.embedded(sequences=1)
    takes = []
    take = Generated._take
    def interrupted(text, event):
        takes.append(event)
        if len(takes) == 20:
            raise KeyboardInterrupt
        return take(text, event)
    Generated._take = interrupted
    try:
        model.generate_batch(["Once"] * 20000, max_tokens=200, ignore_eos=True)
    except KeyboardInterrupt:
        # There is memory for one text, and every text of the batch would be before this one.
        Generated._take = take
        print("".join(model.generate("Once upon a time", max_tokens=3, temperature=0)), flush=True)
    """
    process = run(program)
    try:
        printed, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert printed == ", there was\n", errors


def test_a_ninth_thread_counts_while_eight_generate() -> None:
    # No thread gives the interpreter up by itself, so that the ninth counts only while waits have left it.
    program = """
    import sys, threading, time, trine
    model = trine.embedded(threads=1)
    sys.setswitchinterval(1e6)
    texts = []
    def generate(seed):
        texts.append("".join(model.generate("Once", max_tokens=100, ignore_eos=True, seed=seed)))
    threads = [threading.Thread(target=generate, args=[seed]) for seed in range(8)]
    for thread in threads:
        thread.start()
    count = 0
    while len(texts) < 8:
        count += 1
        time.sleep(0)
    print(count, len(set(texts)))
    """
    count, texts = map(int, output(program).split())
    assert count > 1000 and texts == 8


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
