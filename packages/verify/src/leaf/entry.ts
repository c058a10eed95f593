import { isUtf8 } from 'node:buffer';
import { readCanonical } from './canonical.js';
import { isKind, type Kind, type KindRule, kindRules } from './kinds.js';
import { isMembers, type Members, textOf, textsOf } from './members.js';

export interface Position {
  readonly stream: string;
  readonly version: number;
  /** Leaf hash (base64) of the entry before this one in the stream. */
  readonly prev?: string;
}

/** An entry that is well formed; what it says of others is not checked yet. */
export interface Entry {
  readonly tenant: string;
  readonly id: string;
  readonly kind: Kind;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly streams: readonly Position[];
  readonly deadline?: number;
  readonly settles?: string;
  readonly payload?: string;
  readonly body: Members;
}

/** An entry, or in one phrase why a leaf is none. */
export type Read = { readonly entry: Entry } | { readonly fault: string };

/** Streams that one entry may stand in. */
const streamsMax = 16;
const timeMax = 8.64e15;

/** The entry of a leaf: UTF-8, the canonical JSON of what an entry of version 1 has, and nothing more. */
export function readEntry(leaf: Uint8Array): Read {
  if (!isUtf8(leaf)) return { fault: 'is not UTF-8' };
  return readEntryText(Buffer.from(leaf.buffer, leaf.byteOffset, leaf.byteLength).toString('utf8'));
}

export function readEntryText(text: string): Read {
  const read = readCanonical(text);
  if (!read) return { fault: 'is not canonical JSON' };
  const { value } = read;
  if (!isMembers(value)) return { fault: 'is not an object' };
  const fault = faultOf(value) ?? faultOfKind(value) ?? faultOfBody(value);
  return fault === undefined ? { entry: value as unknown as Entry } : { fault };
}

const names: ReadonlySet<string> = new Set(['v', 'tenant', 'id', 'kind', 'at', 'streams', 'deadline', 'settles', 'payload', 'body']);
const timeId = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const digest = /^sha256:[0-9a-f]{64}$/;
const hash = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

export const isTimeId = (value: unknown): value is string => typeof value === 'string' && value.length === 36 && timeId.test(value);
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= timeMax;

function faultOf(entry: Members): string | undefined {
  if (entry['v'] !== 1) return 'is not of version 1';
  for (const name of Object.keys(entry)) if (!names.has(name)) return 'has a member that no entry has';
  if (typeof entry['tenant'] !== 'string' || entry['tenant'] === '') return 'has no tenant';
  if (!isTimeId(entry['id'])) return 'has no id of UUID version 7';
  if (!isTime(entry['at'])) return 'has no time';
  if ('deadline' in entry && !isTime(entry['deadline'])) return 'has a deadline that is no time';
  if ('settles' in entry && !isTimeId(entry['settles'])) return 'settles what is no id';
  if ('payload' in entry && !(typeof entry['payload'] === 'string' && entry['payload'].length === 71 && digest.test(entry['payload']))) return 'has a payload that is no digest';
  if (!isMembers(entry['body'])) return 'has no body';
  return faultOfStreams(entry['streams']);
}

function faultOfStreams(streams: unknown): string | undefined {
  if (!Array.isArray(streams) || streams.length === 0 || streams.length > streamsMax) return `is not in 1 to ${streamsMax} streams`;
  if (!streams.every(isPosition)) return 'has a place in a stream that is none';
  if (streams.length > 1 && new Set(streams.map(({ stream }) => stream)).size < streams.length) return 'is in one stream twice';
  return undefined;
}

function isPosition(value: unknown): value is Position {
  if (!isMembers(value) || typeof value['stream'] !== 'string' || value['stream'] === '') return false;
  const { version, prev } = value;
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) return false;
  const isFirst = version === 1;
  return Object.keys(value).length === (isFirst ? 2 : 3) && (isFirst ? prev === undefined : typeof prev === 'string' && prev.length === 44 && hash.test(prev));
}

/** What only the kind says must be there. */
function faultOfKind({ kind, deadline, settles }: Members): string | undefined {
  if (!isKind(kind)) return 'is of an unknown kind';
  const rule: KindRule = kindRules[kind];
  if (rule.waits !== (deadline !== undefined)) return rule.waits ? 'waits without a deadline' : 'has a deadline and nothing to wait for';
  if (settles === undefined ? rule.mustSettle : rule.settles.length === 0) return settles === undefined ? 'settles nothing' : 'settles and may not';
  return undefined;
}

/** What the checks of completeness read of a body. */
function faultOfBody({ kind, body }: Members): string | undefined {
  if (!isKind(kind) || !isMembers(body)) return 'has no body';
  if (kindRules[kind].inSession && !textOf(body, 'session')) return 'names no session';
  const needs: readonly string[] = needed[kind] ?? [];
  const missing = needs.find((name) => !textOf(body, name));
  if (missing !== undefined) return `has no ${missing} in its body`;
  if (kind === 'intent' && !textsOf(body, 'approvals')) return 'has approvals that are no list of ids';
  if (kind === 'erased' && !textsOf(body, 'entries')) return 'has erased what is no list of ids';
  return undefined;
}

const needed: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  hold: ['digest'],
  approval: ['digest', 'person', 'hold'],
  intent: ['digest'],
  outcome: ['effect'],
  'bundle.activated': ['bundle'],
  'log.key': ['key', 'status'],
};
