import { readFileSync } from 'node:fs';

/** Which draft this is about: the one place that states it is the product's own module. */
export function draftOf() {
  const text = readFileSync(new URL('../../packages/server/src/api/arap/draft.ts', import.meta.url), 'utf8');
  const of = (member) => new RegExp(`${member}: '([^']+)'`).exec(text)?.[1];
  return `${of('name')}, ${of('title')}`;
}
