import { FlyballError } from '@flyball/protocol';
import { cedar } from './cedar-wasm.js';

/** A policy file as Cedar's formatter writes it; `undefined` for one with temporal clauses, which it does not know. Throws `bundle_invalid`. */
export function formatPolicies(file: string, text: string): string | undefined {
  if (/\btemporal\s*\{/.test(text)) return undefined;
  const answer = cedar().formatPolicies({ policyText: text });
  if (answer.type === 'success') return answer.formatted_policy;
  throw new FlyballError('bundle_invalid', `${file}: ${answer.errors.map(({ message }) => message).join('; ')}; nothing was changed`);
}
