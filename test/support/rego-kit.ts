import { gzipSync } from 'node:zlib';

/** One entry of a tar archive; what is not given is as `opa build` writes it. */
export interface TarEntry {
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly type?: string;
  readonly size?: string;
  readonly magic?: string;
  readonly checksum?: string;
  readonly prefix?: string;
}

const block = 512;
export const tarEnd: Uint8Array = new Uint8Array(2 * block);

export function tarEntry({ name, content, type = '0', size, magic = 'ustar\0', checksum, prefix = '' }: TarEntry): Uint8Array {
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(block);
  header.write(name, 0, 100, 'latin1');
  header.write('0000600\x000000000\x000000000\x00', 100, 'latin1');
  header.write(size ?? `${bytes.length.toString(8).padStart(11, '0')}\0`, 124, 12, 'latin1');
  header.write('00000000000\x00        ', 136, 'latin1');
  header.write(type, 156, 'latin1');
  header.write(`${magic}00`, 257, 'latin1');
  header.write(prefix, 345, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(checksum ?? `${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1');
  return Buffer.concat([header, bytes, Buffer.alloc((block - (bytes.length % block)) % block)]);
}

/** A tar archive of these entries, compressed. */
export const tarball = (entries: readonly TarEntry[], end: Uint8Array = tarEnd): Buffer => gzipSync(Buffer.concat([...entries.map(tarEntry), end]));

/** The archive of a compiled bundle, as it stands in `files` of a bundle. */
export const regoArchive = (wasm: Uint8Array, data = '{}'): Buffer => tarball([{ name: '/data.json', content: data }, { name: '/policy.wasm', content: wasm }, { name: '/.manifest', content: '{}' }]);

/** Bundle files with a rule that always returns this. */
export const ruling = (result: unknown): Readonly<Record<string, string>> => ({ 'rego/bundle.tar.gz': regoArchive(regoModule({ answer: result === undefined ? '[]' : JSON.stringify([{ result }]) })).toString('base64') });

export interface ModuleWish {
  /** Text of the result set that every evaluation returns. */
  readonly answer?: string;
  readonly entrypoints?: string;
  readonly builtins?: string;
  readonly abi?: readonly [number, number];
  /** Pages of memory that it asks for at least. */
  readonly pages?: number;
  /** Code of `opa_eval`, which returns an address; the answer's is 4096. */
  readonly evaluation?: readonly number[];
  /** Code that runs when the module is made ready, in `entrypoints`; the address of the names is 2048. */
  readonly preparation?: readonly number[];
  /** Further imports, as `module`, `name` and function type. */
  readonly imports?: readonly (readonly [string, string, number])[];
}

/** Instructions for `evaluation`. Function 0 is `opa_builtin0`, 1 is `opa_abort`. */
export const code = {
  answer: [0x41, ...signed(4096)],
  forever: [0x03, 0x40, 0x0c, 0x00, 0x0b, 0x41, 0x00],
  trap: [0x00],
  outside: [0x41, ...signed(0x7fff_0000)],
  builtin: [0x41, 0x00, 0x41, 0x00, 0x10, 0x00, 0x1a, 0x41, ...signed(4096)],
  abort: [0x41, ...signed(2048), 0x10, 0x01, 0x41, ...signed(4096)],
  /** Ends in a trap and remembers it; who is asked again, as the same instance, answers. */
  once: [0x41, ...signed(8192), 0x2d, 0x00, 0x00, 0x45, 0x04, 0x40, 0x41, ...signed(8192), 0x41, 0x01, 0x3a, 0x00, 0x00, 0x00, 0x0b, 0x41, ...signed(4096)],
  /** Takes page after page; the answer when it got more than so many, a trap when it did not. */
  pages: (most: number): readonly number[] => [0x41, ...signed(most), 0x40, 0x00, 0x41, 0x7f, 0x46, 0x04, 0x40, 0x00, 0x0b, 0x41, ...signed(4096)],
} as const;

const types: readonly (readonly [number, number])[] = [[0, 1], [1, 1], [2, 1], [7, 1], [1, 0]];

/** A module with the interface of OPA's (ABI 1.2), made by hand: what OPA itself would never compile. */
export function regoModule({ answer = '[]', entrypoints = '{"flyball/decision":0}', builtins = '{}', abi = [1, 3], pages = 1, evaluation = code.answer, preparation = [0x41, ...signed(2048)], imports = [] }: ModuleWish = {}): Uint8Array {
  const imported = [['env', 'opa_builtin0', 2] as const, ['env', 'opa_abort', 4] as const, ...imports];
  const functions: readonly (readonly [string, number, readonly number[]])[] = [
    ['builtins', 0, [0x41, ...signed(1024)]],
    ['entrypoints', 0, preparation],
    ['opa_json_dump', 1, [0x20, 0x00]],
    ['opa_malloc', 1, [0x41, ...signed(0x8000)]],
    ['opa_json_parse', 2, [0x41, 0x08]],
    ['opa_heap_ptr_get', 0, [0x41, ...signed(0x9000)]],
    ['opa_heap_ptr_set', 4, []],
    ['opa_eval', 3, evaluation],
  ];
  const globals = abi.map((value) => [0x7f, 0x00, 0x41, ...signed(value), 0x0b]);
  const text = (value: string) => [...unsigned(Buffer.byteLength(value)), ...Buffer.from(value)];
  const data = ([[1024, builtins], [2048, entrypoints], [4096, answer]] as const).map(([at, value]) => [0x00, 0x41, ...signed(at), 0x0b, ...text(`${value}\0`)]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, types.map(([takes, gives]) => [0x60, takes, ...Array<number>(takes).fill(0x7f), gives, ...Array<number>(gives).fill(0x7f)])),
    ...section(2, [...imported.map(([from, name, type]) => [...text(from), ...text(name), 0x00, type]), [...text('env'), ...text('memory'), 0x02, 0x00, ...unsigned(pages)]]),
    ...section(3, functions.map(([, type]) => [type])),
    ...section(6, globals),
    ...section(7, [...functions.map(([name], index) => [...text(name), 0x00, ...unsigned(imported.length + index)]), [...text('opa_wasm_abi_version'), 0x03, 0x00], [...text('opa_wasm_abi_minor_version'), 0x03, 0x01]]),
    ...section(10, functions.map(([, , body]) => [...unsigned(body.length + 2), 0x00, ...body, 0x0b])),
    ...section(11, data),
  ]);
}

function section(id: number, items: readonly (readonly number[])[]): readonly number[] {
  const content = [...unsigned(items.length), ...items.flat()];
  return [id, ...unsigned(content.length), ...content];
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left];
    bytes.push((left % 128) + 128);
  }
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 64) return [...bytes, left];
    bytes.push((left % 128) + 128);
  }
}
