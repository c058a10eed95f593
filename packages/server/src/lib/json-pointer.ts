import { isObject, type Json } from '@flyball/protocol';

/** The reference tokens of a JSON Pointer (RFC 6901, section 3), or nothing for what is none. */
export function pointerTokens(pointer: string): readonly string[] | undefined {
  if (pointer === '') return [];
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) return undefined;
  return pointer.slice(1).split('/').map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The value that a JSON Pointer leads to, over own members only: a document has no member that it did not bring. */
export function valueAt(document: Json, pointer: string): Json | undefined {
  let value: Json | undefined = document;
  for (const token of pointerTokens(pointer) ?? ['']) {
    if (Array.isArray(value)) value = /^(0|[1-9]\d{0,8})$/.test(token) ? (value as readonly Json[])[Number(token)] : undefined;
    else value = isObject(value) && Object.hasOwn(value, token) ? value[token] : undefined;
  }
  return value;
}
