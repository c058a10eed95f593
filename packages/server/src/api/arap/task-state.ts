import type { Entry } from '@flyball/protocol';
import type { ItemStatus, TaskStatus } from './draft.js';

/** What the entry of a submitted item says. What was asked and why is in its payload, which can be erased. */
export interface OpenedBody {
  readonly profile: 'arap';
  readonly task: string;
  readonly item: number;
  /** Items of the whole submission. */
  readonly items: number;
  readonly bundle: boolean;
  readonly identity: string;
  /** The question to people; of a request for a grant, the attempt that asks for it. */
  readonly hold: string;
  readonly evaluation: string;
  readonly asks?: AskedGrant;
}

/** A grant that is asked for, for whom, and where in the record the attempt is. */
export interface AskedGrant {
  readonly grant: string;
  readonly subject: string;
  readonly session: string;
  /** By which a session knows what waits. */
  readonly digest: string;
}

/** How an item ended. `until` is how long an approval is good for, in milliseconds since 1970. */
export interface SettledBody {
  readonly status: ItemStatus;
  readonly until?: number;
  /** The grant that was opened. */
  readonly grant?: string;
}

export interface TaskItem {
  /** Id of the entry that opened it. */
  readonly opened: string;
  readonly item: number;
  readonly openedAtMs: number;
  readonly hold: string;
  readonly evaluation: string;
  readonly asks?: AskedGrant;
  readonly deadlineMs: number;
  readonly ended?: { readonly entry: string; readonly atMs: number; readonly status: ItemStatus; readonly untilMs: number };
}

/** A task as its stream tells it. */
export interface TaskState {
  readonly task: string;
  readonly identity: string;
  readonly bundle: boolean;
  readonly count: number;
  readonly items: readonly TaskItem[];
  /** When something last happened to it. */
  readonly atMs: number;
}

export const taskStream = (task: string): string => `task:${task}`;

export function foldTask(state: TaskState | undefined, { kind, id, at, deadline, settles, body }: Entry): TaskState | undefined {
  if (kind === 'request.opened') {
    const { task, item, items: count, bundle, identity, hold, evaluation, asks } = body as OpenedBody;
    const added: TaskItem = { opened: id, openedAtMs: at, item, hold, evaluation, ...(asks && { asks }), deadlineMs: deadline ?? at };
    return { task, identity, bundle, count, items: [...(state?.items ?? []), added], atMs: at };
  }
  if (kind !== 'request.settled' || !state) return state;
  const { status, until } = body as SettledBody;
  const items = state.items.map((item) => (item.opened === settles && !item.ended ? { ...item, ended: { entry: id, atMs: at, status, untilMs: until ?? at } } : item));
  return { ...state, items, atMs: at };
}

/** The first use of a key, or of a denial: which task it led to. */
export interface Claim {
  readonly task: string;
  readonly entry: string;
  readonly atMs: number;
}

export const foldClaim = (state: Claim | undefined, { kind, id, at, body }: Entry): Claim | undefined =>
  kind === 'request.opened' ? { task: (body as OpenedBody).task, entry: id, atMs: at } : state;

export const denialStream = (evaluation: string): string => `denial:${evaluation}`;
export const keyStream = (key: string): string => `task-key:${key}`;

/** Pending while an item is, else what all of them are, else partial (section Access Request Response). */
export function aggregate(statuses: readonly ItemStatus[]): TaskStatus {
  const [first] = statuses;
  if (first === undefined || statuses.includes('pending')) return 'pending';
  return statuses.every((status) => status === first) ? first : 'partial';
}

/** An item that was submitted with others and never came to be opened failed with the submission. */
export function statusesOf({ items, count }: TaskState): readonly ItemStatus[] {
  return Array.from({ length: count }, (_, index) => {
    const item = items.find((each) => each.item === index);
    return item ? (item.ended?.status ?? 'pending') : 'failed';
  });
}
