import { describe, expect, test } from 'vitest';
import { parseConfig } from './config.js';

const parsed = (opa: string, environment: Readonly<Record<string, string>> = {}) => parseConfig(`opa: ${opa}\n`, '/flyball.yaml', environment);

describe('a running OPA', () => {
  test('story: its address, its token by the name of a variable, its time', () => {
    const config = parsed('{ url: "http://127.0.0.1:8181", token_from_env: OPA_TOKEN, timeout_ms: 50 }', { OPA_TOKEN: 'hunter2' });
    expect(config.opa).toEqual({ url: 'http://127.0.0.1:8181', token_from_env: 'OPA_TOKEN', timeout_ms: 50 });
    expect(config.opaToken?.reveal()).toBe('hunter2');
    expect(JSON.stringify(config)).not.toContain('hunter2');
  });

  test('story: without a variable there is no token, and a second is enough', () => {
    const config = parsed('{ url: "https://opa.example" }', { '': 'hunter2' });
    expect([config.opaToken, config.opa?.timeout_ms]).toEqual([undefined, 1_000]);
  });

  test.each(['{}', '{ url: opa }', '{ url: "http://127.0.0.1", token: hunter2 }', '{ url: "http://127.0.0.1", token_from_env: "" }', '{ url: "http://127.0.0.1", timeout_ms: 0 }', '{ url: "http://127.0.0.1", timeout_ms: 60000 }', '{ url: "http://127.0.0.1", timeout_ms: 1.5 }', '"http://127.0.0.1"'])('attack: %s is refused, with its line', (opa) => {
    expect(() => parsed(opa)).toThrow(expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('/flyball.yaml:1:') as string }) as Error);
  });
});

describe('where people sign in', () => {
  const signIn = (more: string, environment: Readonly<Record<string, string>> = {}) => parseConfig(`sign_in: { issuer: "https://idp.example", client_id: flyball, ${more} }\n`, '/flyball.yaml', environment);

  test('story: the provider, the client, its secret by the name of a variable, and the pages\' address', () => {
    const config = signIn('client_secret_from_env: S, address: "https://flyball.example/"', { S: 'hunter2' });
    expect(config.sign_in).toMatchObject({ address: 'https://flyball.example', scopes: ['openid'], algorithm: 'RS256', allow_private_address: false });
    expect(config.signInSecret?.reveal()).toBe('hunter2');
    expect(JSON.stringify(config)).not.toContain('hunter2');
    expect(signIn('address: "http://localhost:7601"').sign_in?.address).toBe('http://localhost:7601');
  });

  test.each([
    'address: "http://flyball.example"',
    'address: "https://flyball.example/path"',
    'address: "https://user:word@flyball.example"',
    'address: flyball',
    'address: "https://flyball.example", scopes: [email]',
    'address: "https://flyball.example", audience: flyball',
    'address: "https://flyball.example", groups: { a: b }',
    'address: "https://flyball.example", algorithm: none',
    'address: "https://flyball.example", algorithm: HS256',
    'address: "https://flyball.example", client_secret: hunter2',
  ])('attack: %s is refused', (more) => {
    expect(() => signIn(more)).toThrow(expect.objectContaining({ code: 'config_invalid' }) as Error);
  });
});
