"""Uses the web page of a server as a person does, in Debian's Chromium: by keyboard, in both themes, on a narrow screen, with
a wrong key, with hostile and very long texts of a model, and when the server has gone. axe-core has to find nothing.

    apt-get install chromium
    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install playwright==1.65.2 axe-playwright-python==0.1.8
    /tmp/venv/bin/python tools/server/page.py target/debug/trine [/usr/bin/chromium]

The script starts the servers itself, on free ports. Where a text has to be a certain one, the browser is given the answer in
the place of the server.
"""

import json
import sys
import tempfile

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright
from serving import check, run, start, stop, with_template

TEMPLATE = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)

HOSTILE = "<img src=x onerror=\"window.hit=1\"><script>window.hit=1</script> [a](javascript:window.hit=1) **b `c"

# Tasks of the page's thread that keep it from answering to a person.
WATCH = """
window.tasks = [];
new PerformanceObserver((list) => list.getEntries().forEach((entry) => window.tasks.push(entry.duration)))
    .observe({ entryTypes: ['longtask'] });
"""


class Page:
    """A page, what it asked for, and what it complained about."""

    def __init__(self, browser, address, **options):
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.address, self.asked, self.complaints = address, [], []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        self.page.add_init_script(WATCH)
        self.page.goto(address)
        self.page.wait_for_function("['model', 'problem'].some((id) => document.getElementById(id).textContent !== '')")

    def at(self, name):
        return self.page.locator(f"#{name}")

    def wait(self, text):
        expect(self.at("state")).to_have_text(text, timeout=60_000)

    def is_sound(self, name, complaints=False):
        found = Axe().run(self.page).response["violations"]
        told = [(rule["id"], [node["html"][:80] for node in rule["nodes"]]) for rule in found]
        check(f"{name}: axe finds nothing", not told, told)
        strange = [url for url in self.asked if not url.startswith((self.address, "data:", "blob:"))]
        check(f"{name}: no other server is asked", not strange, strange)
        check(f"{name}: no complaint", complaints or not self.complaints, self.complaints)

    def close(self):
        self.context.close()


def events(pieces):
    """An answer in events, as the server writes it."""
    usage = {"prompt_tokens": 1, "completion_tokens": len(pieces), "prompt_tokens_details": {"cached_tokens": 0}}
    told = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    told.append({"choices": [], "usage": usage, "timings": {"predicted_per_second": 1}})
    return "".join(f"data: {json.dumps(event)}\n\n" for event in told) + "data: [DONE]\n\n"


def continues(browser, address):
    for theme in ("light", "dark"):
        page = Page(browser, address, color_scheme=theme)
        check(f"{theme}: the field has the focus", page.page.evaluate("document.activeElement.id") == "text")
        page.is_sound(f"{theme}, before a text")
        page.page.keyboard.press("End")
        page.page.keyboard.press("Enter")
        page.wait("Done")
        text = page.at("text").input_value()
        check(f"{theme}: Enter continues the text", text.startswith("Once upon a time") and len(text) > 40, text)
        check(f"{theme}: the log has the same text", text in page.at("log").inner_text(), page.at("log").inner_text())
        check(f"{theme}: what is said aloud is its end", page.at("spoken").inner_text().strip()[-8:] in text)
        page.page.locator("summary").click()
        page.is_sound(f"{theme}, with a text and settings")
        page.close()
    narrow = Page(browser, address, viewport={"width": 320, "height": 640})
    width = narrow.page.evaluate("document.documentElement.scrollWidth")
    check("320 pixels are wide enough", width <= 320, width)
    narrow.page.locator("summary").click()
    narrow.at("temperature").fill("hot")
    narrow.at("send").click()
    check("a setting that is no number is named", "Temperature" in narrow.at("problem").inner_text())
    narrow.at("temperature").fill("1")
    narrow.at("max_tokens").fill("5")
    narrow.at("seed").fill("3")
    narrow.at("send").click()
    narrow.wait("Done")
    check("settings are sent", "5 written" in narrow.at("log").inner_text(), narrow.at("log").inner_text())
    narrow.at("clear").click()
    check("a page can be cleared", narrow.at("log").inner_text() == "")
    narrow.is_sound("a narrow page")
    narrow.close()


def converses(browser, address):
    page = Page(browser, address)
    page.at("text").fill(HOSTILE)
    page.page.keyboard.press("Enter")
    page.wait("Done")
    check("a message is shown as it was typed", HOSTILE in page.at("log").inner_text())
    check("and the field is empty again", page.at("text").input_value() == "")
    page.page.route("**/v1/chat/completions", lambda route: route.fulfill(
        status=200, content_type="text/event-stream", body=events([HOSTILE[at:at + 5] for at in range(0, len(HOSTILE), 5)])))
    page.at("text").fill("Again")
    page.page.keyboard.press("Enter")
    page.wait("Done")
    check("a text of a model is text", page.at("log").inner_text().count(HOSTILE) == 2, page.at("log").inner_text())
    nothing = "window.hit === undefined && !document.querySelector('#log img, #log script, #log a')"
    check("and nothing of it runs", page.page.evaluate(nothing))
    page.is_sound("a conversation")
    page.page.unroute("**/v1/chat/completions")
    words = [f"word{number} " for number in range(10_000)]
    page.page.route("**/v1/chat/completions", lambda route: route.fulfill(
        status=200, content_type="text/event-stream", body=events(words)))
    page.at("text").fill("Much")
    page.page.evaluate("window.tasks.length = 0")
    page.page.keyboard.press("Enter")
    expect(page.at("log")).to_contain_text("word9999", timeout=60_000)
    page.wait("Done")
    tasks = page.page.evaluate("window.tasks")
    print(f"tasks above 50 ms while 10,000 tokens came at once: {[round(task) for task in tasks]}")
    page.close()


def stops(browser, address):
    page = Page(browser, address)

    def hold(route):
        page.held = route

    page.page.route("**/v1/completions", hold)
    page.page.keyboard.press("Enter")
    page.wait("Waiting")
    check("one text at a time", page.at("send").is_disabled() and page.at("stop").is_enabled())
    page.page.keyboard.press("Escape")
    page.wait("Stopped")
    check("Escape stops it", page.at("send").is_enabled() and page.page.evaluate("document.activeElement.id") == "text")
    page.page.unroute_all(behavior="ignoreErrors")
    page.close()


def keys(browser, program):
    server, address = start(program, "--api-key", "secret")
    page = Page(browser, address)
    check("a page without a key says so", "API key" in page.at("problem").inner_text(), page.at("problem").inner_text())
    page.page.locator("summary").click()
    page.is_sound("a page without a key", complaints=True)
    page.at("key").fill("secret")
    page.at("key").press("Tab")
    expect(page.at("model")).to_contain_text("positions")
    check("a key is enough", page.at("problem").inner_text() == "")
    stop(server)
    page.at("text").fill("Once")
    page.at("text").press("Enter")
    page.wait("Failed")
    check("a server that has gone is told", page.at("problem").inner_text() != "" and page.at("send").is_enabled())
    page.close()


def main():
    program = sys.argv[1]
    path = sys.argv[2] if len(sys.argv) > 2 else "/usr/bin/chromium"
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        server, address = start(program)
        continues(browser, address)
        stops(browser, address)
        stop(server)
        server, address = start(program, with_template(folder, TEMPLATE))
        converses(browser, address)
        stop(server)
        keys(browser, program)
        browser.close()


run(main, " in Chromium")
