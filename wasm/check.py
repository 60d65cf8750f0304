"""Uses the page of the embedded model as a person does, in Debian's Chromium: tells stories, compares one with the command's,
stops one, and gives wrong settings, in both themes and on a narrow screen. axe-core has to find nothing.

    tools/wasm.sh
    apt-get install chromium
    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install playwright==1.65.2 axe-playwright-python==0.1.8
    /tmp/venv/bin/python wasm/check.py target/wasm/page target/release/trine [/usr/bin/chromium]
"""

import functools
import http.server
import subprocess
import sys
import threading

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright


def check(what, holds, found=""):
    print("ok   " if holds else "WRONG", what, "" if holds else found, flush=True)
    if not holds:
        sys.exit(1)


def tell(page, seed, temperature="0.8"):
    page.locator("#seed").fill(seed)
    page.locator("#temperature").fill(temperature)
    page.locator("#tell").click()
    expect(page.locator("#tell")).to_be_enabled(timeout=60_000)
    return page.locator("#story").inner_text()


def used(browser, address, trine, **options):
    context = browser.new_context(**options)
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(address)
    expect(page.locator("#tell")).to_be_enabled(timeout=60_000)
    told = subprocess.run(
        [trine, "run", "-p", "Once upon a time", "--seed", "11", "--kv", "f32"], check=True, capture_output=True, text=True
    )
    check("the story is the command's", tell(page, "11").strip() == told.stdout.strip(), told.stdout)
    print("     ", page.locator("#speed").inner_text())
    check("another seed, another story", tell(page, "12").strip() != told.stdout.strip())
    tensors = page.locator("#tensors").inner_text()
    check("tensors have axes", "ffn" in tensors and "×" in tensors, tensors[:200])
    trace = page.locator("#trace tr").count()
    check("the trace has a row for each part", trace > 10, trace)
    page.locator("#prompt").fill("a " * 1000)
    page.locator("#tell").click()
    expect(page.locator("#problem")).to_contain_text("tokens")
    page.locator("#prompt").fill("The fox")
    page.locator("#tell").click()
    page.locator("#stop").click()
    expect(page.locator("#tell")).to_be_enabled()
    check("a story can be stopped", page.locator("#story").inner_text().startswith("The fox"))
    found = Axe().run(page).response["violations"]
    rules = [(rule["id"], [node["html"][:80] for node in rule["nodes"]][:3]) for rule in found]
    check("axe finds nothing", not rules, rules)
    width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    check("the page is no wider than its window", width <= 0, width)
    check("no complaint", not complaints, complaints)
    context.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def main():
    folder, trine = sys.argv[1], sys.argv[2]
    chromium = sys.argv[3] if len(sys.argv) > 3 else "/usr/bin/chromium"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for options in ({"color_scheme": "light"}, {"color_scheme": "dark"}, {"viewport": {"width": 320, "height": 640}}):
            print(options)
            used(browser, address, trine, **options)
        browser.close()


main()
