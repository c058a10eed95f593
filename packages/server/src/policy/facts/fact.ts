import { canonicalText, FlyballError, type JsonObject } from '@flyball/protocol';
import { pause } from '../../lib/clock.js';
import type { Gate } from '../../lib/gate.js';
import type { FactType } from '../documents.js';
import type { FactAnswer, Lookup } from '../fact-source.js';
import type { FactSettings } from './settings.js';
import type { Source } from './sources.js';
import { toFactValue } from './typed-value.js';

/** How long it is remembered that there was no answer: whoever cannot answer is not asked by every attempt. */
const missingMs = 2_000;
const knownMax = 1_000;
const askingMax = 200;

export interface Question {
  readonly types: Readonly<Record<string, FactType>>;
  readonly lookup: Lookup;
  readonly nowMs: number;
  readonly youngerThanMs: number;
}

interface Asked extends Omit<Question, 'youngerThanMs'> {
  readonly parameters: Readonly<Record<string, string>>;
}

/** One fact: who is asked for it, and what they said of late. Asked once at a time for the same parameters. */
export class Fact {
  readonly #placeholders: readonly string[];
  readonly #known = new Map<string, { readonly answer: FactAnswer; readonly askedAtMs: number }>();
  readonly #asking = new Map<string, Promise<FactAnswer>>();

  constructor(
    private readonly settings: Pick<FactSettings, 'fresh_for' | 'timeout_ms' | 'select'>,
    private readonly sources: readonly Source[],
    private readonly gate: Gate,
  ) {
    this.#placeholders = [...new Set(sources.flatMap(({ placeholders }) => placeholders))].sort();
  }

  async ask({ types, lookup, nowMs, youngerThanMs }: Question): Promise<FactAnswer> {
    const found = this.#placeholders.map((name) => [name, lookup(name)] as const);
    const without = found.find(([, value]) => value === undefined);
    const parameters = Object.fromEntries(found.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
    // Exactly what the answer is remembered by.
    const asked = { types, lookup: (name: string) => (Object.hasOwn(parameters, name) ? parameters[name] : undefined), nowMs, parameters };
    if (without) return this.#missing(asked, `the attempt has no text or number at \`${without[0]}\``);
    const key = canonicalKey(parameters, types);
    if (key === undefined) return this.#missing(asked, 'expected whole characters in what it is asked with');
    const known = this.#known.get(key);
    // One of the future is from before a clock was set back: nobody knows how old it is.
    if (known && known.askedAtMs <= nowMs && nowMs < known.answer.goodUntilMs && nowMs - known.askedAtMs <= youngerThanMs) return known.answer;
    return this.#asking.get(key) ?? this.#askOnce(key, asked);
  }

  #askOnce(key: string, asked: Asked): Promise<FactAnswer> {
    if (this.#asking.size >= askingMax) return Promise.resolve(this.#missing(asked, 'too much is asked at once'));
    const asking = this.#inTime(asked)
      .then((answer) => {
        this.#known.delete(key);
        this.#known.set(key, { answer, askedAtMs: asked.nowMs });
        const [oldest] = this.#known.keys();
        if (this.#known.size > knownMax && oldest !== undefined) this.#known.delete(oldest);
        return answer;
      })
      .finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  /** Whoever does not answer is given up; the place at the gate is kept until the question has really ended. */
  async #inTime(asked: Asked): Promise<FactAnswer> {
    const { timeout_ms: timeoutMs } = this.settings;
    const answered = new AbortController();
    const late = pause(timeoutMs, answered.signal).then(() => this.#missing(asked, `expected an answer within ${timeoutMs} ms`));
    try {
      return await Promise.race([this.#all(asked), late]);
    } finally {
      answered.abort();
    }
  }

  async #all(asked: Asked): Promise<FactAnswer> {
    const readings = await Promise.all(this.sources.map((source) => this.#one(source, asked)));
    const fault = readings.find((reading) => 'missing' in reading);
    if (fault && 'missing' in fault) return this.#missing(asked, `${fault.source}: ${fault.missing}`);
    const said = readings.filter((reading) => 'value' in reading);
    const [first, ...rest] = said;
    if (!first) return this.#missing(asked, 'it has no source');
    const other = rest.find(({ value }) => canonicalText(value) !== canonicalText(first.value));
    if (other) return this.#missing(asked, `its sources contradict each other: \`${first.source}\` and \`${other.source}\``);
    const goodUntilMs = Math.min(asked.nowMs + this.settings.fresh_for, ...said.map(({ holdsUntilMs }) => holdsUntilMs ?? Infinity));
    return { kind: 'known', value: first.value, ...this.#origin(asked), goodUntilMs };
  }

  async #one(source: Source, { types, lookup, nowMs }: Asked): Promise<{ readonly source: string } & ({ readonly missing: string } | { readonly value: JsonObject; readonly holdsUntilMs: number | undefined })> {
    try {
      const { document, holdsUntilMs } = await this.gate.run(() => source.read(lookup, nowMs, this.settings.timeout_ms));
      return { source: source.name, ...toFactValue(document, types, this.settings.select), holdsUntilMs };
    } catch (error) {
      return { source: source.name, missing: error instanceof FlyballError ? error.message : 'no answer' };
    }
  }

  #missing(asked: Asked, why: string): FactAnswer {
    return { kind: 'missing', why, ...this.#origin(asked), goodUntilMs: asked.nowMs + Math.min(missingMs, this.settings.fresh_for) };
  }

  #origin({ nowMs, parameters }: Asked) {
    return { sources: this.sources.map(({ name }) => ({ source: name, fetchedAtMs: nowMs })), freshForMs: this.settings.fresh_for, parameters };
  }
}

/** A half of a character has no canonical text; nobody is asked with it. */
function canonicalKey(parameters: Readonly<Record<string, string>>, types: Question['types']): string | undefined {
  return Object.values(parameters).every((value) => value.isWellFormed()) ? canonicalText([parameters, types]) : undefined;
}
