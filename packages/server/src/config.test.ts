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
