// Starts a governor in front of a folder and a payments system, plays one short story through it, then stays up.
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const config = join(here, 'flyball.yaml');
const files = join(root, '.flyball/quickstart/files');
const command = join(root, 'packages/server/dist/main.js');
const shown = 'flyball -c examples/quickstart/flyball.yaml';

const flyball = async (...args) => (await promisify(execFile)(process.execPath, [command, '-c', config, ...args], { maxBuffer: 16 << 20 })).stdout.trim();
const say = (text = '') => console.log(text);

mkdirSync(files, { recursive: true });
writeFileSync(join(files, 'invoice-17.txt'), 'Invoice 17\nfrom: acme\namount: 250.00\n');
writeFileSync(join(files, 'invoice-18.txt'), 'Invoice 18\nfrom: globex\namount: 1800.00\n');

say('> starting the governor (the first start makes its store and takes some seconds)');
const governor = spawn(process.execPath, [command, '-c', config, 'up'], { stdio: ['ignore', 'inherit', 'pipe'] });
const stop = () => governor.kill('SIGTERM');
['SIGINT', 'SIGTERM'].forEach((signal) => process.on(signal, stop));
governor.on('exit', (code) => process.exit(code ?? 0));
await new Promise((ready) => {
  governor.stderr.setEncoding('utf8').on('data', (text) => {
    if (text.includes('"ready"')) ready();
    for (const line of text.split('\n')) if (line !== '' && !line.startsWith('{"level":30')) console.error(line);
  });
});

const token = await flyball('token', 'invoice-agent');
const client = new Client({ name: 'quickstart', version: '1' }, {});
await client.connect(new StreamableHTTPClientTransport(new URL('http://127.0.0.1:7600/mcp'), { authProvider: { token: async () => token } }));
const { tools } = await client.listTools();
say(`\nAn agent connects. Of the servers' tools it sees those that it could be allowed: ${tools.map((tool) => tool.name).join(', ')}`);

async function step(title, name, args) {
  const result = await client.callTool({ name, arguments: args });
  const decision = result._meta?.['flyball/decision'];
  say(`\n${title}\n  ${name} ${JSON.stringify(args)}`);
  say(`  → ${decision ? `${decision.outcome}: ` : ''}${result.content.map((part) => part.text).join(' ').replaceAll('\n', ' ').slice(0, 300)}`);
  return decision;
}

await step('allow: it reads an invoice', 'files__read_text_file', { path: join(files, 'invoice-17.txt') });
await step('allow: it pays a small amount', 'payments__release_payment', { payee: 'acme', amount: 250, contact: 'billing@acme.example' });
await step('modify: it asks for all payments, gets two at most and no addresses', 'payments__list_payments', { limit: 50 });
const denied = await step('deny: it tries to change an invoice', 'files__write_file', { path: join(files, 'invoice-17.txt'), content: 'amount: 9250.00' });
const payment = { payee: 'globex', amount: 1800 };
const held = await step('step_up: a large amount waits for a person', 'payments__release_payment', payment);
say(`\nann from finance agrees to exactly this payment:\n  $ ${shown} approve ${held.hold} --as ann`);
await flyball('approve', held.hold, '--as', 'ann', '--reason', 'invoice 18 checked');
await step('allow, once: the same call again', 'payments__release_payment', payment);
await step('step_up: and once more is a new question', 'payments__release_payment', payment);
say(`\nWhy was the change of the invoice denied?\n  $ ${shown} explain ${denied.evaluation}\n`);
say(await flyball('explain', denied.evaluation));
say(`\nWhat happened:\n  $ ${shown} actions\n`);
say(await flyball('actions', '--most', '12'));
await client.close();

say(`
The governor stays up; stop it with Ctrl-C. Connect a client of your own:
  endpoint  http://127.0.0.1:7600/mcp        (files and payments together)
            http://127.0.0.1:7600/mcp/files  (one server with its own names)
  header    Authorization: Bearer $(${shown} token invoice-agent)
Its policies are in examples/quickstart/bundle; change one and run: ${shown} reload
(flyball is: node packages/server/dist/main.js)`);
