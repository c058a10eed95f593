import { equals } from '../values/value.js';
import { type Condition, innerOf, type Pattern } from './condition.js';
import { entityValue, type PastEvent, type Present, valueAt } from './event.js';

/**
 * True when one of a condition's patterns can mean an event, as far as the request alone says what its fields have to
 * be: for telling people which events an answer came from. Variables are taken as bound to whatever is there.
 */
export function concerns(condition: Condition, event: PastEvent, present: Present): boolean {
  return condition.kind === 'pattern' ? isMeant(condition, event, present) : innerOf(condition).some((inner) => concerns(inner, event, present));
}

function isMeant({ action, event: kind, fields }: Pattern, event: PastEvent, present: Present): boolean {
  if (event.event !== kind || event.action.key !== action) return false;
  return fields.every(({ path, term }) => {
    const value = valueAt(event.record, path);
    if (value === undefined) return false;
    if (term.kind !== 'literal' && term.kind !== 'context' && term.kind !== 'entity') return true;
    const wanted = term.kind === 'literal' ? term.value : term.kind === 'context' ? valueAt(present.context, term.path) : entityValue(present[term.of], term.path, present);
    return wanted !== undefined && equals(value, wanted);
  });
}
