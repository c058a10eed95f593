import type { FindingCode, Findings } from '../finding.js';
import type { Kind, KindRule } from '../leaf/kinds.js';
import { kindRules } from '../leaf/kinds.js';
import { textOf } from '../leaf/members.js';
import type { Approvals } from './approvals.js';
import type { Ids } from './ids.js';
import { placeOf, type Recorded } from './recorded.js';
import { graceMs } from './times.js';

type AuthorityKind = 'standing.granted' | 'delegation.given' | 'emergency.opened' | 'request.opened' | 'grant.opened';
type WaitKind = 'intent' | 'hold' | 'session.opened' | AuthorityKind;

interface Wait {
  readonly id: string;
  readonly kind: WaitKind;
  readonly index: number;
  readonly deadline: number;
  readonly session: string;
  readonly digest: string | undefined;
}

export interface UnderWay {
  readonly intents: number;
  readonly holds: number;
  readonly sessions: number;
  /** Authority that has not ended yet: grants, delegations, standing approvals, emergencies, requests for access. */
  readonly authorities: number;
}

const authority = ['authority_open', 'expected this authority to be ended'] as const;

const overdue: Readonly<Record<WaitKind, readonly [code: FindingCode, what: string]>> = {
  intent: ['outcome_missing', 'expected an outcome of this intent'],
  hold: ['hold_open', 'expected this hold to be settled'],
  'session.opened': ['session_open', 'expected this session to be ended'],
  'standing.granted': authority,
  'delegation.given': authority,
  'emergency.opened': authority,
  'request.opened': authority,
  'grant.opened': authority,
};

/** That whatever waits is ended by exactly one entry that may end it. Takes entries in the order of their streams. */
export class Waits {
  readonly #open = new Map<string, Wait>();

  constructor(
    private readonly findings: Findings,
    private readonly ids: Ids,
    private readonly approvals: Approvals,
  ) {}

  add(recorded: Recorded): void {
    const { entry } = recorded;
    if (entry.settles !== undefined) this.#settle(recorded, entry.settles);
    const session = textOf(entry.body, 'session') ?? '';
    if (isWaitKind(entry.kind)) this.#open.set(entry.id, { id: entry.id, kind: entry.kind, index: recorded.index, deadline: entry.deadline ?? 0, session, digest: textOf(entry.body, 'digest') });
  }

  /** What still waits: overdue at that time it is a finding, else it is under way. */
  finish(nowMs: number): UnderWay {
    const counts = { intents: 0, holds: 0, sessions: 0, authorities: 0 };
    for (const { id, kind, index, deadline } of this.#open.values()) {
      const [code, what] = overdue[kind];
      if (deadline + graceMs < nowMs) this.findings.add(code, `${what}, whose deadline was ${new Date(deadline).toISOString()}`, { index, entry: id });
      else counts[countedAs(kind)]++;
    }
    return counts;
  }

  #settle(recorded: Recorded, target: string): void {
    const wait = this.#open.get(target);
    const place = placeOf(recorded);
    if (!wait) {
      if (this.ids.isSettled(target)) this.findings.add('settled_twice', `expected one entry that settles ${target}; this is another one`, place);
      else if (this.ids.has(target)) this.findings.add('settles_wrongly', `expected ${target} to be something that waits, before this entry in its streams`, place);
      else this.findings.add('settles_nothing', `expected ${target}, which this entry settles, to be in the log before it`, place);
      return;
    }
    const fault = faultOf(recorded, wait);
    if (fault !== undefined) this.findings.add('settles_wrongly', `expected ${target}, a ${wait.kind}, to be settled ${fault}`, place);
    if (!rulesOf(recorded.entry.kind).settles.includes(wait.kind)) return;
    this.#open.delete(target);
    this.ids.settle(target);
    this.approvals.drop(target);
  }
}

function countedAs(kind: WaitKind): keyof UnderWay {
  switch (kind) {
    case 'intent':
      return 'intents';
    case 'hold':
      return 'holds';
    case 'session.opened':
      return 'sessions';
    default:
      return 'authorities';
  }
}

function faultOf({ entry }: Recorded, wait: Wait): string | undefined {
  if (!rulesOf(entry.kind).settles.includes(wait.kind)) return `by another kind than ${entry.kind}`;
  if ((textOf(entry.body, 'session') ?? '') !== wait.session) return 'in its own session';
  // A question that replaces another is about the same call under another policy or tool, so its digest is another.
  if (wait.kind === 'hold' && entry.kind !== 'hold' && textOf(entry.body, 'digest') !== wait.digest) return 'for the digest that it holds';
  return undefined;
}

const rulesOf = (kind: Kind): KindRule => kindRules[kind];
const isWaitKind = (kind: Kind): kind is WaitKind => Object.hasOwn(overdue, kind);
