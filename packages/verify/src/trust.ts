import { parsePolicy, type Policy, type PolicyLog, TlogError } from '@flyball/tlog';
import { VerifyError } from './verify-error.js';

/** Whom to believe: the text of a C2SP tlog-policy, or verifier keys of the log and, if wanted, of witnesses. */
export type Trust =
  | { readonly policy: Uint8Array | string }
  | {
      /** C2SP verifier keys of the log; each is named as the log's origin. */
      readonly keys: readonly string[];
      /** C2SP cosigner keys, of type 0x04. */
      readonly witnesses?: readonly string[];
      /** How many witnesses have to have cosigned; all of them when it is not said. */
      readonly quorum?: number;
    };

/** A trust as a policy. Throws `usage` for keys that are none and for a quorum that nobody can reach. */
export function policyOf(trust: Trust): Policy {
  const policy = parsed('policy' in trust ? trust.policy : policyText(trust));
  if (!policy.logs.some(({ verifier }) => verifier)) throw new VerifyError('usage', 'expected an Ed25519 verifier key of the log');
  return policy;
}

/** Origins of the logs that a policy knows: a log's key is named as its origin (tlog-policy, Defining a log). */
export const originsOf = ({ logs }: Policy): readonly string[] => [...new Set(logs.flatMap(({ verifier }) => verifier?.name ?? []))];

/** A policy that trusts more keys of the same log. */
export function extended(policy: Policy, verifiers: readonly NonNullable<PolicyLog['verifier']>[]): Policy {
  const more = verifiers.map((verifier) => ({ key: { name: verifier.name, keyId: verifier.keyId }, verifier, url: undefined }));
  return { ...policy, logs: [...policy.logs, ...more] };
}

function policyText({ keys, witnesses = [], quorum }: Exclude<Trust, { readonly policy: unknown }>): string {
  if ([...keys, ...witnesses].some((key) => /\s/.test(key))) throw new VerifyError('usage', 'expected verifier keys, name+id+key, without spaces');
  if (quorum !== undefined && witnesses.length === 0) throw new VerifyError('usage', 'expected the witnesses of whom a quorum is wanted');
  const names = witnesses.map((_, at) => `witness-${at + 1}`);
  const lines = [
    ...[...new Set(keys)].map((key) => `log ${key}`),
    ...witnesses.map((key, at) => `witness ${names[at] ?? ''} ${key}`),
    ...(witnesses.length > 0 ? [`group quorum ${quorum ?? witnesses.length} ${names.join(' ')}`, 'quorum quorum'] : ['quorum none']),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function parsed(text: Uint8Array | string): Policy {
  try {
    return parsePolicy(text);
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw new VerifyError('usage', `expected keys or a policy to trust: ${cause.message}`, { cause });
  }
}
