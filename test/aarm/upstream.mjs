// The system that is acted on: an MCP server over HTTP that writes down every call that reaches it. What it has not
// seen has not happened; the suite believes nobody else about effects.
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';

const mark = { mark: z.string() };

/** Its tools. Every one takes a `mark`, by which its effect is found again. */
const tools = {
  read_board: ['Reads the notice board', mark],
  wipe_board: ['Wipes the notice board', mark],
  list_entries: ['Lists entries of the address book', { ...mark, limit: z.number().int().optional() }],
  pay: ['Pays somebody', { ...mark, payee: z.string(), amount: z.number() }],
  order: ['Orders something', mark],
  shut_valve: ['Shuts a valve', mark],
  follow_up: ['Does what follows on a shut valve', mark],
  open_valve: ['Opens a valve', mark],
  read_patient: ['Reads a patient file', mark],
  fetch_page: ['Fetches a page of which nobody knows what is in it', mark],
  send_out: ['Sends something out of the house', mark],
  check_draft: ['Has a draft checked', mark],
  publish: ['Publishes a draft', mark],
  draw_lot: ['Draws the one lot that a session has', mark],
  tell_both: ['Does what two policies say differently', { ...mark, mode: z.string().optional() }],
  clean_room: ['Cleans the room that the task names', mark],
  divide: ['Divides by a number', { ...mark, by: z.number().int() }],
  book: ['Books seats in a room', { ...mark, seats: z.number().int(), code: z.string(), room: z.string(), payer: z.string() }],
  jam: ['Always fails, and says so in its result', mark],
  snap: ['Always fails, with an error instead of a result', mark],
};

const reads = { list_entries: 'Jo Doe, jo@customer.example' };

/** The server, and what it has seen. */
export class Upstream {
  calls = [];
  #server;

  async listen(port = 0) {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    await new Promise((done, fail) => this.#server.once('error', fail).listen(port, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${this.#server.address().port}/mcp`;
    return this;
  }

  /** The effects with this mark. */
  effects(wanted) {
    return this.calls.filter(({ args }) => args.mark === wanted);
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request, response) {
    if (request.method !== 'POST') return response.writeHead(405).end();
    const message = JSON.parse(await textOf(request));
    this.#count(message, request.headers);
    if (message.params?.name === 'snap') return snap(message, response);
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    const server = this.#mcp();
    response.on('close', () => void transport.close().then(() => server.close()));
    await server.connect(transport);
    await transport.handleRequest(request, response, message);
  }

  /** A call counts when it arrives, also one that the server then finds fault with. */
  #count({ method, params }, headers) {
    if (method === 'tools/call') this.calls.push({ name: params?.name, args: params?.arguments ?? {}, headers });
  }

  #mcp() {
    const server = new McpServer({ name: 'counting', version: '1' });
    for (const [name, [description, inputSchema]] of Object.entries(tools)) {
      server.registerTool(name, { description, inputSchema }, (args) => {
        if (name === 'jam') return { isError: true, content: [{ type: 'text', text: `jammed: ${args.mark}` }] };
        return { content: [{ type: 'text', text: reads[name] ?? `done ${name} ${args.mark}` }] };
      });
    }
    return server;
  }
}

function snap({ id, params }, response) {
  const error = { code: -32000, message: `snapped: ${params.arguments?.mark}` };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, error }));
}

async function textOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}
