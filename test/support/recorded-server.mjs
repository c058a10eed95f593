// An MCP server that answers with recorded results: node recorded-server.mjs RESULTS.json. It prints its port.
// RESULTS.json: { tools: Tool[], results: { [key]: text } }; a call's key is its tool and arguments as JSON text.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { tools, results } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const sorted = (value) => (Array.isArray(value) ? value.map(sorted) : value && typeof value === 'object' ? Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])])) : value);

function answer({ method, params, id }) {
  if (method === 'initialize') return { result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'recorded', version: '1' } } };
  if (method === 'tools/list') return { result: { tools } };
  if (method !== 'tools/call') return { error: { code: -32601, message: `no ${method}` }, id };
  const text = results[`${params.name} ${JSON.stringify(sorted(params.arguments ?? {}))}`];
  return text === undefined ? { result: { content: [{ type: 'text', text: 'not recorded' }], isError: true } } : { result: { content: [{ type: 'text', text }] } };
}

const server = createServer((request, response) => {
  if (request.method !== 'POST') return response.writeHead(405).end();
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const message = JSON.parse(Buffer.concat(parts).toString('utf8'));
    if (message.id === undefined) return response.writeHead(202).end();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answer(message) }));
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
