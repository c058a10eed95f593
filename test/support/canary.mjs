// An MCP server that writes down every call that really reaches it: the truth about what was let through.
//   node canary.mjs LEDGER            over stdio
//   node canary.mjs LEDGER --http     over HTTP on a free port, which it prints
//   --lenient                         takes look-alike tool names for the ones they look like
// Tools can be changed, delayed and broken through the tool `control`, which only tests can reach directly (HTTP POST /control).
import { appendFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [ledger, ...flags] = process.argv.slice(2);
if (!flags.includes('--keep')) writeFileSync(ledger, '');
const lenient = flags.includes('--lenient');
const state = { description: 'Echoes a message', delayMs: 0, crash: false, hang: false, structured: undefined, answer: undefined };

const tools = () => [
  { name: 'echo', description: state.description, inputSchema: { type: 'object', properties: { message: { type: 'string' }, count: { type: 'integer' } }, required: ['message'] } },
  { name: 'transfer', description: 'Transfers money', inputSchema: { type: 'object', properties: { to: { type: 'string' }, amount: { type: 'number' }, memo: { type: 'object' } }, required: ['to', 'amount'] }, outputSchema: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] } },
  { name: 'read_customer', description: 'Reads a customer', inputSchema: { type: 'object', properties: { id: { type: 'string' }, limit: { type: 'integer' } }, required: ['id'] } },
  { name: 'delete_everything', description: 'Deletes everything', inputSchema: { type: 'object', properties: {} } },
];

let calls = 0;
function call(rawName, args) {
  const name = lenient ? String(rawName).normalize('NFKC').replace(/[\u200b-\u200f\u2060\ufeff]/g, '').trim().toLowerCase() : rawName;
  appendFileSync(ledger, `${JSON.stringify({ n: ++calls, name: rawName, as: name, args })}\n`);
  if (state.crash) process.exit(3);
  if (state.answer) return state.answer;
  const text = (value) => ({ content: [{ type: 'text', text: value }] });
  switch (name) {
    case 'echo':
      return text(`Echo: ${args?.message}`);
    case 'transfer':
      return { ...text(`transferred ${args?.amount} to ${args?.to}`), structuredContent: state.structured ?? { id: `T-${calls}` } };
    case 'read_customer':
      return text('Jo Doe, jo@customer.example, +44 20 7946 0958, card 4111 1111 1111 1111, key AKIAIOSFODNN7EXAMPLE');
    case 'delete_everything':
      return text('DELETED');
    default:
      return undefined;
  }
}

function handle(message) {
  if (message?.id === undefined || message.method === undefined) return undefined;
  const ok = (result) => ({ jsonrpc: '2.0', id: message.id, result });
  const fail = (code, text) => ({ jsonrpc: '2.0', id: message.id, error: { code, message: text } });
  switch (message.method) {
    case 'initialize':
      return ok({ protocolVersion: message.params.protocolVersion, capabilities: { tools: { listChanged: true }, resources: {} }, serverInfo: { name: 'canary', version: '1' } });
    case 'ping':
      return ok({});
    case 'tools/list':
      return ok({ tools: tools() });
    case 'tools/call': {
      const result = call(message.params?.name, message.params?.arguments);
      return result ? ok(result) : fail(-32602, `Unknown tool: ${message.params?.name}`);
    }
    case 'resources/list':
      return ok({ resources: [{ uri: 'canary://note', name: 'note' }] });
    case 'resources/read':
      appendFileSync(ledger, `${JSON.stringify({ n: ++calls, name: 'resources/read', args: message.params })}\n`);
      return ok({ contents: [{ uri: message.params.uri, text: 'a note' }] });
    default:
      return fail(-32601, 'method not found');
  }
}

const later = (work) => (state.delayMs > 0 ? setTimeout(work, state.delayMs) : work());

if (flags.includes('--http')) {
  const server = createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString('utf8');
      if (request.url === '/control') {
        Object.assign(state, JSON.parse(body));
        return response.writeHead(200).end();
      }
      if (request.method !== 'POST') return response.writeHead(405).end();
      const message = JSON.parse(body);
      if (state.hang && message.method === 'tools/call') return void appendFileSync(ledger, `${JSON.stringify({ n: ++calls, name: message.params.name, hung: true })}\n`);
      later(() => {
        const answer = handle(message);
        if (!answer) return response.writeHead(202).end();
        const text = JSON.stringify(answer);
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...(message.method === 'initialize' && { 'mcp-session-id': `s-${Math.random()}` }) }).end(text);
      });
    });
  });
  server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => console.log(server.address().port));
} else {
  let buffer = '';
  process.stdin.setEncoding('utf8').on('data', (text) => {
    buffer += text;
    for (let end = buffer.indexOf('\n'); end >= 0; end = buffer.indexOf('\n')) {
      const line = buffer.slice(0, end);
      buffer = buffer.slice(end + 1);
      if (!line.trim()) continue;
      const message = JSON.parse(line);
      if (state.hang && message.method === 'tools/call') continue;
      later(() => {
        const answer = handle(message);
        if (answer) process.stdout.write(`${JSON.stringify(answer)}\n`);
      });
    }
  });
  process.stdin.on('end', () => process.exit(0));
}
