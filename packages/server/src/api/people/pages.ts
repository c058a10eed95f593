import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Route } from '../route.js';

/** What may be among the pages, and what browsers are told that it is. */
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Nothing but our own files, no script inside of a page, and no page around it (abuse 41). */
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const guards: Readonly<Record<string, string>> = {
  'content-security-policy': policy,
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), geolocation=()',
  'cache-control': 'no-store',
};

const shell = 'index.html';
/** Each is the same page; its script shows what the address says. None of them changes anything or shows anything of its own. */
const places = ['/', '/sign-in', '/sign-in/back', '/signed-out', '/passkeys', '/together', '/holds/:id'];

/** The pages' files, read once. */
export function pageRoutes(folder: string): readonly Route[] {
  const files = new Map(readdirSync(folder).flatMap((name) => (types[extname(name)] === undefined ? [] : [[name, readFileSync(join(folder, name))] as const])));
  const send = (name: string): Route['answer'] => (c) => c.body(new Uint8Array(files.get(name) ?? []), 200, { ...guards, 'content-type': types[extname(name)] ?? '' });
  return [
    ...places.map((path) => ({ method: 'GET', path, right: 'anyone', answer: send(shell) }) as const),
    ...[...files.keys()].filter((name) => name !== shell).map((name) => ({ method: 'GET', path: `/pages/${name}`, right: 'anyone', answer: send(name) }) as const),
  ];
}
