"""Asks a server for forms of answers and calls of tools with the packages that programs use, and in the words of other
APIs: what each package makes of the answers has to be what it promises.

    python3 -m venv /tmp/venv
    /tmp/venv/bin/pip install openai anthropic ollama langchain-openai instructor litellm jsonschema
    /tmp/venv/bin/python tools/server/clients.py target/debug/trine

tools/server.sh names the versions that are known to go together. The script starts the server itself, on a free port, with a copy of the embedded model that has a chat template. The
model is too small to call a tool by itself, so that calls are asked for.
"""

import json
import os
import re
import sys
import tempfile
import typing

# What LiteLLM would ask another server for when it is imported.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import anthropic
import instructor
import jsonschema
import litellm
import ollama
import openai
import pydantic
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool as langchain_tool
from langchain_openai import ChatOpenAI
from serving import check, run, start, stop, with_template

TEMPLATE = (
    "{% if tools %}<tool_call>{% for tool in tools %} {{ tool.function.name }}{% endfor %}\n{% endif %}"
    "{% for m in messages %}{{ m.role }}: {{ m.content }}"
    "{% for c in m.tool_calls or [] %}{{ c.function.name }} {{ c.function.arguments | tojson }}{% endfor %}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)

QUESTION = [{"role": "user", "content": "Where is it?"}]


class Place(pydantic.BaseModel, extra="forbid"):
    """A place."""

    city: typing.Literal["Bonn", "Rome", "Oslo"]
    north: bool
    roads: typing.List[int] = pydantic.Field(max_length=2)


class Weather(pydantic.BaseModel, extra="forbid"):
    """Tells the weather."""

    city: typing.Literal["Bonn", "Rome"]
    days: int = pydantic.Field(ge=1, le=9)


def forms(client, model):
    answer = client.chat.completions.parse(model=model, messages=QUESTION, response_format=Place, seed=1, temperature=1)
    check("chat.completions.parse", isinstance(answer.choices[0].message.parsed, Place), answer)
    with client.chat.completions.stream(model=model, messages=QUESTION, response_format=Place, seed=1,
                                        temperature=1) as stream:
        final = stream.get_final_completion()
    check("a streamed form is the same", final.choices[0].message.parsed == answer.choices[0].message.parsed, final)
    answer = client.chat.completions.create(model=model, messages=QUESTION, response_format={"type": "json_object"},
                                            seed=2, max_tokens=30)
    check("json_object", answer.choices[0].message.content.startswith("{"), answer)
    for body in ({"guided_regex": r"\d{2}:\d{2}"}, {"guided_grammar": 'start: /[0-9]{2}/ ":" /[0-9]{2}/'},
                 {"grammar": 'root ::= d d ":" d d\nd ::= [0-9]'}):
        answer = client.completions.create(model=model, prompt="At ", seed=3, extra_body=body)
        check(f"{list(body)[0]}", re.fullmatch(r"\d\d:\d\d", answer.choices[0].text), answer)
    schema = {
        "type": "object", "additionalProperties": False, "required": ["a", "b", "c"],
        "properties": {
            "a": {"anyOf": [{"type": "integer", "minimum": -5, "maximum": 5}, {"type": "null"}]},
            "b": {"type": "string", "pattern": "^[a-f]{1,4}$"},
            "c": {"type": "array", "items": {"$ref": "#/$defs/d"}, "minItems": 1, "maxItems": 2},
        },
        "$defs": {"d": {"type": "object", "properties": {"e": {"type": "string", "format": "date"}}, "required": ["e"],
                        "additionalProperties": False}},
    }
    finished = 0
    for seed in range(12):
        answer = client.completions.create(model=model, prompt="It is", seed=seed, temperature=1, max_tokens=150,
                                           extra_body={"json_schema": schema})
        if answer.choices[0].finish_reason == "stop":
            jsonschema.validate(json.loads(answer.choices[0].text), schema)
            finished += 1
    check(f"texts are valid by jsonschema ({finished} of 12 finished)", finished > 0)


def tools(client, model):
    functions = [openai.pydantic_function_tool(Weather)]
    answer = client.chat.completions.parse(model=model, messages=QUESTION, tools=functions, tool_choice="required",
                                           parallel_tool_calls=False, seed=1)
    call = answer.choices[0].message.tool_calls[0]
    check("a call is parsed", isinstance(call.function.parsed_arguments, Weather), answer)
    check("it ends the answer", answer.choices[0].finish_reason == "tool_calls", answer)
    with client.chat.completions.stream(model=model, messages=QUESTION, tools=functions, tool_choice="required",
                                        parallel_tool_calls=False, seed=1) as stream:
        final = stream.get_final_completion()
    streamed = final.choices[0].message.tool_calls[0].function
    check("a streamed call is the same", streamed.parsed_arguments == call.function.parsed_arguments, final)
    history = QUESTION + [answer.choices[0].message.model_dump(exclude_none=True),
                          {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
    after = client.chat.completions.create(model=model, messages=history, tools=functions, max_tokens=5)
    check("a conversation goes on behind a call", after.usage.prompt_tokens > answer.usage.prompt_tokens, after)


def responses(client, model):
    plain = client.responses.create(model=model, input="Hi", max_output_tokens=20, temperature=0)
    chat = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hi"}], max_tokens=20,
                                          temperature=0)
    check("responses.create", plain.output_text == chat.choices[0].message.content, plain)
    with client.responses.stream(model=model, input="Hi", max_output_tokens=20, temperature=0) as stream:
        final = None
        for event in stream:
            if event.type in ("response.completed", "response.incomplete"):
                final = event.response
    check("responses.stream", final is not None and final.output_text == plain.output_text, final)
    parsed = client.responses.parse(model=model, input="Where?", text_format=Place, temperature=0)
    check("responses.parse", isinstance(parsed.output_parsed, Place), parsed)
    function = {"type": "function", "name": "weather", "parameters": Weather.model_json_schema(), "strict": True}
    called = client.responses.create(model=model, input="Where?", tools=[function], tool_choice="required",
                                     parallel_tool_calls=False)
    check("a call in a response", called.output[0].type == "function_call" and
          Weather.model_validate_json(called.output[0].arguments), called)
    again = client.responses.create(model=model, max_output_tokens=5, tools=[function], input=[
        {"role": "user", "content": "Where?"}, called.output[0].model_dump(),
        {"type": "function_call_output", "call_id": called.output[0].call_id, "output": "rain"}])
    check("items go back", again.usage.input_tokens > called.usage.input_tokens, again)


def of_anthropic(address, model):
    client = anthropic.Anthropic(base_url=address, api_key="none", max_retries=0)
    question = {"model": model, "max_tokens": 20, "messages": [{"role": "user", "content": "Hi"}],
                "extra_body": {"temperature": 0}}
    whole = client.messages.create(**question)
    check("messages.create", whole.content[0].type == "text" and whole.stop_reason == "max_tokens", whole)
    with client.messages.stream(**question) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    check("messages.stream", text == whole.content[0].text and final.content[0].text == text, final)
    counted = client.messages.count_tokens(model=model, messages=question["messages"])
    usage = whole.usage
    check("messages.count_tokens", counted.input_tokens == usage.input_tokens + usage.cache_read_input_tokens, counted)
    tool = {"name": "weather", "description": "Tells it", "input_schema": Weather.model_json_schema()}
    asked = {**question, "max_tokens": 100, "tools": [tool], "tool_choice": {"type": "tool", "name": "weather"}}
    called = client.messages.create(**asked)
    check("a tool is used", called.stop_reason == "tool_use" and Weather.model_validate(called.content[0].input), called)
    with client.messages.stream(**asked) as stream:
        final = stream.get_final_message()
    check("a tool is used in a stream", final.content[0].input == called.content[0].input, final)
    try:
        client.messages.create(**{**question, "model": "other"})
        check("another model", False)
    except anthropic.NotFoundError as error:
        check("another model", "other" in error.message, error)


def of_ollama(address, model):
    client = ollama.Client(host=address)
    check("list", client.list().models[0].model == model, client.list())
    check("show", client.show(model).capabilities == ["completion", "tools"], client.show(model))
    options = {"num_predict": 20, "temperature": 0}
    messages = [{"role": "user", "content": "Hi"}]
    whole = client.chat(model, messages, options=options)
    parts = list(client.chat(model, messages, options=options, stream=True))
    text = "".join(part.message.content for part in parts)
    check("chat", whole.message.content == text and parts[-1].eval_count == 20, (whole, parts[-1]))
    formed = client.chat(model, messages, format=Place.model_json_schema())
    check("format", Place.model_validate_json(formed.message.content), formed)
    check("generate", client.generate(model, "Hi", options=options).response == text)
    try:
        client.chat(model, messages, options={"num_ctx": 1_000_000})
        check("no prompt is cut", False)
    except ollama.ResponseError as error:
        check("no prompt is cut", error.status_code == 400, error)


def of_others(address, model):
    chain = ChatOpenAI(base_url=f"{address}/v1", api_key="none", model=model, temperature=0)
    check("LangChain, with_structured_output", isinstance(chain.with_structured_output(Place).invoke("Where?"), Place))

    @langchain_tool
    def weather(days: typing.Literal[1, 2]) -> str:
        """Tells the weather."""
        return str(days)

    called = chain.bind_tools([weather], tool_choice="weather", strict=True).invoke([HumanMessage("Where?")])
    check("LangChain, bind_tools", called.tool_calls[0]["name"] == "weather", called)
    client = openai.OpenAI(base_url=f"{address}/v1", api_key="none")
    for mode in (instructor.Mode.JSON_SCHEMA, instructor.Mode.TOOLS):
        patched = instructor.from_openai(client, mode=mode)
        place = patched.chat.completions.create(model=model, messages=QUESTION, response_model=Place, max_retries=0)
        check(f"instructor, {mode.value}", isinstance(place, Place), place)
    answer = litellm.completion(model=f"openai/{model}", api_base=f"{address}/v1", api_key="none", messages=QUESTION,
                                max_tokens=10, response_format={"type": "json_object"})
    check("LiteLLM", answer.choices[0].message.content.startswith("{"), answer)
    try:
        litellm.completion(model=f"openai/{model}", api_base=f"{address}/v1", api_key="none", num_retries=0,
                           messages=[{"role": "user", "content": "a " * 20_000}])
        check("LiteLLM knows a context that is too long", False)
    except litellm.ContextWindowExceededError:
        check("LiteLLM knows a context that is too long", True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        server, address = start(sys.argv[1], with_template(folder, TEMPLATE), "--ollama", "--id", "stories")
        client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
        forms(client, "stories")
        tools(client, "stories")
        responses(client, "stories")
        of_anthropic(address, "stories")
        of_ollama(address, "stories")
        of_others(address, "stories")
        stop(server)


run(main, "")
