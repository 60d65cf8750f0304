// Asks a server as the `openai` package of npm does. `node.py` starts the server and this.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const { default: OpenAI } = await import(createRequire(`${process.cwd()}/`).resolve('openai'));
const client = new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: 'none', maxRetries: 0 });
const messages = [{ role: 'user', content: 'Hi' }];
let passed = 0;
const ok = (name) => { passed += 1; console.log(`ok: ${name}`); };

const model = (await client.models.list()).data[0].id;
assert.equal((await client.models.retrieve(model)).id, model);
ok('models');

const asked = { model, prompt: 'Once upon a time', max_tokens: 20, seed: 7 };
const plain = await client.completions.create(asked);
let text = '';
for await (const part of await client.completions.create({ ...asked, stream: true })) text += part.choices[0]?.text ?? '';
assert.equal(text, plain.choices[0].text);
ok('completions, whole and streamed');

const question = { model, messages, max_completion_tokens: 20, seed: 3 };
const answer = await client.chat.completions.create(question);
const runner = client.chat.completions.stream(question);
runner.on('error', () => {});
let streamed = '';
for await (const part of runner) streamed += part.choices[0]?.delta?.content ?? '';
assert.equal(streamed, answer.choices[0].message.content);
ok('chat, whole and streamed');

const schema = { type: 'object', properties: { city: { enum: ['Bonn', 'Rome'] } }, required: ['city'], additionalProperties: false };
const formed = await client.chat.completions.create({
  model, messages, response_format: { type: 'json_schema', json_schema: { name: 'place', schema, strict: true } },
});
assert.ok(['Bonn', 'Rome'].includes(JSON.parse(formed.choices[0].message.content).city));
ok('a form');

const tools = [{ type: 'function', function: { name: 'go', parameters: schema } }];
const called = await client.chat.completions.create({
  model, messages, tools, tool_choice: { type: 'function', function: { name: 'go' } },
});
assert.equal(called.choices[0].finish_reason, 'tool_calls');
assert.ok(JSON.parse(called.choices[0].message.tool_calls[0].function.arguments).city);
ok('a call');

const response = await client.responses.create({ model, input: 'Hi', max_output_tokens: 20, temperature: 0 });
assert.equal(response.output[0].content[0].text, response.output_text);
ok('responses');

await assert.rejects(client.completions.create({ ...asked, temperature: -1 }), (error) =>
  error instanceof OpenAI.BadRequestError && error.param === 'temperature' && error.code === 'invalid_value');
await assert.rejects(client.completions.create({ ...asked, model: 'other' }), OpenAI.NotFoundError);
ok('errors');

// Leaving a stream closes its connection, which ends the text.
const left = await client.completions.create({ ...asked, max_tokens: 200, n: 8, stream: true, ignore_eos: true });
for await (const _ of left) break;
const metric = async (name) => {
  const lines = (await (await fetch(`${process.argv[2]}/metrics`)).text()).split('\n');
  return Number(lines.find((line) => line.startsWith(`${name} `))?.split(' ')[1] ?? 0);
};
for (let waited = 0; waited < 600 && (await metric('trine_requests_running')) > 0; waited += 1) {
  await new Promise((go) => setTimeout(go, 50));
}
assert.equal(await metric('trine_requests_running'), 0);
assert.ok((await metric('trine_cancelled_total{phase="running"}')) > 0);
ok('a stream may be left');
console.log(`${passed} checks in Node.js ${process.version}`);
