import { FlyballError } from '@flyball/protocol';
import type { Clock } from '../../lib/clock.js';
import { Gate } from '../../lib/gate.js';
import type { FactAnswer, FactSource, FactTypes, Lookup } from '../fact-source.js';
import { Fact } from './fact.js';
import type { FactSettings, SourceSettings } from './settings.js';
import type { Source, Sources } from './sources.js';
import { attemptPlaceholders } from './template.js';

const readsAtOnceMax = 32;
const readsWaitingMax = 500;

/** The facts of the configuration. */
export class Facts implements FactSource {
  readonly names: ReadonlySet<string>;
  readonly #facts: ReadonlyMap<string, Fact>;

  /** Throws `config_invalid`, with the fact that it is about. */
  constructor(
    settings: Readonly<Record<string, FactSettings>>,
    sources: Sources,
    private readonly clock: Clock,
  ) {
    const gate = new Gate(readsAtOnceMax, readsWaitingMax);
    this.#facts = new Map(Object.entries(settings).map(([name, fact]) => [name, new Fact(fact, openAll(name, fact.sources, sources), gate)]));
    this.names = new Set(this.#facts.keys());
  }

  async gather(names: readonly string[], types: FactTypes, lookup: Lookup, youngerThanMs = Infinity): Promise<ReadonlyMap<string, FactAnswer>> {
    const nowMs = this.clock.now();
    const asked = names.flatMap((name) => {
      const fact = this.#facts.get(name);
      const type = Object.hasOwn(types, name) ? types[name] : undefined;
      return fact && type ? [fact.ask({ types: type, lookup, nowMs, youngerThanMs }).then((answer) => [name, answer] as const)] : [];
    });
    return new Map(await Promise.all(asked));
  }
}

function openAll(fact: string, settings: readonly SourceSettings[], sources: Sources): readonly Source[] {
  try {
    const opened = settings.map((each) => sources.open(each, attemptPlaceholders));
    // Two of a kind are told apart in the record by their place.
    return opened.map((source, index) => (opened.filter(({ name }) => name === source.name).length > 1 ? { ...source, name: `${source.name} ${index + 1}` } : source));
  } catch (error) {
    throw error instanceof FlyballError ? new FlyballError('config_invalid', `facts.${fact}: ${error.message}`, { cause: error }) : error;
  }
}
