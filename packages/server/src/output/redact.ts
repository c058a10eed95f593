import { isObject, type Json, type JsonObject } from '@flyball/protocol';
import { mentions, redactText } from './patterns.js';

const base64Run = /[A-Za-z0-9+/_-]{16,}={0,2}/g;

/**
 * A value without anything of the given classes: in texts, in names of members, in numbers, in what is written
 * in base64, in look-alike letters or over several pieces. What is found in disguise takes its whole text along.
 */
export function redactValue(value: Json | undefined, classes: readonly string[]): Json | undefined {
  if (typeof value === 'string') return redactDisguised(value, classes);
  if (typeof value === 'number') return mentions(String(value), classes) ? placeholder(classes) : value;
  if (Array.isArray(value)) return redactPieces((value as readonly Json[]).map((item) => redactValue(item, classes) ?? null), classes);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [redactText(key, classes), redactValue(item, classes)]));
  return value;
}

function redactDisguised(text: string, classes: readonly string[]): string {
  const plain = redactText(text, classes).replace(base64Run, (run) => (mentions(Buffer.from(run, 'base64').toString('utf8'), classes) ? placeholder(classes) : run));
  return mentions(undisguised(plain), classes) ? placeholder(classes) : plain;
}

/** The text as a reader takes it: compatibility letters folded, invisible ones gone, JSON escapes read. */
function undisguised(text: string): string {
  const read = text.replace(/\\u([0-9a-fA-F]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return read.normalize('NFKC').replace(/\p{Cf}/gu, '');
}

/** Texts of neighbouring pieces that say together what none says alone. */
function redactPieces(items: readonly Json[], classes: readonly string[]): readonly Json[] {
  const texts = items.filter((item): item is JsonObject & { readonly text: string } => isObject(item) && typeof item['text'] === 'string').map((item) => item.text);
  if (texts.length < 2 || !mentions(undisguised(texts.join('')), classes)) return items;
  return items.map((item) => (isObject(item) && typeof item['text'] === 'string' ? { ...item, text: placeholder(classes) } : item));
}

const placeholder = (classes: readonly string[]) => classes.map((name) => `[${name}]`).join('');
