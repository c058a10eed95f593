import type { PolicyJson, PolicyToJsonAnswer, SchemaJson, ValidationAnswer } from '@cedar-policy/cedar-wasm/nodejs';
import { cedar, isOverflow } from './cedar-wasm.js';

interface Named {
  readonly id: string;
  readonly text: string;
}

/**
 * Texts in which Cedar's parser and validator found nothing: asking them of 1,000 policies takes most of a
 * second, and a reload changes few. What the bundle before the last one used is forgotten.
 */
export class CedarMemory {
  #parsed = new Map<string, PolicyJson>();
  #valid = new Set<string>();
  #schema = '';

  /** `undefined` when the policy is too much for the parser. */
  parse(text: string): PolicyToJsonAnswer | undefined {
    const json = this.#parsed.get(text);
    if (json) return { type: 'success', json };
    return unlessOverflown(() => cedar().policyToJson(text));
  }

  /** Validates what has changed; `undefined` when that is too much for the validator. */
  validate(schema: SchemaJson<string>, policies: readonly Named[]): ValidationAnswer | undefined {
    const known = JSON.stringify(schema) === this.#schema ? this.#valid : new Set<string>();
    const changed = policies.filter((policy) => !known.has(keyOf(policy)));
    if (changed.length === 0) return { type: 'success', validationErrors: [], validationWarnings: [], otherWarnings: [] };
    return unlessOverflown(() => cedar().validate({ schema, policies: { staticPolicies: Object.fromEntries(changed.map(({ id, text }) => [id, text])) } }));
  }

  /** Remembers a bundle in which nothing is wrong, and nothing else. */
  remember(schema: SchemaJson<string>, policies: readonly (Named & { readonly parsed: PolicyJson; readonly parsedText: string })[], answer: ValidationAnswer): void {
    const warned = new Set(answer.type === 'success' ? answer.validationWarnings.map(({ policyId }) => policyId) : []);
    this.#parsed = new Map(policies.map(({ parsed, parsedText }) => [parsedText, parsed]));
    this.#valid = new Set(policies.filter(({ id }) => !warned.has(id)).map(keyOf));
    this.#schema = JSON.stringify(schema);
  }
}

const keyOf = ({ id, text }: Named): string => `${id}\n${text}`;

function unlessOverflown<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (isOverflow(error)) return undefined;
    throw error;
  }
}
