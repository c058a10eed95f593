import { type Entry, isObject } from '@flyball/protocol';
import { visible } from '../../lib/visible.js';
import type { HoldBody } from '../question.js';
import { askedOf, type ChannelEvent } from './events.js';
import type { NoticeRecord } from './record.js';
import type { Batch } from './flood.js';
import type { Notice } from './state.js';

/** What people are told. Never arguments, never what somebody wrote about them; every text can be seen as it is. */
export interface Message {
  readonly key: string;
  readonly event: ChannelEvent;
  readonly entry: string;
  readonly atMs: number;
  /** What happened, in a word: `asked`, `agreed`, `refused`, `expired`, `superseded`, `opened`, … */
  readonly said: string;
  readonly who: string;
  readonly forWhom?: string;
  readonly action?: string;
  readonly reasons: readonly string[];
  readonly groups: readonly string[];
  /** Who did it. */
  readonly by?: string;
  readonly untilMs?: number;
  readonly hold?: string;
  readonly batch?: Batch;
  /** Where to go; whoever goes there has to sign in. */
  readonly link: string;
}

const textMost = 500;
const reasonsMost = 10;

/** A text as it is shown: nothing hidden in it, and not too long. */
export const shown = (text: string): string => cut(visible(text), textMost);

/** Never ends in half a character. */
export const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most).replace(/[\ud800-\udbff]$/, '')}…` : text);

type Record = Pick<NoticeRecord, 'find' | 'content' | 'nameOf'>;

/** What a notice says, read from the record at the moment of telling; nothing when the record has it no more. */
export async function messageOf(notice: Notice, record: Record, address: string): Promise<Message | undefined> {
  const entry = await record.find(notice.entry);
  if (!entry) return undefined;
  const { key, event, atMs, groups, hold: id, batch } = notice;
  const common = { key, event, entry: entry.id, atMs, said: saidOf(entry, notice), groups: groups.map(shown), link: `${address}/inbox${id === undefined || batch ? '' : `/${id}`}`, ...(id !== undefined && !batch && { hold: id }) };
  if (batch) return { ...common, who: shown(notice.identity === '' ? 'several' : notice.identity), reasons: [], batch };
  if (id === undefined) return { ...common, ...(await aboutAuthority(entry, record)) };
  const hold = id === entry.id ? entry : await record.find(id);
  const { person } = entry.body as { readonly person?: string };
  return hold && { ...common, ...(await aboutQuestion(hold, record)), ...(person !== undefined && entry.id !== hold.id && { by: shown(await nameOf(person, record)) }) };
}

/** In the words of the record, without the kind's first half: `emergency.opened` is `opened`. */
function saidOf({ kind, body }: Entry, { event, hold, entry }: Notice): string {
  if (event === 'asked' || event === 'escalated' || event === 'expired') return event;
  if (kind === 'approval') return 'agreed';
  if (kind === 'hold') return hold === entry ? 'asked' : 'superseded';
  const { status } = body as { readonly status?: unknown };
  return typeof status === 'string' ? shown(status) : (kind.split('.')[1] ?? kind);
}

async function aboutQuestion(hold: Entry, record: Record) {
  const body = hold.body as HoldBody;
  const reasons = [...new Set(askedOf(hold).approvals.map(({ reason }) => reason))].slice(0, reasonsMost);
  return {
    who: shown(body.identity),
    ...(body.on_behalf_of !== undefined && { forWhom: shown(await nameOf(body.on_behalf_of, record)) }),
    action: shown(body.action),
    reasons: reasons.map(shown),
    ...(hold.deadline !== undefined && { untilMs: hold.deadline }),
  };
}

/** Emergencies, standing approvals and grants. Why there is an emergency is said aloud; who reads it later can no longer when it was erased. */
async function aboutAuthority(entry: Entry, record: Record) {
  const { name, identity, action, person } = entry.body as { readonly name?: string; readonly identity?: string; readonly action?: string; readonly person?: string };
  const reasons = entry.kind === 'emergency.opened' ? wordsOf(await record.content(entry.id)) : [];
  return {
    who: shown(name ?? identity ?? ''),
    ...(action !== undefined && { action: shown(name !== undefined && identity !== undefined ? `${action} by ${identity}` : action) }),
    reasons: reasons.map(shown),
    ...(person !== undefined && { by: shown(await nameOf(person, record)) }),
    ...(entry.deadline !== undefined && { untilMs: entry.deadline }),
  };
}

function wordsOf(content: string | undefined): readonly string[] {
  const words: unknown = content === undefined ? undefined : JSON.parse(content);
  return isObject(words) ? [words['incident'], words['reason']].filter((word) => typeof word === 'string') : [];
}

async function nameOf(ref: string, record: Record): Promise<string> {
  const name = await record.nameOf(ref);
  return name === ref ? 'somebody whose name was erased' : name;
}
