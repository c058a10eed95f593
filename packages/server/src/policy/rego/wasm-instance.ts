import { createRequire } from 'node:module';
import type { Json } from '@flyball/protocol';
import { limits } from '../../lib/limits.js';
import { type Global, type Instance, type Memory, type Module, webAssembly } from './web-assembly.js';

/** What of the library is used: an instance's heap between evaluations, and the calls of ABI 1.2. */
export interface Evaluator {
  readonly entrypoints: Readonly<Record<string, number>>;
  setData(data: Json): void;
  evaluate(input: Json, entrypoint: string): unknown;
}

interface Library {
  readonly LoadedPolicy: new (instance: Instance, memory: Memory, minorVersion: number) => Evaluator;
}

interface Exports {
  readonly opa_wasm_abi_version?: Global;
  readonly opa_wasm_abi_minor_version?: Global;
  builtins(): number;
  opa_json_dump(value: number): number;
}

const require = createRequire(import.meta.url);
const pagesFirst = 64;
const textMost = 64 * 1024;

/**
 * A module of OPA's made ready, alone: it has a memory that cannot outgrow its bound and no function of this
 * process. The library would lend it its own `sprintf`, `yaml` and `regex.split`, which are not those of OPA, and
 * the console. Throws for a module of another ABI and for one that asks for a function of its host.
 */
export function instantiate(module: Module, data: Json): Evaluator {
  const memory = new webAssembly.Memory({ initial: pagesFirst, maximum: limits.regoMemoryPagesMax });
  const instance = new webAssembly.Instance(module, { env: { memory, ...host(memory) } });
  const exports = instance.exports as unknown as Exports;
  const minor = abiMinor(exports);
  const asked = Object.keys(JSON.parse(textAt(memory, exports.opa_json_dump(exports.builtins()))) as object);
  if (asked.length > 0) throw new Error(`expected no built-in function that the host has to supply, got ${asked.slice(0, 10).map((name) => `\`${name.slice(0, 50)}\``).join(', ')}; time comes as \`input.context.now_ms\`, text is put together by \`concat\`, \`format_int\` or a template string`);
  const { LoadedPolicy } = require('@open-policy-agent/opa-wasm') as Library;
  const evaluator = new LoadedPolicy(instance, memory, minor);
  evaluator.setData(data);
  return evaluator;
}

function host(memory: Memory): Readonly<Record<string, unknown>> {
  const refuse = () => {
    throw new Error('expected no call of a built-in function that the host has to supply');
  };
  const abort = (address: number) => {
    throw new Error(`the rule was ended by OPA: ${textAt(memory, address).slice(0, 200)}`);
  };
  return { opa_abort: abort, opa_builtin0: refuse, opa_builtin1: refuse, opa_builtin2: refuse, opa_builtin3: refuse, opa_builtin4: refuse };
}

function abiMinor({ opa_wasm_abi_version: version, opa_wasm_abi_minor_version: minor }: Exports): number {
  if (version?.value !== 1 || typeof minor?.value !== 'number' || minor.value < 2) throw new Error('expected a module of OPA with the ABI 1.2 or a later minor version');
  return minor.value;
}

/** Text in the module's memory up to its zero, bounded. */
function textAt(memory: Memory, address: number): string {
  const bytes = new Uint8Array(memory.buffer).subarray(address, address + textMost);
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
}
