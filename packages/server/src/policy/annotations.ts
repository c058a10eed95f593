import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { type AskedOfPeople, onStepUp, readAskedOfPeople } from './approval-annotations.js';
import { durationOf } from '../lib/duration.js';

/** What a policy's annotations say it does, beyond Cedar's permit and forbid. */
export interface Rule extends AskedOfPeople {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly outcome: 'deny' | 'step_up' | 'defer';
  readonly shadow: boolean;
  readonly reason: string;
  readonly owner?: string;
  readonly control?: string;
  readonly needs: readonly string[];
  readonly withinMs: number;
  /** Name of the emergency that opens the guard. */
  readonly emergency?: string;
  readonly caps: Readonly<Record<string, number>>;
  readonly sets: Readonly<Record<string, string | boolean>>;
  readonly redact: readonly string[];
  readonly credential?: string;
  readonly ttlMs: number;
}

const onAny = ['id', 'reason', 'owner', 'control', 'mode'];
const onForbid = ['outcome', ...onStepUp, 'needs', 'within', 'emergency'];
const onPermit = ['modify', 'credential', 'ttl'];
const withinDefaultMs = 4 * 60 * 60_000;
const withinMostMs = 30 * 24 * 60 * 60_000;
const ttlDefaultMs = 5 * 60_000;
export const redactable = ['pii', 'secret'];

type Annotations = Readonly<Record<string, string | null>>;

/** Reads the annotations of one policy; what is wrong with them is added to `faults`. */
export function readRule(policy: PolicyJson, faults: string[]): Rule {
  const given: Annotations = policy.annotations ?? {};
  const { effect } = policy;
  const allowed = [...onAny, ...(effect === 'forbid' ? onForbid : onPermit)];
  for (const key of Object.keys(given)) {
    if (!allowed.includes(key)) faults.push(unknownAnnotation(key, effect));
    else if (!given[key]) faults.push(`expected \`@${key}\` to have a value`);
  }
  const id = given['id'] ?? '';
  if (!/^[a-z0-9][a-z0-9._-]{0,127}$/.test(id)) faults.push('expected `@id` with a name in lower-case letters, digits and `. _ -`');
  return {
    id,
    effect,
    ...readOutcome(given, faults),
    ...readAskedOfPeople(given, given['outcome'] ?? 'deny', faults),
    ...readEmergency(given, faults),
    shadow: readMode(given['mode'], faults),
    reason: given['reason'] ?? id,
    ...(given['owner'] && { owner: given['owner'] }),
    ...(given['control'] && { control: given['control'] }),
    withinMs: readDuration(given['within'], 'within', withinDefaultMs, withinMostMs, faults),
    ...readModify(given['modify'], faults),
    ...(given['credential'] && { credential: given['credential'] }),
    ttlMs: readDuration(given['ttl'], 'ttl', ttlDefaultMs, withinMostMs, faults),
  };
}

function unknownAnnotation(key: string, effect: 'permit' | 'forbid'): string {
  const elsewhere = onForbid.includes(key) ? 'a forbid' : onPermit.includes(key) ? 'a permit' : undefined;
  return elsewhere ? `expected \`@${key}\` on ${elsewhere} only, got it on a ${effect}` : `unknown annotation \`@${key}\``;
}

function readOutcome(given: Annotations, faults: string[]): Pick<Rule, 'outcome' | 'needs'> {
  const outcome = given['outcome'] ?? 'deny';
  const needs = words(given['needs']);
  if (outcome !== 'deny' && outcome !== 'step_up' && outcome !== 'defer') faults.push('expected `@outcome` to be "step_up" or "defer"');
  if ((outcome === 'defer') !== (needs.length > 0)) faults.push('expected `@needs` with `@outcome("defer")`, and only there');
  return { outcome: outcome === 'step_up' || outcome === 'defer' ? outcome : 'deny', needs };
}

/** What never opens (a plain forbid) cannot be opened in an emergency either. */
function readEmergency(given: Annotations, faults: string[]): Pick<Rule, 'emergency'> {
  const { emergency, outcome } = given;
  if (emergency && outcome !== 'step_up' && outcome !== 'defer') faults.push('expected `@emergency` on a guard that waits, with `@outcome("step_up")` or `@outcome("defer")`');
  return emergency ? { emergency } : {};
}

function readMode(mode: string | null | undefined, faults: string[]): boolean {
  if (mode !== undefined && mode !== 'shadow') faults.push('expected `@mode` to be "shadow"');
  return mode === 'shadow';
}

/** `name=number` caps an argument, `name=word` sets it, `redact=class` takes a class of text out of the answer. */
function readModify(text: string | null | undefined, faults: string[]): Pick<Rule, 'caps' | 'sets' | 'redact'> {
  const caps: [string, number][] = [];
  const sets: [string, string | boolean][] = [];
  const redact: string[] = [];
  const parts = words(text);
  if (text && parts.length === 0) faults.push('expected `@modify` to say what is modified');
  for (const part of parts) {
    const [, key = '', value = ''] = /^([A-Za-z_][A-Za-z0-9_-]*) *= *([^=]+)$/.exec(part) ?? [];
    const named = [...caps, ...sets].some(([name]) => name === key);
    if (key === 'redact' && redactable.includes(value)) redact.push(value);
    else if (key === '' || key === 'redact' || key === '__proto__' || named) faults.push(`expected \`@modify\` as \`argument=value\`, each argument once, or \`redact=${redactable.join('|')}\`; got \`${part}\``);
    else if (!/^[-+.\d]/.test(value)) sets.push([key, value === 'true' || value === 'false' ? value === 'true' : value]);
    else if (/^-?\d{1,15}(\.\d{1,4})?$/.test(value)) caps.push([key, Number(value)]);
    else faults.push(`expected \`@modify\` with a number of at most fifteen digits and four decimals, got \`${part.slice(0, 80)}\``);
  }
  return { caps: Object.fromEntries(caps), sets: Object.fromEntries(sets), redact };
}

function readDuration(text: string | null | undefined, name: string, otherwise: number, most: number, faults: string[]): number {
  if (!text) return otherwise;
  const ms = durationOf(text) ?? 0;
  if (ms < 1_000 || ms > most) faults.push(`expected \`@${name}\` as a time from 1s to 30d, such as "4h"`);
  return ms;
}

const words = (text: string | null | undefined): readonly string[] => (text ?? '').split(',').map((word) => word.trim()).filter((word) => word !== '');
