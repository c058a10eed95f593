import { createRequire } from 'node:module';
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import { authorize, type Condition, Entities, EntityUid, type History, type JsonObject, lowerTemporal, parseTemporal, type PastEvent, PolicySet, type Present, TemporalMonitor, toEnvironment, toRecord } from '@flyball/cedar';

export interface Line extends PastEvent {
  readonly present: Present;
  /** Whether a verdict is asked for: the line ends with `?`. */
  readonly asked: boolean;
  /** In Cedar's JSON format. */
  readonly input: JsonObject;
}

const resource = new EntityUid('App::Gateway', 'gate');

/**
 * One line of a trace: seconds, `@` and a caller if it matters which, an action with perhaps a kind behind a dot,
 * fields of its input, of its output behind a `>`, and `?` where a verdict is asked for. A field that begins with
 * `principal.` is an attribute of the caller, one that begins with a dot is logged beside the input.
 * `12 @ann Pay.response user=ann amount=5 .order=7 > ok=true ?`
 */
export function readLine(line: string): Line {
  const [atText = '', ...rest] = line.split(/\s+/);
  const who = rest[0]?.startsWith('@') ? rest.shift()?.slice(1) : undefined;
  const [name = '', ...words] = rest;
  const [action = '', event = 'request'] = name.split('.');
  const split = words.indexOf('>');
  const asked = words.at(-1) === '?';
  const before = split < 0 ? words : words.slice(0, split);
  const caller = new EntityUid('User', who ?? 'caller');
  const input = fieldsOf(before.filter((word) => !/^(principal)?\./.test(word)));
  const beside = fieldsOf(before.filter((word) => word.startsWith('.')).map((word) => word.slice(1)));
  const attrs = fieldsOf(before.filter((word) => word.startsWith('principal.')).map((word) => word.slice('principal.'.length)));
  const record = toRecord({ input, ...(split >= 0 && { output: fieldsOf(words.slice(split)) }), callerPrincipal: { __entity: { type: caller.type, id: caller.id } }, ...beside });
  const entities = Object.keys(attrs).length === 0 ? new Entities() : Entities.fromJson([{ uid: { type: caller.type, id: caller.id }, attrs, parents: [] }]);
  return { atMs: Number(atText) * 1_000, action: new EntityUid('App::Action', action), event, record, asked, input, present: { principal: caller, resource, context: toRecord({ input }), entities } };
}

/** `a.b=1` is a field in a field. */
function fieldsOf(words: readonly string[]): JsonObject {
  const fields: Record<string, JsonObject[string]> = {};
  for (const word of words.filter((each) => each.includes('='))) {
    const [head = '', ...path] = word.slice(0, word.indexOf('=')).split('.');
    const value = valueOf(word.slice(word.indexOf('=') + 1));
    fields[head] = path.reduceRight<JsonObject[string]>((inner, name) => ({ [name]: inner }), value);
  }
  return fields;
}

function valueOf(text: string): JsonObject[string] {
  if (/^-?[0-9]+$/.test(text)) return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
  if (/^-?[0-9]+\.[0-9]+$/.test(text)) return { __extn: { fn: 'decimal', arg: text } };
  if (text.startsWith('"')) return JSON.parse(text) as string;
  return text === 'true' || text === 'false' ? text === 'true' : text;
}

/** A short notation: `Pay.req{…}`, `.resp` and `.err` are patterns, and `ctx.user` is what the request says of its user. */
export const inFull = (text: string): string =>
  text.replace(/\b([A-Z]\w*)\.(req|resp|err)\{/g, (_all, name: string, kind: string) => `App::Action::"${name}"::${kind === 'req' ? 'request' : kind === 'resp' ? 'response' : 'error'}{`).replace(/\bctx\./g, 'context.input.');

export const clauseOf = (text: string): Condition => parseTemporal(inFull(text));

/** What a clause says at every line that asks; every line is in the history of those after it. */
export function verdicts(condition: Condition, trace: readonly string[]): readonly boolean[] {
  const monitor = new TemporalMonitor([{ name: 'c', condition }]);
  const history = monitor.newHistory();
  return trace.map(readLine).flatMap((line) => {
    const said = line.asked ? [monitor.ask(history, line, line.present).get('c') ?? false] : [];
    history.add(line);
    return said;
  });
}

/** What a clause says at the last line, as `T` or `F`. */
export const atLast = (text: string, trace: readonly string[]): string => {
  const said = verdicts(clauseOf(text), trace.map((line, index) => (index === trace.length - 1 ? `${line} ?` : line)));
  return said.at(-1) ? 'T' : 'F';
};

export const cedar = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as typeof Cedar;

/** A policy in Cedar's JSON format, and the clauses that were in it. `permit Pay when …` is one on a single action, `permit * …` one on all. */
function compiled(short: string, number: number) {
  const head = inFull(short).replace(/^(permit|forbid) (\w+|\*)/, (_all, effect: string, action: string) => `${effect} (principal, ${action === '*' ? 'action' : `action == App::Action::"${action}"`}, resource)`);
  const lowered = lowerTemporal(`${head};`, (ordinal) => `p${number}_${ordinal}`);
  const [fault] = lowered.faults;
  if (fault) throw fault;
  const parsed = cedar.policyToJson(lowered.text);
  if (parsed.type !== 'success') throw new Error(`${lowered.text}: ${JSON.stringify(parsed.errors)}`);
  return { json: parsed.json, clauses: lowered.clauses };
}

/**
 * What Cedar decides at every line that asks, as `A` and `D`: clauses lowered, answered from the history and put
 * into the context. A house that keeps a history for each caller gives `'caller'`.
 */
export function decisions(policies: readonly string[], trace: readonly string[], of: 'all' | 'caller' = 'all'): string {
  const made = policies.map(compiled);
  const set = new PolicySet({ staticPolicies: Object.fromEntries(made.map(({ json }, index) => [`p${index}`, json])) });
  const monitor = new TemporalMonitor(made.flatMap(({ clauses }) => clauses));
  const histories = new Map<string, History>();
  let said = '';
  for (const line of trace.map(readLine)) {
    const key = of === 'all' ? '' : line.present.principal.key;
    const history = histories.get(key) ?? monitor.newHistory();
    histories.set(key, history);
    if (line.asked) {
      const temporal = Object.fromEntries(monitor.ask(history, line, line.present));
      const { principal, entities } = line.present;
      said += authorize(set, toEnvironment({ principal, action: line.action, resource, context: { input: line.input, temporal } }, entities)).decision === 'allow' ? 'A' : 'D';
    }
    history.add(line);
  }
  return said;
}
