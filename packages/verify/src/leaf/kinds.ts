/** What an entry of a kind may settle, whether it waits to be settled itself, and whether it belongs to a session. */
export interface KindRule {
  readonly waits: boolean;
  /** Kinds that it ends the waiting of. */
  readonly settles: readonly string[];
  readonly mustSettle: boolean;
  /** It stands in the stream of the session that its body names. */
  readonly inSession: boolean;
}

const quiet: KindRule = { waits: false, settles: [], mustSettle: false, inSession: false };

/** Authority that has an end, and what ended it. */
const opening: KindRule = { waits: true, settles: [], mustSettle: false, inSession: false };
const ending = <K extends string>(kind: K) => ({ waits: false, settles: [kind], mustSettle: true, inSession: false }) as const;

/** The kinds of version 1. What varies between them is here. */
export const kindRules = {
  'session.opened': { waits: true, settles: [], mustSettle: false, inSession: true },
  'session.ended': { waits: false, settles: ['session.opened'], mustSettle: true, inSession: true },
  refusal: quiet,
  // A question that is asked anew replaces the one before it.
  hold: { waits: true, settles: ['hold'], mustSettle: false, inSession: true },
  'hold.settled': { waits: false, settles: ['hold'], mustSettle: true, inSession: true },
  'facts.arrived': { ...quiet, inSession: true },
  evidence: { ...quiet, inSession: true },
  approval: { ...quiet, inSession: true },
  'answer.late': { ...quiet, inSession: true },
  evaluation: { ...quiet, inSession: true },
  intent: { waits: true, settles: ['hold'], mustSettle: false, inSession: true },
  outcome: { waits: false, settles: ['intent'], mustSettle: true, inSession: true },
  'tool.pinned': quiet,
  'tool.accepted': quiet,
  'bundle.activated': quiet,
  'log.key': quiet,
  erased: quiet,
  archived: quiet,
  'standing.granted': opening,
  'standing.ended': ending('standing.granted'),
  'delegation.given': opening,
  'delegation.ended': ending('delegation.given'),
  'emergency.opened': opening,
  'emergency.confirmed': quiet,
  'emergency.ended': ending('emergency.opened'),
  'emergency.reviewed': quiet,
  'request.opened': opening,
  'request.settled': ending('request.opened'),
  'grant.opened': opening,
  'grant.ended': ending('grant.opened'),
  notified: quiet,
  signed_in: quiet,
  'authenticator.added': quiet,
  'authenticator.removed': quiet,
} as const satisfies Readonly<Record<string, KindRule>>;

export type Kind = keyof typeof kindRules;

export const isKind = (text: unknown): text is Kind => typeof text === 'string' && Object.hasOwn(kindRules, text);
