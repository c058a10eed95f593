import type { Findings } from '../finding.js';
import { type Entry, readEntry } from '../leaf/entry.js';
import { kindRules } from '../leaf/kinds.js';
import { textOf } from '../leaf/members.js';
import type { Placed } from '../tree/tree-check.js';
import { KeyHistory } from '../evidence/key-history.js';
import { type AnswerCounts, Answers } from './answers.js';
import { Approvals } from './approvals.js';
import { Bundles } from './bundles.js';
import { type Claim, Claims } from './claims.js';
import { Ids } from './ids.js';
import { type Body, type BodyCounts, Payloads } from './payloads.js';
import { placeOf, type Recorded } from './recorded.js';
import { Streams } from './streams.js';
import { judgedAt, type Times } from './times.js';
import { type UnderWay, Waits } from './waits.js';

export interface RecordCounts {
  readonly entries: number;
  readonly streams: number;
  readonly underWay: UnderWay;
  /** Promises and receipts whose entry is there. */
  readonly kept: number;
  /** Promises that are too young to be kept already. */
  readonly pending: number;
  readonly bodies: BodyCounts;
  readonly answers: AnswerCounts;
}

export interface RecordWish {
  readonly claims: readonly Claim[];
  readonly bodies: AsyncIterable<Body> | Iterable<Body> | undefined;
}

/** Everything that the entries have to say together. Takes leaves in the order of the log. */
export class RecordCheck {
  readonly keys = new KeyHistory();
  readonly #ids = new Ids();
  readonly #streams: Streams;
  readonly #waits: Waits;
  readonly #approvals: Approvals;
  readonly #bundles: Bundles;
  readonly #claims: Claims;
  readonly #payloads: Payloads;
  readonly #answers: Answers;
  #tenant: string | undefined;
  #entries = 0;
  #newestMs = 0;

  constructor(
    private readonly findings: Findings,
    private readonly wish: RecordWish,
  ) {
    this.#approvals = new Approvals(findings);
    this.#waits = new Waits(findings, this.#ids, this.#approvals);
    this.#bundles = new Bundles(findings);
    this.#claims = new Claims(findings, wish.claims);
    this.#payloads = new Payloads(findings, wish.bodies !== undefined);
    this.#answers = new Answers(findings);
    this.#streams = new Streams(findings, (recorded) => this.#inOrder(recorded));
  }

  /** Time of the newest entry, in milliseconds since 1970. */
  get newestMs(): number {
    return this.#newestMs;
  }

  async takeBodies(): Promise<void> {
    for await (const body of this.wish.bodies ?? []) {
      this.#payloads.give(body);
      this.#answers.give(body);
    }
  }

  add({ index, leaf, hash, isAltered }: Placed, file: string): void {
    const read = readEntry(leaf);
    if ('fault' in read) {
      this.findings.add('entry_malformed', `expected an entry; this ${read.fault}`, { file, index });
      this.findings.add('not_examined', 'expected an entry that can be read', { file, index });
      return;
    }
    const recorded: Recorded = { entry: read.entry, index, hash: base64(hash), isAltered };
    if (isAltered) this.findings.add('not_examined', 'expected an entry that was not altered', { file, ...placeOf(recorded) });
    this.#entries++;
    this.#tenant ??= read.entry.tenant;
    if (read.entry.tenant !== this.#tenant) this.findings.add('tenant_foreign', `expected entries of ${this.#tenant} only, got one of ${read.entry.tenant}`, { file, ...placeOf(recorded) });
    if (!this.#ids.add(read.entry.id)) this.findings.add('id_duplicate', 'expected an id that no entry before has', placeOf(recorded));
    if (read.entry.at > this.#newestMs) this.#newestMs = read.entry.at;
    this.#claims.add(recorded);
    this.#streams.add(recorded);
  }

  /** No more entries come. */
  order(): void {
    this.#streams.finish();
  }

  finish(times: Times, disbelieved: ReadonlySet<Claim>): RecordCounts {
    const underWay = this.#waits.finish(judgedAt(times));
    this.#bundles.finish();
    const pending = this.#claims.finish(times, disbelieved);
    return { entries: this.#entries, streams: this.#streams.count, underWay, kept: this.#claims.kept, pending, bodies: this.#payloads.finish(), answers: this.#answers.finish() };
  }

  /** An entry, after those that are before it in its streams. */
  #inOrder(recorded: Recorded): void {
    const fault = sessionFault(recorded.entry);
    if (fault !== undefined) this.findings.add('session_mismatch', fault, placeOf(recorded));
    this.#approvals.add(recorded);
    this.#waits.add(recorded);
    this.#bundles.add(recorded);
    this.#answers.add(recorded, this.#payloads.add(recorded));
    if (!recorded.isAltered) this.keys.add(recorded);
  }
}

const sessionStream = 'session:';

function sessionFault({ kind, streams, body }: Entry): string | undefined {
  const session = textOf(body, 'session');
  const inAnother = streams.some(({ stream }) => stream.startsWith(sessionStream) && stream.slice(sessionStream.length) !== session);
  if (inAnother) return 'expected an entry in the stream of a session to be of this session';
  const isOfSession = kindRules[kind].inSession || (kind === 'refusal' && session !== undefined);
  const stands = !isOfSession || streams.some(({ stream }) => stream === `${sessionStream}${session ?? ''}`);
  return stands ? undefined : 'expected an entry of a session to stand in its stream';
}

const base64 = (hash: Uint8Array): string => Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('base64');
