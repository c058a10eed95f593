import type { Json } from '@flyball/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { targetOf } from './call.js';
import { decodeHeader, encodeHeader, headerMismatch, isForeignOrigin } from './http-guards.js';
import { prefixed, resolveName } from './hub-names.js';
import { idKey, isRequestId, readMessage, type RpcRequest, writeMessage } from './message.js';

const request = (method: string, params: RpcRequest['params']): RpcRequest => ({ kind: 'request', id: 1, method, params });

describe('JSON-RPC messages', () => {
  test('law: what is read is written again as it was', () => {
    const params = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 });
    fc.assert(
      fc.property(fc.oneof(fc.integer(), fc.string({ maxLength: 256 })), fc.string({ minLength: 1 }), params, (id, method, given) => {
        const message = { jsonrpc: '2.0', id: Object.is(id, -0) ? 0 : id, method, params: given };
        expect(JSON.parse(writeMessage(readMessage(JSON.parse(JSON.stringify(message)) as Json)))).toEqual(JSON.parse(JSON.stringify(message)));
      }),
    );
  });

  test('law: whatever JSON it is, it is one message or refused as malformed, never something else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.record({ jsonrpc: fc.constantFrom('2.0', '1.0', 2), id: fc.jsonValue(), method: fc.jsonValue(), params: fc.jsonValue(), result: fc.jsonValue(), error: fc.jsonValue() }, { requiredKeys: [] })), (value) => {
        try {
          expect(['request', 'notification', 'response']).toContain(readMessage(value as Json).kind);
        } catch (error) {
          expect(error).toMatchObject({ code: 'request_malformed' });
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('law: two ids have one key only if they are one id', () => {
    const id = fc.oneof(fc.integer(), fc.string(), fc.integer().map(String));
    fc.assert(
      fc.property(id, id, (left, right) => {
        expect(idKey(left) === idKey(right)).toBe(left === right);
      }),
    );
    expect([null, undefined, {}, [], true, 1.5, NaN, Infinity, 2 ** 53, 'x'.repeat(257)].filter(isRequestId)).toEqual([]);
  });
});

describe('names', () => {
  test('law: what is compared exactly has one way to be written', () => {
    const odd = ['', ' a', 'a ', 'a\u0000', 'a\n', 'a\u200b', 'a\u200d', 'a\u00ad', 'a\ufeff', 'a\u2028', 'a\u{e0061}', 'a\u202e', 'e\u0301', 'x'.repeat(2_049)];
    for (const name of odd) expect(() => targetOf(request('tools/call', { name })), JSON.stringify(name)).toThrow();
    for (const name of [1, null, true, ['a'], { a: 1 }, undefined]) expect(() => targetOf(request('tools/call', name === undefined ? {} : { name })), JSON.stringify(name)).toThrow();
  });

  test('attack: a name that differs from another only in width, ligature or style is refused', () => {
    for (const name of ['ｅｃｈｏ', 'eﬀect', '𝐞𝐜𝐡𝐨', 'ⓔcho', 'echo²']) expect(() => targetOf(request('tools/call', { name })), name).toThrow();
  });

  test('law: a prefixed name leads to its own server, whatever the prefixes are', () => {
    const prefix = fc.stringMatching(/^[a-z_]{0,6}$/);
    fc.assert(
      fc.property(fc.uniqueArray(prefix, { minLength: 1, maxLength: 4 }), fc.nat(), fc.stringMatching(/^[a-z]{1,8}$/), (prefixes, pick, name) => {
        const namespaces = prefixes.map((text, index) => ({ upstream: `u${index}`, prefix: text }));
        const chosen = namespaces[pick % namespaces.length];
        const [listed] = prefixed([{ name }], chosen?.prefix ?? '', 'tools');
        const found = resolveName(String(listed?.['name']), namespaces);
        expect(`${namespaces.find(({ upstream }) => upstream === found?.upstream)?.prefix ?? '?'}${found?.own ?? ''}`).toBe(listed?.['name']);
      }),
    );
  });
});

describe('headers', () => {
  test('law: any name survives the way into a header and back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const header = encodeHeader(value);
        expect(header).toMatch(/^[\x20-\x7e\t]*$/);
        expect(decodeHeader(header)).toBe(value);
      }),
    );
    expect(decodeHeader(encodeHeader('=?base64?ZWNobw==?='))).toBe('=?base64?ZWNobw==?=');
  });

  test('law: headers that disagree with the body in anything are found', () => {
    const params = { name: 'echo', _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } };
    const good = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' };
    expect(headerMismatch(good, request('tools/call', params))).toBeUndefined();
    fc.assert(
      fc.property(fc.constantFrom('mcp-protocol-version', 'mcp-method', 'mcp-name'), fc.string(), (header, value) => {
        fc.pre(value.trim() !== good[header]);
        expect(headerMismatch({ ...good, [header]: value }, request('tools/call', params))).toBeDefined();
      }),
    );
  });

  test('attack: no Host or Origin but the allowed ones is at home', () => {
    const own = new Set(['127.0.0.1:7600', 'localhost:7600']);
    const foreign = (host: string, origin?: string) => isForeignOrigin({ host, ...(origin !== undefined && { origin }) }, (name) => own.has(name));
    expect(foreign('LocalHost:7600', 'http://127.0.0.1:7600')).toBe(false);
    fc.assert(
      fc.property(fc.webUrl(), fc.domain(), (url, domain) => {
        expect([foreign(domain), foreign('127.0.0.1:7600', url)]).toEqual([true, true]);
      }),
    );
    for (const origin of ['null', '', 'http://127.0.0.1:7600.evil.example', 'http://evil.example@127.0.0.1:7601']) expect(foreign('127.0.0.1:7600', origin), origin).toBe(true);
  });
});
