import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { RpcMessage } from '../../packages/server/src/gateway/mcp/message.js';
import { type Config, loadConfig, resourceOf } from '../../packages/server/src/config.js';
import { loadLocalKey, signLocalToken } from '../../packages/server/src/identity/index.js';
import { serve, type Serving } from '../../packages/server/src/serve.js';
import { type Governor, openGovernor } from '../../packages/server/src/wiring.js';
import { openBundle, writeInstallation } from './governor.js';
import { raw, type RawAnswer } from './mcp.js';
import { resultOf, stateless } from './wire.js';

const files = {
  ...openBundle,
  'bundle/catalogue.yaml': 'actions:\n  - { name: money.pay, tier: act, automation: human, match: { upstream: bank, name: pay } }\n  - { name: anything.use, tier: inspect, match: { upstream: "*", name: "*" } }\n',
  'bundle/people.yaml': 'people:\n  - { id: ann, groups: [finance], administrator: true }\n  - { id: ben, groups: [finance] }\n',
  'bundle/tools/bank.json': JSON.stringify({ tools: [{ name: 'pay', description: 'Does pay', inputSchema: { type: 'object', properties: { to: { type: 'string' }, amount: { type: 'integer' } }, required: ['to'] } }, { name: 'look', description: 'Does look', inputSchema: { type: 'object' } }] }),
  'bundle/policies/money.cedar': `@id("ask") @outcome("step_up") @approvers("finance") @within("10m") @reason("payments")
forbid (principal, action == Action::"money.pay", resource);
@id("quick") @outcome("step_up") @approvers("finance") @within("1s") @reason("payments")
forbid (principal, action == Action::"money.pay", resource) when { context.args has amount && context.args.amount == 1 };
`,
};

/** A whole governor in this process, so that what it holds in memory can be counted and the moment of an answer is known. */
export class WaitingHouse {
  private constructor(
    readonly directory: string,
    readonly config: Config,
    readonly governor: Governor,
    readonly serving: Serving,
  ) {}

  static async open(upstreamUrl: string, from: { readonly directory?: string; readonly env?: Readonly<Record<string, string>> } = {}): Promise<WaitingHouse> {
    const directory = from.directory ?? writeInstallation({ files, upstreams: `  bank: { url: "${upstreamUrl}", prefix: "", timeout_seconds: 10 }` });
    const config = loadConfig(join(directory, 'flyball.yaml'), from.env ?? {});
    const governor = await openGovernor(config, () => undefined);
    return new WaitingHouse(directory, config, governor, await serve(governor, config, {}));
  }

  url(path = '/mcp'): string {
    return `http://127.0.0.1:${this.serving.machines}${path}`;
  }

  token(identity: string, onBehalfOf?: string): Promise<string> {
    return signLocalToken(loadLocalKey(this.config.data), { subject: identity, audience: resourceOf(this.config), nowMs: Date.now(), ttlMs: 3_600_000, ...(onBehalfOf !== undefined && { onBehalfOf }) });
  }

  answer(hold: string, agrees = true, person = 'ann'): Promise<unknown> {
    return this.governor.desk.waiting.answer({ hold, person, agrees, reason: 'because' });
  }

  async close(): Promise<void> {
    await this.serving.close();
    await this.governor.close();
  }
}

export const tasksMeta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } } };

/** A client that speaks the tasks extension; no library does yet, so it is the bare wire. */
export class TasksClient {
  #id = 0;

  constructor(
    readonly url: string,
    readonly token: string,
    private readonly more: Readonly<Record<string, string>> = {},
  ) {}

  async ask(method: string, params: Readonly<Record<string, unknown>>, meta: object = tasksMeta): Promise<Readonly<Record<string, unknown>>> {
    return resultOf(await this.raw(method, params, meta));
  }

  raw(method: string, params: Readonly<Record<string, unknown>>, meta: object = tasksMeta): Promise<RawAnswer> {
    const { body, headers } = stateless(++this.#id, method, { ...params, _meta: meta });
    return raw(this.url, body, this.token, { ...headers, ...this.more });
  }

  pay(to: string, meta: object = tasksMeta): Promise<Readonly<Record<string, unknown>>> {
    return this.ask('tools/call', { name: 'pay', arguments: { to } }, meta);
  }

  get(taskId: unknown): Promise<Readonly<Record<string, unknown>>> {
    return this.ask('tasks/get', { taskId });
  }
}

/** The stdio wire as the official client wants a transport: messages, one to a line. */
export class LineTransport {
  onmessage: ((message: never) => void) | undefined;
  onclose: (() => void) | undefined;
  onerror: ((error: Error) => void) | undefined;
  #rest = '';

  constructor(
    private readonly input: Writable,
    private readonly output: Readable,
  ) {}

  start(): Promise<void> {
    this.output.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.onmessage?.(JSON.parse(line) as never);
    });
    return Promise.resolve();
  }

  send(message: RpcMessage | object): Promise<void> {
    this.input.write(`${JSON.stringify(message)}\n`);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.input.end();
    this.onclose?.();
    return Promise.resolve();
  }
}
