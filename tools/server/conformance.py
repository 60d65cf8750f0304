"""Asks a server as the `openai` package does, and compares what comes back with what that package promises.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install openai==3.57.0
    /tmp/venv/bin/python tools/server/conformance.py target/debug/trine

The script starts the server itself, on a free port, with the embedded model and with a copy that has a chat template.
"""

import asyncio
import json
import sys
import tempfile
import urllib.request

import openai

from serving import check, run, start, stop, with_template


def raises(kind, call):
    try:
        call()
    except kind as error:
        return error
    sys.exit(f"FAILED: expected {kind.__name__}")


def completions(client):
    models = client.models.list()
    model = models.data[0].id
    check("models.list", models.data[0].object == "model" and models.data[0].owned_by == "trine", models)
    check("models.retrieve", client.models.retrieve(model).id == model)
    plain = client.completions.create(model=model, prompt="Once upon a time", max_tokens=20, seed=7)
    choice = plain.choices[0]
    check("completions.create", choice.finish_reason == "length" and choice.text, plain)
    check("usage", plain.usage.completion_tokens == 20, plain.usage)
    check("fingerprint", plain.system_fingerprint.startswith("trine-"), plain.system_fingerprint)
    check("request id", bool(plain._request_id), plain._request_id)
    again = client.completions.create(model=model, prompt="Once upon a time", max_tokens=20, seed=7)
    check("a seed repeats a text", again.choices[0].text == choice.text, (again, plain))

    parts = list(client.completions.create(model=model, prompt="Once upon a time", max_tokens=20, seed=7, stream=True,
                                           stream_options={"include_usage": True}))
    text = "".join(part.choices[0].text for part in parts if part.choices)
    check("a stream is the same text", text == choice.text, text)
    check("the last event has the usage", parts[-1].usage.total_tokens == plain.usage.total_tokens, parts[-1])

    two = client.completions.create(model=model, prompt=["The king", "A dog"], n=2, max_tokens=5, seed=1)
    check("choices in order", [choice.index for choice in two.choices] == [0, 1, 2, 3], two)
    ids = client.completions.create(model=model, prompt=[5, 6, 7], max_tokens=1, temperature=0)
    check("prompts of ids", ids.usage.prompt_tokens == 3, ids.usage)
    echo = client.completions.create(model=model, prompt="The old man", echo=True, logprobs=1, max_tokens=1,
                                     temperature=0)
    lists = echo.choices[0].logprobs
    check("echo with log-probabilities", lists.token_logprobs[0] is None and
          len(lists.token_logprobs) == echo.usage.prompt_tokens + 1, lists)
    check("the chosen token is among the likeliest",
          all(value in top.values() for value, top in zip(lists.token_logprobs[1:], lists.top_logprobs[1:])), lists)
    stopped = client.completions.create(model=model, prompt="Once upon a time", temperature=0, max_tokens=60, stop=["."])
    check("stop strings", stopped.choices[0].finish_reason in ("stop", "length") and
          "." not in stopped.choices[0].text, stopped)
    return model


def errors(client, model):
    error = raises(openai.BadRequestError, lambda: client.completions.create(model=model, prompt="a", temperature=-1))
    check("a wrong value", error.param == "temperature" and error.code == "invalid_value", error.body)
    error = raises(openai.BadRequestError, lambda: client.completions.create(model=model, prompt="a " * 20_000))
    check("too long a prompt", error.code == "context_length_exceeded", error.body)
    error = raises(openai.NotFoundError, lambda: client.completions.create(model="other", prompt="a"))
    check("another model", error.code == "model_not_found", error.body)
    error = raises(openai.BadRequestError, lambda: client.embeddings.create(model=model, input="a"))
    check("no embeddings", error.status_code == 400, error.body)
    stream = client.completions.create(model=model, prompt="a", max_tokens=100, stream=True,
                                       extra_body={"ignore_eos": True})
    next(iter(stream))
    stream.close()
    check("a stream may be left", client.models.list().data[0].id == model)
    answer = client.completions.with_raw_response.create(model=model, prompt="a", max_tokens=1, user="me")
    check("unknown fields are told", answer.headers["x-trine-ignored"] == "user", dict(answer.headers))


async def together(address, model):
    client = openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="none")

    async def one(seed):
        answer = await client.completions.create(model=model, prompt="The king", seed=seed, max_tokens=30, temperature=1)
        return answer.choices[0].text

    alone = [await one(seed) for seed in range(8)]
    at_once = await asyncio.gather(*[one(seed) for seed in range(8)])
    check("texts do not depend on who else asks", alone == list(at_once), (alone, at_once))
    await client.close()


def chat(client, model):
    messages = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}]
    answer = client.chat.completions.create(model=model, messages=messages, max_completion_tokens=20, seed=3,
                                            logprobs=True, top_logprobs=2)
    choice = answer.choices[0]
    check("chat", choice.message.role == "assistant" and choice.message.content is not None, answer)
    check("log-probabilities of an answer", len(choice.logprobs.content) == answer.usage.completion_tokens, choice)
    parts = list(client.chat.completions.create(model=model, messages=messages, max_completion_tokens=20, seed=3,
                                                stream=True, stream_options={"include_usage": True}))
    text = "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
    check("a streamed answer", text == choice.message.content, (text, choice))
    check("roles come first", parts[0].choices[0].delta.role == "assistant", parts[0])
    check("usage comes last", parts[-1].usage.completion_tokens == answer.usage.completion_tokens, parts[-1])
    # The package raises an error of its own for an answer that the limit cut: so a text ends this one.
    begin = len(text) // 2
    with client.chat.completions.stream(model=model, messages=messages, max_completion_tokens=20, seed=3,
                                        stop=[text[begin:begin + 4]]) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    expected = text[:text.index(text[begin:begin + 4])]
    check("chat.completions.stream", final.choices[0].message.content == expected, final)


def busy(program):
    server, address = start(program, "--max-seqs", "1", "--max-queue", "0")
    client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
    error = raises(openai.RateLimitError, lambda: client.completions.create(model="stories", prompt="a", n=8))
    check("429 with a time", 1 <= int(error.response.headers["retry-after"]) <= 60, dict(error.response.headers))
    stop(server)


def keys(program):
    server, address = start(program, "--api-key", "ana:secret")
    wrong = openai.OpenAI(base_url=f"{address}/v1", api_key="wrong", max_retries=0)
    error = raises(openai.AuthenticationError, wrong.models.list)
    check("a wrong key", error.code == "invalid_api_key", error.body)
    right = openai.OpenAI(base_url=f"{address}/v1", api_key="secret", max_retries=0)
    check("a key", right.models.list().data[0].id == "stories")
    with urllib.request.urlopen(f"{address}/health") as answer:
        check("health needs none", json.load(answer) == {"status": "ok"})
    stop(server)


TEMPLATE = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def main():
    program = sys.argv[1]
    server, address = start(program)
    client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
    model = completions(client)
    errors(client, model)
    asyncio.run(together(address, model))
    error = raises(openai.BadRequestError, lambda: client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "Hi"}]))
    check("a model without a template says so", error.code == "no_chat_template", error.body)
    stop(server)
    busy(program)
    keys(program)
    with tempfile.TemporaryDirectory() as folder:
        server, address = start(program, with_template(folder, TEMPLATE))
        client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
        chat(client, client.models.list().data[0].id)
        stop(server)


run(main, f" with openai {openai.__version__}")
