import { type Condition, Entities, EntityUid, parseTemporal, type PastEvent, type Present, TemporalMonitor, toRecord, type JsonObject } from '@flyball/cedar';

export interface Line extends PastEvent {
  readonly present: Present;
  /** Whether a verdict is asked for: the line ends with `?`. */
  readonly asked: boolean;
}

const caller = new EntityUid('User', 'caller');
const resource = new EntityUid('App::Gateway', 'gate');

/**
 * One line of a trace: seconds, an action with perhaps a kind behind a dot, fields of its input, of its output
 * behind a `>`, and `?` where a verdict is asked for. `12 Pay.response user=ann amount=5 > ok=true ?`
 */
export function readLine(line: string): Line {
  const [atText = '', name = '', ...words] = line.split(/\s+/);
  const [action = '', event = 'request'] = name.split('.');
  const split = words.indexOf('>');
  const asked = words.at(-1) === '?';
  const fields = (list: readonly string[]) => Object.fromEntries(list.filter((word) => word.includes('=')).map((word) => [word.split('=')[0], valueOf(word.slice(word.indexOf('=') + 1))]));
  const input = fields(split < 0 ? words : words.slice(0, split)) as JsonObject;
  const record = toRecord({ input, ...(split >= 0 && { output: fields(words.slice(split)) as JsonObject }), callerPrincipal: { __entity: { type: caller.type, id: caller.id } } });
  const context = toRecord({ input });
  return { atMs: Number(atText) * 1_000, action: new EntityUid('App::Action', action), event, record, asked, present: { principal: caller, resource, context, entities: new Entities() } };
}

function valueOf(text: string): JsonObject[string] {
  if (/^-?[0-9]+$/.test(text)) return Number(text);
  if (/^-?[0-9]+\.[0-9]+$/.test(text)) return { __extn: { fn: 'decimal', arg: text } };
  return text === 'true' || text === 'false' ? text === 'true' : text;
}

export const clauseOf = (text: string): Condition => parseTemporal(text);

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

