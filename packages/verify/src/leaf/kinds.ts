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

/** The kinds of version 1. What varies between them is here. */
export const kindRules = {
  'session.opened': { waits: true, settles: [], mustSettle: false, inSession: true },
  'session.ended': { waits: false, settles: ['session.opened'], mustSettle: true, inSession: true },
  refusal: quiet,
  hold: { waits: true, settles: [], mustSettle: false, inSession: true },
  'hold.settled': { waits: false, settles: ['hold'], mustSettle: true, inSession: true },
  approval: { ...quiet, inSession: true },
  intent: { waits: true, settles: ['hold'], mustSettle: false, inSession: true },
  outcome: { waits: false, settles: ['intent'], mustSettle: true, inSession: true },
  'tool.pinned': quiet,
  'tool.accepted': quiet,
  'bundle.activated': quiet,
  'log.key': quiet,
  erased: quiet,
  archived: quiet,
} as const satisfies Readonly<Record<string, KindRule>>;

export type Kind = keyof typeof kindRules;

export const isKind = (text: unknown): text is Kind => typeof text === 'string' && Object.hasOwn(kindRules, text);
