import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Canary } from './canary.js';
import { command, openBundle, type RunningGovernor, startGovernor } from './governor.js';
import type { RawAnswer } from './mcp.js';
import { openWire, textOf, toolCall, type WireClient } from './wire.js';

/** As the canary describes it, so that policies know the types of its arguments. */
const transferTool = { name: 'transfer', description: 'Transfers money', inputSchema: { type: 'object', properties: { to: { type: 'string' }, amount: { type: 'number' }, memo: { type: 'object' } }, required: ['to', 'amount'] }, outputSchema: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] } };

/** Moving money is an act that the given policies guard; everything else may be done. */
export function moneyBundle(guards = '', people = openBundle['bundle/people.yaml'] ?? ''): Readonly<Record<string, string>> {
  return {
    ...openBundle,
    'bundle/catalogue.yaml': 'actions:\n  - { name: money.move, tier: act, automation: human, match: { upstream: canary, name: transfer } }\n  - { name: anything.use, tier: inspect, match: { upstream: "*", name: "*" } }\n',
    'bundle/people.yaml': people,
    'bundle/tools/canary.json': JSON.stringify({ tools: [transferTool] }),
    ...(guards !== '' && { 'bundle/policies/money.cedar': guards }),
  };
}

export interface RecordedEntry {
  readonly id: string;
  readonly kind: string;
  readonly at: number;
  readonly streams: readonly { readonly stream: string; readonly version: number }[];
  readonly deadline?: number;
  readonly settles?: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The whole record, as `flyball db export` gives it out. */
export class ExportedRecord {
  readonly entries: readonly RecordedEntry[];
  readonly #targets: ReadonlyMap<string, readonly RecordedEntry[]>;

  constructor(lines: readonly string[]) {
    const rows = lines.map((line) => JSON.parse(line) as { table: string; row: Record<string, string> });
    this.entries = rows.filter(({ table }) => table === 'entry').map(({ row }) => JSON.parse(row['body'] ?? '') as RecordedEntry);
    const byId = new Map(this.entries.map((entry) => [entry.id, entry]));
    const targets = new Map<string, RecordedEntry[]>();
    for (const { table, row } of rows) {
      const entry = table === 'payload' ? byId.get(row['entry'] ?? '') : undefined;
      const to = entry && (JSON.parse(row['content'] ?? '{}') as { args?: { to?: unknown } }).args?.to;
      if (entry && typeof to === 'string') targets.set(to, [...(targets.get(to) ?? []), entry]);
    }
    this.#targets = targets;
  }

  /** Entries of one kind about the transfer to this receiver. */
  about(to: string, kind = 'intent'): readonly RecordedEntry[] {
    return (this.#targets.get(to) ?? []).filter((entry) => entry.kind === kind);
  }

  settling(id: string): readonly RecordedEntry[] {
    return this.entries.filter(({ settles }) => settles === id);
  }

  effectOf(to: string): unknown {
    const [intent] = this.about(to);
    return intent && this.settling(intent.id)[0]?.body['effect'];
  }

  /** What is wrong with the record as such: gaps, repeated places, intents settled twice or never. */
  faults(): readonly string[] {
    const streams = new Map<string, number[]>();
    const settled = new Map<string, number>();
    for (const { streams: places, settles } of this.entries) {
      for (const { stream, version } of places) streams.set(stream, [...(streams.get(stream) ?? []), version]);
      if (settles !== undefined) settled.set(settles, (settled.get(settles) ?? 0) + 1);
    }
    const gaps = [...streams].filter(([, versions]) => versions.sort((a, b) => a - b).some((version, index) => version !== index + 1)).map(([stream]) => `${stream} has a gap or a place twice`);
    const ends = this.entries.filter(({ kind, id }) => kind === 'intent' && settled.get(id) !== 1).map(({ id }) => `intent ${id} has ${settled.get(id) ?? 0} outcomes`);
    return [...gaps, ...ends];
  }
}

/** Exports with the command. An embedded store has to be let go of first. */
export async function readRecord(directory: string, env: Readonly<Record<string, string>> = {}): Promise<ExportedRecord> {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-record-'));
  const file = join(folder, 'record.jsonl');
  const { code, stderr } = await command(directory, ['db', 'export', file], env);
  if (code !== 0) throw new Error(stderr);
  const lines = readFileSync(file, 'utf8').split('\n').filter((line) => line !== '');
  rmSync(folder, { recursive: true });
  return new ExportedRecord(lines);
}

export const transferTo = (client: WireClient, to: string, more: object = {}): Promise<RawAnswer> =>
  client.post(toolCall('transfer', { to, amount: 10, ...more }, createHash('sha256').update(`${to}${Math.random()}`).digest('hex')));

/** True when the target's own answer came through. */
export const wasDone = (answer: RawAnswer): boolean => textOf(answer).startsWith('transferred');

/** Receivers of the transfers that really reached the target. */
export const reached = (canary: Canary): readonly string[] => canary.calls().flatMap(({ name, args }) => (name === 'transfer' && args !== undefined ? [(args as { to: string }).to] : []));

/** Two nodes on one PostgreSQL that take the same tokens. */
export async function startTwoNodes(options: Parameters<typeof startGovernor>[0], url: string): Promise<readonly [RunningGovernor, RunningGovernor]> {
  const env = { ...options?.env, FLYBALL_DATABASE_URL: url };
  const first = await startGovernor({ ...options, env });
  await first.token('tester');
  const directory = mkdtempSync(join(tmpdir(), 'flyball-node-'));
  mkdirSync(join(directory, '.flyball'));
  for (const part of ['flyball.yaml', 'bundle', '.flyball/local-issuer.pem', '.flyball/log-key.pem']) cpSync(join(first.directory, part), join(directory, part), { recursive: true });
  return [first, await startGovernor({ directory, env })];
}

export const openClient = async (governor: RunningGovernor, identity = 'tester', ...more: string[]): Promise<WireClient> => openWire(governor.url('/mcp/canary'), await governor.token(identity, ...more));
