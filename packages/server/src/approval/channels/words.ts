import type { Message } from './message.js';

/** One line that says what happened. Its texts were made visible before. */
export function headline({ event, said, who, action, by, batch }: Message): string {
  const doing = action === undefined ? who : `${action} by ${who}`;
  if (batch) return `${who}: ${batch.count} more times \`${event}\` within a short time`;
  switch (event) {
    case 'asked':
      return `${who} asks to do ${action ?? 'something'}`;
    case 'escalated':
      return `nobody has answered yet: ${who} asks to do ${action ?? 'something'}`;
    case 'expired':
      return `nobody answered in time: ${doing}`;
    case 'answered':
      return by === undefined ? `${said}: ${doing}` : `${by} ${said}: ${doing}`;
    case 'emergency':
      return `EMERGENCY ${who} ${said}${by === undefined ? '' : ` by ${by}`}`;
    case 'standing':
      return `standing approval ${said}: ${doing}`;
    case 'grant':
      return `grant ${said}: ${doing}`;
  }
}

/** What else is to be said, as names and values. */
export function details({ forWhom, action, reasons, groups, untilMs, event, batch }: Message): readonly (readonly [name: string, value: string])[] {
  const scope = event === 'emergency' && action !== undefined ? [['opens', action] as const] : [];
  return [
    ...(forWhom === undefined ? [] : [['on behalf of', forWhom] as const]),
    ...scope,
    ...reasons.map((reason) => ['because', reason] as const),
    ...(groups.length === 0 ? [] : [[batch ? 'for' : 'asked', groups.join(', ')] as const]),
    ...(untilMs === undefined ? [] : [['until', new Date(untilMs).toISOString()] as const]),
  ];
}
