import type { JsonObject } from '@flyball/protocol';
import { limits } from '../../lib/limits.js';
import type { HoldStatus } from './hold-desk.js';

/** Flyball's own tool on which a model can wait. Its definition is in wait-tool.ts. */
export const waitToolName = 'flyball__wait';

export const timeOf = (ms: number): string => new Date(ms).toISOString();

const repeatOnce = 'call the same tool again with exactly the same arguments: it passes once. Other arguments are a new question.';

/** By what whoever is told can wait: the tool, the machines' REST routes, or nothing that belongs to where they asked. */
export type WaitsBy = 'tool' | 'rest' | 'nothing';

const goOn = 'as often as needed, or go on with other work. When it says that the hold is approved';
const waits: Readonly<Record<WaitsBy, (hold: string) => string>> = {
  tool: (hold) => `call \`${waitToolName}\` with {"hold": "${hold}"}, ${goOn}`,
  rest: (hold) => `\`GET /v1/holds/${hold}/wait?seconds=N\` (N at most ${limits.holdWaitMsMax / 1_000}), ${goOn}`,
  nothing: () => 'go on with other work. When the hold was approved',
};

/** How a model goes on from a question that waits, and what it must not do meanwhile. */
export function whileWaiting(hold: string, waitsBy: WaitsBy): string {
  const how = waits[waitsBy](hold);
  return `Nothing has happened. To wait, ${how}, ${repeatOnce} Do not try the same effect in another way.`;
}

/** What became of a question and what to do now, for a model. Who answered, and by which rule, is not told to machines. */
export function wordsOf({ id, state, deadlineMs, agreed, missing, arrived }: HoldStatus, waitsBy: WaitsBy): string {
  switch (state) {
    case 'pending': {
      if (arrived) return `What was missing has arrived. Now call the same tool again with exactly the same arguments: it is decided anew.`;
      const people = missing.reduce((sum, { needed }) => sum + needed, 0);
      return `Pending until ${timeOf(deadlineMs)}${people > 0 ? `: ${people} more ${people === 1 ? 'person has' : 'people have'} to agree` : ''}. ${whileWaiting(id, waitsBy)}`;
    }
    case 'approved':
      return `Approved until ${timeOf(deadlineMs)}${lessIn(agreed)}. Now ${repeatOnce}`;
    case 'refused':
      return 'Refused: a person said no. Nothing has happened. Do not try the same effect in another way; tell whoever gave you this task.';
    case 'expired':
      return `Expired: nobody answered until ${timeOf(deadlineMs)}. Nothing has happened. Calling the tool again asks anew: do that only if it is still needed.`;
    case 'cancelled':
      return 'Cancelled: the question was taken back. Nothing has happened.';
    case 'superseded':
      return 'Superseded: a policy, the tool or the session changed after the question was asked, so another question took its place. Nothing has happened. Call the tool again to see where it stands.';
    case 'used':
      return 'Used: the action was begun once under this approval. Do not repeat it; check the target if you did not see its result.';
  }
}

/** What runs is less than what was asked for: the smallest cap of each argument counts. */
function lessIn(agreed: HoldStatus['agreed']): string {
  const caps = new Map<string, number>();
  for (const { narrow } of agreed) for (const [name, most] of Object.entries(narrow?.caps ?? {})) caps.set(name, Math.min(most, caps.get(name) ?? Infinity));
  return caps.size === 0 ? '' : `, for less than was asked: ${[...caps].map(([name, most]) => `\`${name}\` at most ${most}`).join(', ')}`;
}

/** A hold as machines see it: how many people, not who. */
export function factsOf({ id, state, deadlineMs, agreed, missing, arrived }: HoldStatus): JsonObject {
  return { hold: id, state, ...(arrived && { arrived }), expires_at: timeOf(deadlineMs), agreed: agreed.length, missing: missing.reduce((sum, { needed }) => sum + needed, 0) };
}
