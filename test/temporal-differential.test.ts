import { type Condition, parseTemporal, TemporalMonitor } from '@flyball/cedar';
import { expect, test } from 'vitest';
import { seeded } from './support/cedar-world.js';
import { holdsByDefinition } from './support/temporal-reference.js';
import { type Line, readLine } from './support/trace-kit.js';

const traces = Number(process.env['FLYBALL_TEMPORAL_TRACES'] ?? 100_000);
const seed = Number(process.env['FLYBALL_TEMPORAL_SEED'] ?? 20_261_122);
const tracesOfClause = 40;
const msOfTrace = 5;

/** Clauses of the whole language, each accepted by its rules. */
class Clauses {
  constructor(private readonly random: () => number) {}

  #below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T;
  }

  #window(): string {
    return `within ${this.#pick(['1s', '2s', '5s', '10s', '1m'])}`;
  }

  #pattern(extra: readonly string[] = []): string {
    const fields = [...extra, ...(this.#below(3) === 0 ? [`input.user: ${this.#pick(['"ann"', 'context.input.user', '*', 'context.input.absent', '"bob"'])}`] : []), ...(this.#below(4) === 0 ? [`input.amount: ${this.#pick(['1', '2', 'context.input.amount', '*'])}`] : []), ...(this.#below(6) === 0 ? ['callerPrincipal: principal'] : [])];
    return `App::Action::"${this.#pick(['A', 'B', 'C'])}"::${this.#pick(['request', 'request', 'response'])}{ ${fields.join(', ')} }`;
  }

  /** A condition without free variables. */
  condition(depth: number): string {
    if (depth <= 0) return this.#pattern();
    const inner = () => this.condition(depth - 1);
    return this.#pick<() => string>([
      () => this.#pattern(),
      () => `formerly ${this.#window()} (${inner()})`,
      () => `previous ${this.#window()} (${inner()})`,
      () => `(${inner()}) since ${this.#window()} (${inner()})`,
      () => `(!${this.#pattern()}) since ${this.#window()} (${this.#pattern()})`,
      () => `!(${inner()})`,
      () => `(${inner()} && ${inner()})`,
      () => `exists (u: String). (formerly ${this.#window()} ${this.#pattern(['input.user: u'])} && ${this.#pick(['', '!'])}formerly ${this.#window()} ${this.#pattern(['input.user: u'])})`,
      () => `exists (n: Long). (formerly ${this.#window()} ${this.#pattern(['input.amount: n'])} && n ${this.#pick(['>', '<', '!=', '>='])} ${this.#pick(['1', '2', 'context.input.amount'])})`,
      () => `exists (u: String). (${this.#pick(['', '!'])}${this.#pattern()} since ${this.#window()} ${this.#pattern(['input.user: u'])} && u == context.input.user)`,
      () => `count_within(${this.#window().slice(7)}, ${this.#pattern()}) ${this.#pick(['>', '<', '==', '>=', '<='])} ${this.#below(4)}`,
      () => `sum_within(a, ${this.#window().slice(7)}, ${this.#pattern(['input.amount: a'])}) ${this.#pick(['>', '<', '=='])} ${this.#below(9)}`,
      () => `count_distinct_within(k, ${this.#window().slice(7)}, ${this.#pattern(['input.user: k'])}) ${this.#pick(['>=', '=='])} ${this.#below(3)}`,
      () => `bind(n, count_within(${this.#window().slice(7)}, ${this.#pattern()}), n > ${this.#below(3)} && n < ${2 + this.#below(4)})`,
      () => `exists (n: Long). (n == sum a for (a: Long). where formerly ${this.#window()} ${this.#pattern(['input.amount: a'])} && n > ${this.#below(4)})`,
      () => `(count for (t: Timepoint). where formerly ${this.#window()} (${inner()} && tp(t))) > ${this.#below(4)}`,
    ])();
  }

  line(atSeconds: number): Line {
    const fields = [this.#below(5) > 0 ? `user=${this.#pick(['ann', 'bob'])}` : '', this.#below(4) > 0 ? `amount=${this.#pick(['1', '2', '3', 'none', '1.5'])}` : ''];
    return readLine(`${atSeconds} ${this.#pick(['A', 'B', 'C'])}${this.#pick(['', '', '.response'])} ${fields.filter((field) => field !== '').join(' ')}`);
  }

  trace(): readonly Line[] {
    let at = 0;
    return Array.from({ length: 1 + this.#below(12) }, () => this.line((at += this.#pick([0, 0, 1, 1, 2, 5]))));
  }
}

test(
  `law: the monitor says what the definitions say, on ${traces} random traces (seed ${seed})`,
  () => {
    const clauses = new Clauses(seeded(seed));
    const said = { yes: 0, no: 0 };
    for (let done = 0; done < traces; done += tracesOfClause) {
      const text = clauses.condition(2);
      const condition: Condition = parseTemporal(text);
      const monitor = new TemporalMonitor([{ name: 'c', condition }]);
      for (let i = 0; i < tracesOfClause; i++) {
        const trace = clauses.trace();
        const history = monitor.newHistory();
        trace.slice(0, -1).forEach((line) => {
          history.add(line);
          history.forgetBefore(line.atMs - monitor.horizonMs);
        });
        const last = trace.at(-1);
        const own = last && monitor.ask(history, last, last.present).get('c');
        const expected = holdsByDefinition(condition, trace);
        said[expected ? 'yes' : 'no']++;
        if (own !== expected) expect.fail(`${text}\n${trace.map(({ atMs, action, event, record }) => `${atMs} ${action.key} ${event} ${JSON.stringify([...record.attributes].map(([name, value]) => [name, value]))}`).join('\n')}\nexpected ${expected}, got ${String(own)}`);
      }
    }
    console.log(`${traces} traces: ${said.yes} hold, ${said.no} do not`);
    expect(Math.min(said.yes, said.no)).toBeGreaterThan(traces / 20);
  },
  Math.max(120_000, traces * msOfTrace),
);
