import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { type Condition, EntityUid, innerOf, readUid, termsOf } from '@flyball/cedar';
import { type PolicySource, positionOf } from './cedar-text.js';
import type { Fault } from './faults.js';
import { eventFields, eventKinds } from './temporal-events.js';
import type { ArgumentType } from './types.js';

interface Clauses {
  readonly source: PolicySource;
  readonly json: PolicyJson;
  readonly temporal: readonly { readonly condition: Condition; readonly start: number }[];
}

/** What is known of the arguments of each action, by its name; nothing where no pinned tool says. */
export type ArgumentsByAction = ReadonlyMap<string, ArgumentType | undefined>;

type Pattern = Extract<Condition, { kind: 'pattern' }>;

/** Patterns that no event of this house can match: an unknown action, kind of event or field guards nothing. */
export function checkEvents(policies: readonly Clauses[], actions: ArgumentsByAction, faults: Fault[]): void {
  const known = new Map([...actions.keys()].map((name) => [new EntityUid('Action', name).key, name]));
  for (const { source, json, temporal } of policies) {
    const own = [...known].filter(([key]) => appliesTo(json, key)).map(([, name]) => name);
    for (const { condition, start } of temporal) {
      const place = { file: source.file, ...positionOf(source, Buffer.byteLength(source.text.slice(0, start + condition.start))) };
      faults.push(...wrongWithContext(condition, own, actions).map((message) => ({ ...place, message })));
      for (const pattern of patternsIn(condition)) {
        const at = { file: source.file, ...positionOf(source, Buffer.byteLength(source.text.slice(0, start + pattern.start))) };
        faults.push(...wrongWith(pattern, known.get(pattern.action), actions).map((message) => ({ ...at, message })));
      }
    }
  }
}

function wrongWith({ action, event, fields }: Pattern, name: string | undefined, actions: ArgumentsByAction): readonly string[] {
  if (name === undefined) return [`expected an action of the catalogue in a temporal pattern, got \`${action}"\``];
  if (!eventKinds.some((kind) => kind === event)) return [`expected the event \`request\`, \`response\` or \`error\`, got \`${event}\``];
  return fields.flatMap(({ path: [head, ...rest] }) => {
    if (!eventFields.some((field) => field === head)) return [`expected a field of \`input\`, or \`resource\` or \`session\`, got \`${String(head)}\``];
    if (head !== 'input') return rest.length === 0 ? [] : [`expected \`${String(head)}\` by itself`];
    const type = actions.get(name);
    if (!type) return [`the arguments of \`${name}\` are not known: pin its tool in tools/ to compare them`];
    return typeAt(type, rest) ? [] : [`\`${name}\` has no argument \`${rest.join('.')}\` that policies can see`];
  });
}

const contextHeads = ['args', 'session', 'facts', 'origin', 'now', 'on_behalf_of', 'confidence'];

/** A path of the context that is never there makes its part of a clause false in silence. */
function wrongWithContext(condition: Condition, own: readonly string[], actions: ArgumentsByAction): readonly string[] {
  return [...new Set(contextPaths(condition).map((path) => path.join('.')))].flatMap((text) => {
    const [head, ...rest] = text.split('.');
    if (!contextHeads.some((known) => known === head)) return [`expected a path of the context, got \`context.${text}\``];
    const without = head === 'args' ? own.find((name) => !typeAt(actions.get(name) ?? { kind: 'record', attributes: {} }, rest)) : undefined;
    return without === undefined ? [] : [`\`${without}\` has no argument \`${rest.join('.')}\` that policies can see`];
  });
}

const contextPaths = (condition: Condition): readonly (readonly string[])[] => [...termsOf(condition).flatMap((term) => (term.kind === 'context' ? [term.path] : [])), ...innerOf(condition).flatMap(contextPaths)];

/** Whether a policy's head names this action itself; heads that name groups or nothing are left to the schema. */
function appliesTo({ action }: PolicyJson, key: string): boolean {
  if (action.op !== '==' || !('entity' in action)) return false;
  return readUid(action.entity).key === key;
}

function typeAt(type: ArgumentType, [name, ...rest]: readonly string[]): ArgumentType | undefined {
  if (name === undefined) return type;
  const inner = type.kind === 'record' && Object.hasOwn(type.attributes, name) ? type.attributes[name]?.type : undefined;
  return inner && typeAt(inner, rest);
}

const patternsIn = (condition: Condition): readonly Pattern[] => [...(condition.kind === 'pattern' ? [condition] : []), ...innerOf(condition).flatMap(patternsIn)];

/** Facts that a condition reads. */
export const factsCompared = (condition: Condition): readonly string[] => contextPaths(condition).flatMap(([head, name]) => (head === 'facts' && name !== undefined ? [name] : []));

/** Arguments that a condition reads, of earlier events or of the present one. */
export function argumentsCompared(condition: Condition): readonly string[] {
  const logged = patternsIn(condition).flatMap(({ fields }) => fields.map(({ path }) => path)).filter(([head]) => head === 'input');
  const present = contextPaths(condition).filter(([head]) => head === 'args');
  return [...logged, ...present].flatMap(([, name]) => name ?? []);
}
