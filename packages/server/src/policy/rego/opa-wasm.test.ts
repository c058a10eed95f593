import { describe, expect, test } from 'vitest';
import { code, type ModuleWish, regoArchive, regoModule, tarball } from '../../../../../test/support/rego-kit.js';
import { limits } from '../../lib/limits.js';
import { OpaWasm } from './opa-wasm.js';

const load = (wish: ModuleWish = {}, data?: string) => OpaWasm.load(regoArchive(regoModule(wish), data));
const set = (result: unknown) => JSON.stringify([{ result }]);

test('story: what the rule returns for each input, and `undefined` where it is not defined', () => {
  expect(load({ answer: set({ outcome: 'allow' }) }).answers([{}, {}])).toEqual([{ outcome: 'allow' }, { outcome: 'allow' }]);
  expect(load({ answer: '[]' }).answers([{}])).toEqual([undefined]);
});

describe('modules that are not taken', () => {
  test.each<[string, ModuleWish, RegExp]>([
    ['another entrypoint', { entrypoints: '{"flyball/allow":0}' }, /expected the entrypoint `flyball\/decision`/],
    ['an entrypoint of every object', { entrypoints: '{"__proto__":{"flyball/decision":0}}' }, /expected the entrypoint/],
    ['entrypoints that are no JSON', { entrypoints: '{' }, /./],
    ['a clock', { builtins: '{"time.now_ns":0}' }, /host has to supply, got `time\.now_ns`/],
    ['the network', { builtins: '{"http.send":0}' }, /got `http\.send`/],
    ['what the library would lend it', { builtins: '{"sprintf":0,"yaml.unmarshal":1,"regex.split":2,"json.is_valid":3}' }, /got `sprintf`, `yaml\.unmarshal`, `regex\.split`, `json\.is_valid`/],
    ['what every object would lend it', { builtins: '{"constructor":0}' }, /got `constructor`/],
    ['built-ins that are no JSON', { builtins: 'x' }, /./],
    ['another ABI', { abi: [2, 3] }, /ABI 1\.2/],
    ['an old minor version', { abi: [1, 1] }, /ABI 1\.2/],
    ['more memory than the bound', { pages: limits.regoMemoryPagesMax + 1 }, /memory/],
    ['the console', { imports: [['env', 'opa_println', 4]] }, /opa_println/],
    ['a function of the system', { imports: [['wasi_snapshot_preview1', 'fd_write', 2]] }, /wasi_snapshot_preview1/],
    ['a trap when it is made ready', { preparation: code.trap }, /unreachable/],
  ])('attack: %s', (_name, wish, expected) => {
    expect(() => load(wish)).toThrow(expected);
  });

  test('attack: a module that is never ready is given up', () => {
    expect(() => load({ preparation: code.forever })).toThrow(`expected an answer within ${limits.regoLoadMs} ms`);
  }, 20_000);

  test('attack: bytes that are no module, and data that is no JSON or can be read in two ways', () => {
    expect(() => OpaWasm.load(regoArchive(Buffer.from('module')))).toThrow(/WebAssembly/);
    for (const data of ['', '{', '{"a":1,"a":2}', '{"__proto__":{}}']) expect(() => load({}, data)).toThrow(/expected/);
    expect(() => OpaWasm.load(tarball([{ name: 'policy.wasm', content: new Uint8Array(limits.regoWasmBytesMax + 1) }]))).toThrow(/a policy\.wasm of at most/);
  });
});

describe('evaluations that go wrong', () => {
  const answer = set('fine');
  test.each<[string, ModuleWish, RegExp]>([
    ['a loop without end', { evaluation: code.forever }, /within 250 ms/],
    ['a loop without end in the reader of the answer', { evaluation: code.outside }, /within 250 ms/],
    ['a trap', { evaluation: code.trap }, /unreachable/],
    ['more memory than the bound', { evaluation: code.pages(limits.regoMemoryPagesMax) }, /unreachable/],
    ['a built-in function that it never declared', { evaluation: code.builtin }, /host has to supply/],
    ['an end by OPA', { evaluation: code.abort }, /ended by OPA: \{"flyball/],
    ['no JSON', { answer: 'x' }, /JSON/],
    ['no list', { answer: '{"result":1}' }, /one result/],
    ['two results', { answer: '[{"result":1},{"result":2}]' }, /one result/],
    ['a result without result', { answer: '[{"expressions":1}]' }, /one result/],
    ['a result by inheritance only', { answer: '[{"__proto__":{"result":1}}]' }, /one result/],
  ])('attack: %s is no answer, in time', (_name, wish, expected) => {
    const rego = load({ answer, ...wish });
    for (let i = 0; i < 2; i++) {
      const start = performance.now();
      expect(() => rego.answers([{}])).toThrow(expected);
      expect(performance.now() - start).toBeLessThan(2_000);
    }
  });

  test('law: an instance that did not come to its end is not asked again: it may be in any state', () => {
    const rego = load({ answer, evaluation: code.once });
    for (let i = 0; i < 3; i++) expect(() => rego.answers([{}])).toThrow(/unreachable/);
  });

  test('attack: all resources of one attempt have one time limit', () => {
    const rego = load({ evaluation: code.forever });
    const start = performance.now();
    expect(() => rego.answers(Array.from({ length: 100 }, () => ({})))).toThrow(/within/);
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  test('story: memory up to the bound may be had', () => {
    expect(load({ answer, evaluation: code.pages(limits.regoMemoryPagesMax - 64) }).answers([{}])).toEqual(['fine']);
  });

  test('attack: an input larger than the memory is no answer, and the next one is answered', () => {
    const rego = load({ answer });
    expect(() => rego.answers([{ text: 'x'.repeat(limits.regoMemoryPagesMax * 65_536) }])).toThrow();
    expect(rego.answers([{}])).toEqual(['fine']);
  });
});
