import { FlyballError } from '@flyball/protocol';
import type { Lookup } from '../fact-source.js';

const attribute = '[A-Za-z_][A-Za-z0-9_-]{0,63}(?:\\.[A-Za-z_][A-Za-z0-9_-]{0,63}){0,5}';
/** What a fact can be asked about, and what a check of evidence can. */
export const attemptPlaceholders = new RegExp(`^(?:args\\.${attribute}|identity|action|resource\\.id|resource\\.type)$`);
export const evidencePlaceholders = new RegExp(`^evidence\\.${attribute}$`);

const valueMost = 512;

/** Text with places such as `{args.vendor}`, each of which somebody else's word is put into. */
export class Template {
  readonly placeholders: readonly string[];
  readonly #parts: readonly string[];

  /** Throws `config_invalid` for a placeholder that nothing can stand for. */
  constructor(text: string, known: RegExp) {
    this.#parts = text.split(/\{([^{}]*)\}/);
    this.placeholders = this.#parts.filter((_part, index) => index % 2 === 1);
    const unknown = this.placeholders.find((name) => !known.test(name));
    if (unknown !== undefined || /[{}]/.test(this.#parts.filter((_part, index) => index % 2 === 0).join(''))) throw new FlyballError('config_invalid', `expected placeholders such as \`{args.vendor}\`, \`{identity}\` or \`{resource.id}\`, got \`${text.slice(0, 200)}\``);
  }

  /** @param encode what makes a value safe where it stands */
  fill(lookup: Lookup, encode: (value: string) => string): string {
    return this.#parts.map((part, index) => (index % 2 === 0 ? part : encode(wordFor(part, lookup)))).join('');
  }
}

function wordFor(placeholder: string, lookup: Lookup): string {
  const value = lookup(placeholder);
  if (value === undefined) throw new FlyballError('internal', `the attempt has no text or number at \`${placeholder}\``);
  if (value.length > valueMost || !value.isWellFormed()) throw new FlyballError('internal', `expected at most ${valueMost} characters at \`${placeholder}\``);
  return value;
}
