import { createHash } from 'node:crypto';
import { leafHash } from '@flyball/tlog';

/** An entry as a test writes it: well formed or not. */
export interface TestEntry {
  v: number;
  tenant: string;
  id: string;
  kind: string;
  at: number;
  streams: { stream: string; version: number; prev?: string }[];
  deadline?: number;
  settles?: string;
  payload?: string;
  body: Record<string, unknown>;
  [name: string]: unknown;
}

export interface TestDraft {
  readonly kind: string;
  readonly streams: readonly string[];
  readonly body?: Record<string, unknown>;
  readonly afterMs?: number;
  readonly deadlineMs?: number;
  readonly settles?: string;
  readonly content?: string;
}

export interface TestBody {
  readonly entry: string;
  readonly salt: string;
  readonly content: string;
}

/** RFC 8785 for what tests write; not the verifier's, and not the log's. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.sort(([left], [right]) => (left < right ? -1 : 1)).map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
}

export const hashOf = (entry: unknown): string => Buffer.from(leafHash(canonical(entry))).toString('base64');

export const startMs = Date.UTC(2026, 0, 1);

/** Writes entries as Flyball would, with code of its own. */
export class TestWriter {
  readonly entries: TestEntry[] = [];
  readonly bodies: TestBody[] = [];
  readonly #heads = new Map<string, { version: number; hash: string }>();
  #at = startMs;

  constructor(
    readonly tenant = 'default',
    private readonly idSalt = 0,
  ) {}

  add({ kind, streams, body = {}, afterMs = 10, deadlineMs, settles, content }: TestDraft): TestEntry {
    this.#at += afterMs;
    const id = timeId(this.#at, this.entries.length + this.idSalt);
    if (content !== undefined) this.bodies.push({ entry: id, salt: `salt of ${id}`, content });
    const entry: TestEntry = {
      v: 1,
      tenant: this.tenant,
      id,
      kind,
      at: this.#at,
      streams: streams.map((stream) => ({ stream, version: 1 })),
      ...(deadlineMs !== undefined && { deadline: this.#at + deadlineMs }),
      ...(settles !== undefined && { settles }),
      ...(content !== undefined && { payload: `sha256:${createHash('sha256').update(`salt of ${id}${content}`).digest('hex')}` }),
      body,
    };
    return this.place(entry);
  }

  /** Gives an entry its places behind what is there. */
  place(entry: TestEntry): TestEntry {
    entry.streams = entry.streams.map(({ stream }) => {
      const head = this.#heads.get(stream);
      return { stream, version: (head?.version ?? 0) + 1, ...(head && { prev: head.hash }) };
    });
    const hash = hashOf(entry);
    for (const { stream, version } of entry.streams) this.#heads.set(stream, { version, hash });
    this.entries.push(entry);
    return entry;
  }
}

/** The same entries in a new order of their own: numbered and chained anew, as who has the key could do it. */
export function chained(entries: readonly TestEntry[]): readonly TestEntry[] {
  const writer = new TestWriter();
  for (const entry of entries) writer.place(structuredClone(entry));
  return writer.entries;
}

export function timeId(ms: number, count: number): string {
  const [time, tail] = [ms.toString(16).padStart(12, '0'), count.toString(16).padStart(15, '0')];
  return `${time.slice(0, 8)}-${time.slice(8)}-7${tail.slice(0, 3)}-8${tail.slice(3, 6)}-${tail.slice(6)}000`;
}
