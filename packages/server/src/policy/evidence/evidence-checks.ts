import { canonicalText, FlyballError, type Json } from '@flyball/protocol';
import { type Clock, pause } from '../../lib/clock.js';
import { Gate } from '../../lib/gate.js';
import { valueAt } from '../../lib/json-pointer.js';
import { schemaFault } from '../../lib/json-schema.js';
import type { SourceSettings } from '../facts/settings.js';
import type { Source, Sources } from '../facts/sources.js';
import { evidencePlaceholders } from '../facts/template.js';
import { toWord } from '../gathered-facts.js';
import type { EvidenceCheck, EvidenceTerms } from './load-evidence.js';

export interface CheckerSettings {
  readonly source: SourceSettings;
  readonly timeout_ms: number;
}

export type EvidenceVerdict =
  /** `source` is who was asked whether it is so; without one, only its form was looked at. */
  { readonly ok: true; readonly source?: string } | { readonly ok: false; readonly why: string };

const valueBytesMax = 64 * 1024;
const checksAtOnceMax = 8;
const checksWaitingMax = 100;

/** Whether evidence is what it should be: by its form, and, where a kind says who can tell, by what they say now. */
export class EvidenceChecks {
  readonly #checkers: ReadonlyMap<string, { readonly source: Source; readonly timeoutMs: number }>;
  readonly #gate = new Gate(checksAtOnceMax, checksWaitingMax);

  /** Throws `config_invalid`, with the source that it is about. */
  constructor(
    private readonly kinds: () => EvidenceTerms,
    settings: Readonly<Record<string, CheckerSettings>>,
    sources: Sources,
    private readonly clock: Clock,
  ) {
    this.#checkers = new Map(Object.entries(settings).map(([name, { source, timeout_ms: timeoutMs }]) => [name, { source: openChecker(name, source, sources), timeoutMs }]));
  }

  /** Never throws: whoever cannot be asked has not confirmed anything. */
  async verify(kind: string, value: Json): Promise<EvidenceVerdict> {
    const terms = this.kinds().get(kind);
    if (!terms) return { ok: false, why: `no such kind of evidence: \`${kind.slice(0, 64)}\`` };
    try {
      if (Buffer.byteLength(canonicalText(value)) > valueBytesMax) return { ok: false, why: `expected at most ${valueBytesMax} bytes` };
      const fault = schemaFault(terms.schema, value);
      if (fault !== undefined) return { ok: false, why: fault };
      return terms.check ? await this.#check(terms.check, value) : { ok: true };
    } catch (error) {
      return { ok: false, why: error instanceof FlyballError ? error.message : 'it could not be checked' };
    }
  }

  async #check({ source: name, expect }: EvidenceCheck, value: Json): Promise<EvidenceVerdict> {
    const checker = this.#checkers.get(name);
    if (!checker) return { ok: false, why: `nobody is configured who could confirm it: \`evidence_sources.${name}\`` };
    const { source, timeoutMs } = checker;
    const lookup = (placeholder: string) => toWord(valueAt(value, `/${placeholder.slice('evidence.'.length).split('.').join('/')}`));
    const answered = new AbortController();
    try {
      const late = pause(timeoutMs, answered.signal).then(() => undefined);
      const reading = await Promise.race([this.#gate.run(() => source.read(lookup, this.clock.now(), timeoutMs)), late]);
      if (!reading) return { ok: false, why: `\`${name}\` gave no answer within ${timeoutMs} ms` };
      const differing = Object.entries(expect).find(([pointer, wanted]) => canonicalText(valueAt(reading.document, pointer) ?? null) !== canonicalText(wanted));
      return differing ? { ok: false, why: `\`${name}\` does not confirm it: expected \`${differing[0]}\` to be \`${String(differing[1])}\`` } : { ok: true, source: name };
    } finally {
      answered.abort();
    }
  }
}

function openChecker(name: string, settings: SourceSettings, sources: Sources): Source {
  try {
    const source = sources.open(settings, evidencePlaceholders);
    // Who is not told what it is about would confirm whatever it is.
    if (source.placeholders.length === 0) throw new FlyballError('config_invalid', 'expected a placeholder such as `{evidence.id}`: what is asked has to be about the evidence');
    return source;
  } catch (error) {
    throw error instanceof FlyballError ? new FlyballError('config_invalid', `evidence_sources.${name}: ${error.message}`, { cause: error }) : error;
  }
}
