import { FlyballError, type JsonObject, type Modification } from '@flyball/protocol';

/** The arguments with every cap and every fixed value of a modification applied. Throws `denied` when a cap has no number to cap. */
export function applyModification(args: JsonObject, { caps, sets }: Modification): JsonObject {
  const capped = Object.fromEntries(Object.entries(caps).map(([name, most]) => [name, cap(name, Object.hasOwn(args, name) ? args[name] : undefined, most)]));
  return { ...args, ...capped, ...sets };
}

function cap(name: string, value: unknown, most: number): number {
  if (value === undefined) return most;
  if (typeof value !== 'number') throw new FlyballError('denied', `expected \`${name}\` to be a number of at most ${most}`);
  return Math.min(value, most);
}
